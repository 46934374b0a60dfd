"""What the machine has to give before anything is started: a home, room on the disk, free ports."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.home import Home
from assistant.processes.errors import CannotStart

# PostgreSQL's write-ahead log alone grows to a gigabyte before it is reused.
LEAST_FREE_BYTES = 512 << 20


@contextmanager
def claimed(home: Home) -> Iterator[None]:
    """Hold the home for this run alone.

    Raises:
        CannotStart: it cannot be written to, or another run holds it.
    """
    try:
        for folder in (home.root, home.sockets, home.logs, home.secrets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = home.sockets.stat().st_uid
        lock = (home.root / "lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"DANAS_HOME={home.root} cannot be written to: {error.strerror}."
        ) from error
    with lock:
        if owner != os.geteuid():
            # Below /tmp, where a long path leads, anyone could have made it to listen in.
            raise CannotStart(f"The folder {home.sockets} belongs to another user; remove it.")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"Danas already runs on DANAS_HOME={home.root} (process {lock.read().strip()})."
                " Stop it first, or set DANAS_HOME and DANAS_PORT to run a second one."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def check_room(home: Home) -> None:
    free = shutil.disk_usage(home.root).free
    if free < LEAST_FREE_BYTES:
        raise CannotStart(
            f"The disk of DANAS_HOME={home.root} is full: {free >> 20} MB are free,"
            f" {LEAST_FREE_BYTES >> 20} MB are the least to start with."
        )


def check_port(host: str, port: int, variable: str) -> None:
    """Ports are looked at before the start, where a sentence can still be said about them."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotStart(_trouble(error, host, port, variable)) from error


def _trouble(error: OSError, host: str, port: int, variable: str) -> str:
    another = f"Set {variable} to another."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is already in use by another program. {another}"
    if error.errno == errno.EACCES:
        return f"Port {port} on {host} may not be opened by this user. {another}"
    return f"{host} is not an address of this machine: {error.strerror}. Set DANAS_HOST to one."


def make_secrets(home: Home) -> None:
    """One file a secret, for its owner's eyes; those that exist stay."""
    for name in ("django", "engine"):
        path = home.secrets / name
        if path.exists() and path.read_text().strip():
            continue
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
