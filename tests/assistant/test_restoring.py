"""What a backup leaves out, and what a restore makes of what it finds; the whole way is a test of
the system's."""

from __future__ import annotations

import tarfile

import pytest
from django.conf import settings
from django.db import connection

from assistant.files import KEPT_BY
from assistant.models import DiscardedFile, Image
from assistant.operations import archive, backup, restore
from assistant.operations.archive import Manifest, Table
from assistant.operations.errors import WouldOverwrite
from inference.models import PolicyVersion
from tests import factories


def saved(tmp_path, folder):
    with archive.writing(file := tmp_path / "saved.tar.gz") as out:
        count = backup._folder(out, folder, "files/files")
    with tarfile.open(file) as tar:
        return count, tar.getnames()


def test_what_is_not_finished_or_gone_by_then_is_not_saved(tmp_path, monkeypatch):
    folder = tmp_path / "files"
    (folder / "images").mkdir(parents=True)
    (folder / ".training").mkdir()
    for name in ("images/a.png", "images/b.png", "images/.half", ".training/step"):
        (folder / name).write_bytes(b"x")
    real = backup.finished

    def and_one_goes(where):
        paths = list(real(where))
        paths[1].unlink()
        return iter(paths)

    monkeypatch.setattr(backup, "finished", and_one_goes)

    assert saved(tmp_path, folder) == (1, ["files/files/images/a.png"])


def test_a_folder_that_goes_while_it_is_looked_through_stops_nothing(tmp_path):
    folder = tmp_path / "files"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "two").write_bytes(b"x")
    (folder / "one").write_bytes(b"x")

    found = backup.finished(folder)
    first = next(found)
    (folder / "b" / "two").unlink()
    (folder / "b").rmdir()

    assert [first.name, *found] == ["one"]


def moved_from(storage, files):
    tables = {table: Table(columns=[column], rows=1) for table, column in restore.ADDRESSES}
    manifest = Manifest(
        format=archive.FORMAT, at="", migrations=[], tables=tables, sequences={}, members={},
        has_secrets=False, storage=storage, files=files,
    )  # fmt: skip
    connection.ensure_connection()
    restore.move_addresses(connection.connection, manifest)


@pytest.mark.django_db
def test_restored_elsewhere_rows_find_their_files_there():
    image = factories.image(factories.ada(), address="/old/files/images/a.png")
    version = PolicyVersion.objects.create(
        name="danas-v1-abc", number=1, path="/old/adapters/abc", digest="abc", state="ready"
    )

    moved_from("/old/adapters", "/old/files")

    image.refresh_from_db()
    version.refresh_from_db()
    assert image.address == f"{settings.HOME.files}/images/a.png"
    assert version.path == f"{settings.STORAGE}/abc"


@pytest.mark.django_db
def test_addresses_in_an_object_store_stay_as_they_are():
    image = factories.image(factories.ada(), address="s3://bucket/people/images/a.png")

    moved_from("s3://bucket", "s3://bucket/people")

    image.refresh_from_db()
    assert image.address == "s3://bucket/people/images/a.png"


def test_every_column_with_an_address_is_known():
    known = {(model._meta.db_table, "address") for model in (*KEPT_BY, DiscardedFile)}

    assert (Image._meta.db_table, "address") in known
    assert known < set(restore.ADDRESSES)


@pytest.mark.django_db
def test_a_database_of_something_else_is_not_dropped():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE invoices (id int)")

    with pytest.raises(WouldOverwrite, match="invoices"):
        restore._check_room(force=False)


@pytest.mark.django_db
def test_an_empty_danas_can_be_restored_into():
    restore._check_room(force=False)

    factories.ada()

    with pytest.raises(WouldOverwrite, match="1 accounts"):
        restore._check_room(force=False)
