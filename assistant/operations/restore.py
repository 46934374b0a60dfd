"""A backup put back: checked first, then the tables as of its version, then brought up to date."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath

import psycopg
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from assistant import files, heartbeat
from assistant.health import connection_parameters
from assistant.models import DiscardedFile
from assistant.operations import archive
from assistant.operations.archive import Manifest
from assistant.operations.backup import NOT_COPIED, copy_statement
from assistant.operations.errors import BackupNewer, FileUnfit, StillRunning, WouldOverwrite
from assistant.processes import machine, postgres
from assistant.processes.errors import CannotStart
from assistant.settings import env
from inference.models import PolicyVersion
from learning import ledger

Say = Callable[[str], None]
# Columns with addresses in the storage.
ADDRESSES = [
    *((model._meta.db_table, "address") for model in (*files.KEPT_BY, DiscardedFile)),
    (PolicyVersion._meta.db_table, "path"),
]


def put_back(file: Path, say: Say, *, force: bool = False) -> ledger.Check:
    """Restore `file` into the database and the home of the settings.

    Returns:
        Whether the ledger's chain holds.

    Raises:
        OperationsError: nothing was changed; the text says what to do.
    """
    say("Checking the file …")
    manifest = archive.checked(file)
    with _database(say):
        _check_version(manifest)
        _check_room(force=force)
        _make_tables(manifest, say)
        _fill(file, manifest, say)
        say("Bringing the database up to date …")
        call_command("migrate", verbosity=0, interactive=False)
        return ledger.check()


@contextlib.contextmanager
def _database(say: Say) -> Iterator[None]:
    """The database of the settings, for ourselves alone; the embedded one is started for this."""
    # One connection, whose server may be about to stop.
    connection.settings_dict["OPTIONS"].pop("pool", None)
    if env.database_url:
        _check_nothing_lives()
        yield
        return
    try:
        with machine.claimed(settings.HOME):
            if _answers():
                raise StillRunning(f"Danas runs on {settings.HOME.root}. Stop it first.")
            say("Starting the database …")
            server = postgres.start(settings.HOME)
            try:
                yield
            finally:
                connection.close()
                postgres.stop(server)
    except CannotStart as error:
        raise StillRunning(str(error)) from error


def _answers() -> bool:
    try:
        psycopg.connect(**connection_parameters()).close()
    except psycopg.OperationalError:
        return False
    return True


def _check_nothing_lives() -> None:
    try:
        alive = [name for name in heartbeat.COMPONENTS if heartbeat.is_alive(name)]
    except redis.RedisError:
        return
    if alive:
        raise StillRunning(f"Danas runs: stop {', '.join(alive)} and the website first.")


def _check_version(manifest: Manifest) -> None:
    known = MigrationExecutor(connection).loader.disk_migrations or {}
    if unknown := [
        f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in known
    ]:
        raise BackupNewer(
            f"The backup is of a later Danas, which has {unknown[0]}. Update this one first."
        )


def _check_room(*, force: bool) -> None:
    if force:
        return
    tables = connection.introspection.table_names()
    ours = {*connection.introspection.django_table_names(), NOT_COPIED}
    if strange := sorted(set(tables) - ours):
        raise WouldOverwrite(
            f"The database has a table {strange[0]}, which is not of this Danas. Restore into a"
            " database of its own, or say --force to drop everything that is in this one."
        )
    if "assistant_user" in tables:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM assistant_user")
            (people,) = cursor.fetchone()
        if people:
            raise WouldOverwrite(
                f"There is a Danas with {people} accounts already. Restore into another DANAS_HOME,"
                " or say --force to replace everything in it."
            )


def _make_tables(manifest: Manifest, say: Say) -> None:
    """Empty ones, of the version that the backup is of."""
    say("Making the tables …")
    with connection.cursor() as cursor:
        if connection.introspection.table_names():
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute("CREATE SCHEMA public")
    MigrationExecutor(connection).migrate(list(manifest.migrations))
    connection.close()


def _fill(file: Path, manifest: Manifest, say: Say) -> None:
    """All rows in one transaction; triggers of ours would make again what is in the file."""
    with psycopg.connect(**connection_parameters()) as database:
        tables = [sql.Identifier("public", name) for name in manifest.tables]
        for table in tables:
            database.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        database.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        for (kind, name), members in groupby(archive.read(file), lambda member: _place(member[0])):
            if kind == "tables":
                _fill_table(database, name, manifest, members, say)
            else:
                for member, chunks in members:
                    _write(member, chunks)
        move_addresses(database, manifest)
        # Foreign keys are looked at here and not at the end, since a table can't be altered before.
        database.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            database.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))
        for name, value in manifest.sequences.items():
            if value is not None and name != f"{NOT_COPIED}_id_seq":
                database.execute("SELECT setval(%s::regclass, %s)", [f'public."{name}"', value])
        database.execute("ANALYZE")
        # The commit says that all of it is there, so the files have to be on the disk before.
        os.sync()


def move_addresses(database: psycopg.Connection, manifest: Manifest) -> None:
    """Have rows find their files where these are now: addresses in a folder are whole paths."""
    moves = {manifest.storage: "files/adapters", manifest.files: "files/files"}
    for before, member in moves.items():
        now = str(_target(PurePosixPath(member)))
        if "://" in before or before == now:
            continue
        for table, column in ADDRESSES:
            # An older Danas may have had no such column.
            if table in manifest.tables and column in manifest.tables[table].columns:
                database.execute(
                    sql.SQL(
                        "UPDATE {0} SET {1} = %(now)s || substr({1}, length(%(before)s) + 1)"
                        " WHERE starts_with({1}, %(before)s || '/')"
                    ).format(sql.Identifier("public", table), sql.Identifier(column)),
                    {"now": now, "before": before},
                )


def _place(member: str) -> tuple[str, str]:
    kind, _, rest = member.partition("/")
    return kind, rest.partition("/")[0] if kind == "tables" else ""


def _fill_table(
    database: psycopg.Connection,
    name: str,
    manifest: Manifest,
    members: Iterator[tuple[str, Iterator[bytes]]],
    say: Say,
) -> None:
    table = manifest.tables[name]
    say(f"{name}: {table.rows:,} rows")
    with (
        database.cursor() as cursor,
        cursor.copy(copy_statement(name, table.columns, "FROM STDIN")) as rows,
    ):
        for _, chunks in members:
            for chunk in chunks:
                rows.write(chunk)


def _write(member: str, chunks: Iterator[bytes]) -> None:
    if member == archive.MANIFEST:
        return
    target = _target(PurePosixPath(member))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("wb") as out:
        target.chmod(0o600)
        for chunk in chunks:
            out.write(chunk)


def _target(member: PurePosixPath) -> Path:
    """Where a file belongs; never outside the home and the storage, whatever the archive says."""
    parts = member.parts
    if ".." in parts or member.is_absolute() or parts[0] not in {"files", "secrets"}:
        raise FileUnfit(f"The backup holds {member}, which is no file of Danas.")
    if parts[:2] == ("files", "adapters") and "://" not in settings.STORAGE:
        return Path(settings.STORAGE, *parts[2:])
    return Path(settings.HOME.root, *(parts if parts[0] == "secrets" else parts[1:]))
