"""Where things lie under DANAS_HOME, in one place for every process."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A unix socket's address holds 107 bytes; the longest name behind the folder is vLLM's, a UUID of
# 36 characters, and a little room is left.
LONGEST_SOCKET_FOLDER = 64


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation. Nothing is created by asking for a path."""

    root: Path

    @property
    def sockets(self) -> Path:
        """Folder of the unix sockets: below the root, or in /tmp where that path is too long."""
        folder = self.root / "run"
        if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
            return folder
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"danas-{os.getuid()}-{digest}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def models(self) -> Path:
        """Base models: the embedded one is converted into a folder below this."""
        return self.root / "models"

    @property
    def adapters(self) -> Path:
        """Immutable adapters, a folder each, named by version and hash."""
        return self.root / "adapters"

    @property
    def files(self) -> Path:
        """Images and exports of people."""
        return self.root / "files"

    @property
    def cache(self) -> Path:
        """What was fetched from elsewhere, and can be fetched again."""
        return self.root / "cache"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def bench(self) -> Path:
        return self.root / "bench"
