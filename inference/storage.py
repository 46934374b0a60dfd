"""Where adapters and data sets lie: a folder, or an object store that many machines reach.

An address is a path or a URL, such as `s3://bucket/prefix/name`. A folder is there whole or not at
all: locally it is renamed into place, elsewhere its manifest, with the digest of every file, is
written last. Whoever fetches one checks those digests, and the digest of the weights if it knows
it. What lies on this machine is used where it lies; nothing is copied then.

Light: fsspec finds the backend by the address's scheme, when it is first needed. No Django here,
since the engine's process fetches adapters itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import AdapterInvalid, StorageUnavailable

MANIFEST = "manifest.json"
CHUNK = 1 << 20
# s3fs tries again by itself, and botocore below it: both together take minutes over a dead server.
# Listings that were kept would hide what another machine has written since.
DEFAULTS: dict[str, dict[str, Any]] = {
    "s3": {
        "use_listings_cache": False,
        "config_kwargs": {
            "connect_timeout": 5,
            "read_timeout": 60,
            "retries": {"total_max_attempts": 1},
        },
    }
}
# What identifies an adapter is the digest of this file, see `inference.engine.adapters`.
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Storage:
    """One root and what is kept below it; addresses elsewhere can be fetched as well.

    `cache` is where fetched folders are kept; `options` are the backend's own, such as
    `endpoint_url`, `key` and `secret` for S3.
    """

    root: str
    cache: Path
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        return is_local(self.root)

    def address(self, key: str) -> str:
        return f"{self.root.rstrip('/')}/{key}"

    def put_folder(self, folder: Path, key: str) -> str:
        """Keep a whole, closed folder of files under a new key; locally it is moved there.

        The same key twice is the same content, so what is there already stays.

        Returns:
            Its address.

        Raises:
            StorageUnavailable: the store cannot be reached; nothing can be fetched then.
            OSError: it could not be moved.
        """
        address = self.address(key)
        if self.is_local:
            _move(folder, Path(address))
        else:
            self._upload(folder, address, [file.name for file in sorted(folder.iterdir())])
        return address

    def lend_folder(self, folder: Path, key: str, names: Sequence[str]) -> str:
        """An address by which every machine can read some files of a folder that stays here.

        Take it back by `delete_lent` when nobody reads it any more. Raises as `put_folder`.
        """
        if self.is_local:
            return str(folder)
        self._upload(folder, self.address(key), names)
        return self.address(key)

    def delete_lent(self, address: str) -> None:
        if not is_local(address):
            self.delete(address)

    def fetch(self, address: str, digest: str = "") -> Path:
        """A folder's content on this machine. `digest` is the weights', where it is an adapter.

        Raises:
            AdapterInvalid: nothing whole is there, or it is not what the digests say.
            StorageUnavailable: the store cannot be reached.
        """
        if is_local(address):
            folder = Path(address.removeprefix("file://"))
            _check_weights(folder, digest)
            return folder
        folder = self.cached(address)
        if not folder.exists():
            self._download(address, folder)
        _check_weights(folder, digest)
        return folder

    def cached(self, address: str) -> Path:
        """Where a fetched folder is kept on this machine."""
        return self.cache / hashlib.sha256(address.encode()).hexdigest()[:24]

    def forget(self, address: str) -> None:
        """Drop what was fetched from an address from this machine's cache."""
        if not is_local(address):
            shutil.rmtree(self.cached(address), ignore_errors=True)

    def write(self, key: str, content: bytes) -> str:
        """Keep one file, which appears whole. Returns its address. Raises as `put_folder`."""
        address = self.address(key)
        if self.is_local:
            _write(Path(address), content)
            return address
        with self._store(address) as (store, remote):
            _make_bucket(store, remote)
            store.pipe_file(remote, content)
        return address

    def read(self, address: str) -> bytes | None:
        """One file's content; None where there is none. Raises StorageUnavailable."""
        if is_local(address):
            path = Path(address)
            return path.read_bytes() if path.exists() else None
        try:
            with self._store(address) as (store, remote):
                content: bytes = store.cat_file(remote)
        except FileNotFoundError:
            return None
        return content

    def delete(self, address: str) -> None:
        """Take a folder or file away; the manifest first, so that no half of it can be fetched."""
        if is_local(address):
            _delete(Path(address))
            return
        with self._store(address) as (store, path), contextlib.suppress(FileNotFoundError):
            if store.exists(f"{path}/{MANIFEST}"):
                store.rm_file(f"{path}/{MANIFEST}")
            store.rm(path, recursive=True)

    def _upload(self, folder: Path, address: str, names: Sequence[str]) -> None:
        manifest = {name: _digest(folder / name) for name in names}
        with self._store(address) as (store, path):
            _make_bucket(store, path)
            if store.exists(f"{path}/{MANIFEST}"):
                return
            for name in manifest:
                store.put_file(str(folder / name), f"{path}/{name}")
            store.pipe_file(f"{path}/{MANIFEST}", json.dumps(manifest, indent=2).encode())

    def _download(self, address: str, folder: Path) -> None:
        """Into a folder of its own first: two processes may fetch the same at once."""
        self.cache.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".fetching-", dir=self.cache))
        try:
            for name, digest in self._manifest(address).items():
                with self._store(address) as (store, path):
                    store.get_file(f"{path}/{name}", str(unfinished / name))
                if _digest(unfinished / name) != digest:
                    raise AdapterInvalid(f"{address}/{name} is not what was put there.")
            _settle(unfinished, folder)
        except FileNotFoundError as error:
            raise AdapterInvalid(f"{address} lacks a file of its manifest.") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _manifest(self, address: str) -> dict[str, str]:
        content = self.read(f"{address}/{MANIFEST}")
        if content is None:
            raise AdapterInvalid(f"There is nothing whole at {address}.")
        try:
            names: dict[str, str] = json.loads(content)
        except ValueError as error:
            raise AdapterInvalid(f"The manifest of {address} is no JSON.") from error
        if any(Path(name).name != name for name in names):
            raise AdapterInvalid(f"The manifest of {address} names files outside of it.")
        return names

    @contextlib.contextmanager
    def _store(self, address: str) -> Iterator[tuple[Any, str]]:
        """The backend of an address, and the path in it. What fails in it is StorageUnavailable."""
        from fsspec.core import url_to_fs

        try:
            defaults = DEFAULTS.get(address.partition("://")[0], {})
            store, path = url_to_fs(address, **{**defaults, **self.options})
            yield store, path
        except (FileNotFoundError, AdapterInvalid):
            raise
        except Exception as error:  # each backend has errors of its own
            raise StorageUnavailable(f"The storage at {address} failed: {error}") from error


def is_local(address: str) -> bool:
    return "://" not in address or address.startswith("file://")


def _make_bucket(store: Any, path: str) -> None:
    """An object store's bucket has to be there before anything can be put into it."""
    bucket = path.split("/", 1)[0]
    if bucket and not store.exists(bucket):
        with contextlib.suppress(FileExistsError):
            store.mkdir(bucket)


def _settle(unfinished: Path, folder: Path) -> None:
    """Rename into place, unless another process was faster."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _check_weights(folder: Path, digest: str) -> None:
    weights = folder / WEIGHTS
    if digest and not weights.exists():
        raise AdapterInvalid(f"{weights} is missing.")
    if digest and _digest(weights) != digest:
        raise AdapterInvalid(f"{weights} was truncated or changed: its digest is another.")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _move(folder: Path, target: Path) -> None:
    """Durably; both have to lie on one file system."""
    for file in folder.iterdir():
        _flush(file)
    _flush(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        folder.rename(target)
        _flush(target.parent)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
