"""Which code an adapter was trained with."""

from __future__ import annotations

import subprocess
from functools import cache

from django.conf import settings


@cache
def revision() -> str:
    """The commit that is checked out, with a mark where files differ; empty outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        said = subprocess.run(
            command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()
