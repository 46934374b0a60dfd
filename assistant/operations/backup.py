"""A backup, made while everything runs: all tables as they were at one moment, and the files.

The tables are read in one repeatable-read transaction, which stops nobody. Files come after them:
what a row refers to was there before the row, and none is ever changed. What is deleted in between
is not saved. Names that begin with a dot are of what is not finished.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.conf import settings
from psycopg import sql

from assistant.health import connection_parameters
from assistant.models import Backup
from assistant.operations import archive
from assistant.operations.archive import FORMAT, Manifest, Table, Writer

PART_BYTES = 16 << 20
# Below DANAS_HOME: made anew, kept elsewhere, or of this one run. Adapters have a setting.
NOT_SAVED = {"adapters", "bench", "cache", "check", "logs", "models", "run", "secrets"}
STORES = {"postgres", "postgres.new", "valkey"}
# Which migrations were applied is in the manifest.
NOT_COPIED = "django_migrations"

Say = Callable[[str], None]


def make(file: Path, say: Say, *, with_secrets: bool = False) -> Backup:
    """Write everything into `file`, and note that it was done.

    Raises:
        FileUnfit: the file exists or can't be written.
    """
    started = time.monotonic()
    with archive.writing(file) as out, psycopg.connect(**connection_parameters()) as database:
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        database.read_only = True
        at = _moment(database)
        manifest = Manifest(
            format=FORMAT,
            at=at.isoformat(),
            migrations=_migrations(database),
            tables=_tables(database, out, say),
            sequences=_sequences(database),
            storage=settings.STORAGE,
            files=settings.FILES,
            has_secrets=with_secrets,
            members={},
        )
        _files(out, say)
        if with_secrets:
            _folder(out, settings.HOME.secrets, "secrets")
        out.finish(manifest.model_copy(update={"members": out.members}))
    return Backup.objects.create(
        file=str(file.resolve()),
        bytes=file.stat().st_size,
        rows=sum(table.rows for table in manifest.tables.values()),
        seconds=time.monotonic() - started,
        at=at,
    )


def _moment(database: psycopg.Connection) -> datetime:
    """The transaction's own; asking for it fixes what it sees."""
    row = database.execute("SELECT now()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment.astimezone(UTC)


def _migrations(database: psycopg.Connection) -> list[tuple[str, str]]:
    return database.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()


def _tables(database: psycopg.Connection, out: Writer, say: Say) -> dict[str, Table]:
    names = [name for (name,) in database.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> %s"
        " AND relnamespace = 'public'::regnamespace ORDER BY relname", [NOT_COPIED]
    )]  # fmt: skip
    found = {}
    for place, name in enumerate(names, start=1):
        found[name] = table = _table(database, out, name)
        if table.rows:
            say(f"[{place}/{len(names)}] {name}: {table.rows:,} rows")
    return found


def _table(database: psycopg.Connection, out: Writer, name: str) -> Table:
    columns = _columns(database, name)
    with database.cursor() as cursor:
        with cursor.copy(copy_statement(name, columns, "TO STDOUT")) as rows:
            for number, part in enumerate(_parts(rows)):
                out.add(f"tables/{name}/{number:05}", part)
        return Table(columns=columns, rows=cursor.rowcount)


def _columns(database: psycopg.Connection, table: str) -> list[str]:
    """Without those that PostgreSQL computes itself."""
    rows = database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [f'public."{table}"'],
    )
    return [name for (name,) in rows]


def copy_statement(table: str, columns: list[str], direction: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    where = sql.Identifier("public", table)
    return sql.SQL("COPY {} ({}) {}").format(where, names, sql.SQL(direction))


def _parts(rows: psycopg.Copy) -> Iterator[bytes]:
    waiting, size = [], 0
    for row in rows:
        waiting.append(bytes(row))
        size += len(row)
        if size >= PART_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _sequences(database: psycopg.Connection) -> dict[str, int | None]:
    """Numbers that were given out already are not given out again after a restore."""
    rows = database.execute(
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
    )
    return dict(rows.fetchall())


def _files(out: Writer, say: Say) -> None:
    if "://" in settings.STORAGE:
        say(
            f"Adapters, images and people's copies lie in {settings.STORAGE} and are not in this"
            " file: save them there."
        )
    else:
        count = _folder(out, Path(settings.STORAGE), "files/adapters")
        say(f"Adapters: {count:,} files")
    for folder in sorted(path for path in settings.HOME.root.iterdir() if path.is_dir()):
        if folder.name not in NOT_SAVED | STORES and not folder.name.startswith("."):
            count = _folder(out, folder, f"files/{folder.name}")
            say(f"{folder.name}: {count:,} files")


def _folder(out: Writer, folder: Path, name: str) -> int:
    return sum(
        out.add_file(f"{name}/{path.relative_to(folder).as_posix()}", path)
        for path in finished(folder)
    )


def finished(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order, of which some may go meanwhile."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(files):
            path = Path(where, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path
