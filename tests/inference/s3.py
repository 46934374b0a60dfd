"""An object store that speaks S3, as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

START_TIMEOUT_S = 60.0


class S3Server:
    """moto's server: everything is kept in memory and gone when it ends."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def options(self) -> dict[str, Any]:
        return {"endpoint_url": f"http://127.0.0.1:{self.port}", "key": "k", "secret": "s"}

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(self.options["endpoint_url"], timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("the S3 server does not answer")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def running() -> Iterator[S3Server]:
    server = S3Server()
    try:
        yield server
    finally:
        server.stop()


def names(server: S3Server, bucket: str) -> list[str]:
    """Of everything that is in a bucket."""
    from s3fs import S3FileSystem

    store = S3FileSystem(use_listings_cache=False, skip_instance_cache=True, **server.options)
    return [str(name).removeprefix(f"{bucket}/") for name in store.find(bucket)]
