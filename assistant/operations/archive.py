"""A backup as a file: a compressed tar; its last member, the manifest, has the digests of the rest.

    files/…              adapters, images and whatever else lies in folders below DANAS_HOME
    secrets/…            only where they were asked for
    tables/NAME/00000    rows as PostgreSQL's COPY writes them, in parts, since a tar wants to know
                         the size of a member before it has it
    manifest.json        what was saved, of which version, when

It is written and read as a stream: neither the rows nor a second copy of the file need room.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.operations.errors import FileUnfit

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK = 1 << 20
COMPRESSIONS = {".tar.zst": "zstd", ".tar.gz": "gzip", ".tgz": "gzip"}


class Table(BaseModel):
    model_config = ConfigDict(frozen=True)

    columns: list[str]
    rows: int


class Manifest(BaseModel):
    """`migrations` are the applied ones; `members` has the SHA-256 of each member. `storage` and
    `files` are where adapters and people's files lay: rows hold their whole addresses."""

    model_config = ConfigDict(frozen=True)

    format: int
    at: str
    migrations: list[tuple[str, str]]
    tables: dict[str, Table]
    sequences: dict[str, int | None]
    members: dict[str, str]
    has_secrets: bool
    storage: str
    files: str


def compression_of(file: Path) -> str:
    """Raises FileUnfit for a name that does not say how it is compressed."""
    for ending, name in COMPRESSIONS.items():
        if file.name.endswith(ending):
            return name
    raise FileUnfit(f"{file.name}: name the file something.tar.zst or something.tar.gz.")


class Writer:
    """Adds members, and notes their digests."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        self.members[name] = hashlib.sha256(content).hexdigest()
        self._add(name, len(content), io.BytesIO(content))

    def add_file(self, name: str, path: Path) -> bool:
        """Whether it was there: what people delete meanwhile is gone."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            source = _Hashing(file)
            self._add(name, os.fstat(file.fileno()).st_size, source)
        self.members[name] = source.digest()
        return True

    def finish(self, manifest: Manifest) -> None:
        content = manifest.model_dump_json(indent=1).encode()
        self._add(MANIFEST, len(content), io.BytesIO(content))

    def _add(self, name: str, size: int, source: Any) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._tar.addfile(info, source)


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._hash.update(content)
        return content

    def digest(self) -> str:
        return self._hash.hexdigest()


@contextlib.contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """A new archive; the file is there when it is whole and on the disk, and not before.

    Raises:
        FileUnfit: it exists, or can't be written.
    """
    compression = compression_of(file)
    if file.exists():
        raise FileUnfit(f"{file} exists already; name another file.")
    part = file.with_name(file.name + ".part")
    try:
        part.touch(mode=0o600)
        with (
            pa.output_stream(str(part), compression=compression) as out,
            tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            yield Writer(tar)
        _flush(part)
        part.rename(file)
        _flush(file.absolute().parent)
    except OSError as error:
        raise FileUnfit(f"{file} can't be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(file: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each member's name, and its content in chunks, which have to be read before the next.

    Raises:
        FileUnfit: there is no such file, or it breaks off or is no archive of ours.
    """
    if not file.is_file():
        raise FileUnfit(f"There is no file {file}.")
    compression = compression_of(file)
    with (
        _fit(file),
        pa.input_stream(str(file), compression=compression) as source,
        tarfile.open(fileobj=source, mode="r|") as tar,
    ):
        for info in tar:
            content = tar.extractfile(info)
            if content is None:
                raise FileUnfit(f"{file} holds {info.name}, which is no plain file.")
            yield info.name, _chunks(file, content)


def _chunks(file: Path, content: IO[bytes]) -> Iterator[bytes]:
    with _fit(file):
        while chunk := content.read(CHUNK):
            yield chunk


@contextlib.contextmanager
def _fit(file: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, OSError, pa.ArrowException) as error:
        raise FileUnfit(f"{file} is damaged, or is no backup of Danas: {error}") from error


def checked(file: Path) -> Manifest:
    """Read the whole file once, and compare every digest.

    Raises:
        FileUnfit: it is not whole, or something in it was changed.
    """
    found: dict[str, str] = {}
    manifest = b""
    for name, chunks in read(file):
        digest, content = hashlib.sha256(), []
        for chunk in chunks:
            digest.update(chunk)
            if name == MANIFEST:
                content.append(chunk)
        manifest = b"".join(content)
        found[name] = digest.hexdigest()
    wanted = _manifest(file, manifest)
    found.pop(MANIFEST, None)
    wrong = sorted(
        name for name in found | wanted.members if found.get(name) != wanted.members.get(name)
    )
    if wrong:
        raise FileUnfit(f"{file} is damaged: {wrong[0]} is not what was saved.")
    return wanted


def _manifest(file: Path, content: bytes) -> Manifest:
    try:
        if json.loads(content)["format"] != FORMAT:
            raise FileUnfit(f"{file} has a format that this Danas does not know.")
        return Manifest.model_validate_json(content)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise FileUnfit(f"{file} breaks off: it has no manifest at its end.") from error
