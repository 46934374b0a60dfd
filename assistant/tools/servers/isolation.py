"""Keeping a program from the network: Linux's network namespaces, by `unshare` of util-linux."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

from assistant.tools.errors import NetworkRefused

WITHOUT_NETWORK = ("unshare", "--user", "--map-current-user", "--net", "--")
TIMEOUT_S = 5


def without_network(command: Sequence[str]) -> list[str]:
    """The command that runs `command` with nothing but an unconnected loopback of its own.

    Raises:
        NetworkRefused: this machine can't do that.
    """
    if not is_possible():
        raise NetworkRefused(
            "The server may not use the network, and this machine can't keep a program from it. An"
            " administrator can allow it the network."
        )
    return [*WITHOUT_NETWORK, *command]


@cache
def is_possible() -> bool:
    """Containers often forbid namespaces, and other systems have none."""
    if shutil.which(WITHOUT_NETWORK[0]) is None:
        return False
    try:
        tried = subprocess.run(
            [*WITHOUT_NETWORK, "true"], capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
