"""A file that remembers the last cursor of one pull."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danas.errors import CheckpointMismatch


@dataclass(frozen=True)
class Checkpoint:
    """`asked` is what the cursor belongs to: the server's address, the format and the filter."""

    path: Path
    asked: dict[str, Any]

    def read(self) -> str:
        """The cursor; "0" where there is no file yet.

        Raises:
            CheckpointMismatch: the file is of another pull.
        """
        if not self.path.exists():
            return "0"
        found = json.loads(self.path.read_text())
        cursor: str = found.pop("cursor")
        if found != self.asked:
            raise CheckpointMismatch(
                f"{self.path} belongs to another pull ({found}). Use a file for each server,"
                " format and filter."
            )
        return cursor

    def write(self, cursor: str) -> None:
        """The file is there whole or as it was before, also when the power fails."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=self.path.parent, prefix=f".{self.path.name}-", delete=False
        ) as file:
            json.dump({**self.asked, "cursor": cursor}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, self.path)
