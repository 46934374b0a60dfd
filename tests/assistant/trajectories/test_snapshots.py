import hashlib
import io
from datetime import timedelta

import pyarrow.parquet
import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from assistant import files
from assistant.accounts import people
from assistant.errors import SnapshotNotThere
from assistant.models import Pull, Snapshot
from assistant.trajectories import building, snapshots
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.parquet import schema
from learning.contracts import FeedbackKind
from tests import factories

pytestmark = pytest.mark.django_db


def built(form="native", **filter_):
    row = snapshots.ask(factories.rho(), form, Filter(**filter_))
    building.build(row.pk)
    row.refresh_from_db()
    return row


def get(path, who=factories.rho):
    response = factories.caller(who()).get(f"/v1/snapshots{path}")
    if not response.streaming:
        return response, response.content

    async def collect():
        return b"".join([chunk async for chunk in response.streaming_content])

    return response, async_to_sync(collect)()


@pytest.mark.parametrize("form", FORMATS)
def test_a_snapshot_has_the_rows_of_a_pull_in_the_types_of_its_format(form):
    answer = factories.served(factories.ada())
    factories.feedback(answer)
    factories.feedback(answer, FeedbackKind.CORRECTION, text="Good evening.")

    row = built(form)

    (file,) = row.manifest["files"]
    _, content = get(f"/{row.pk}/files/{file['name']}")
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    assert table.schema.equals(schema(FORMATS[form]))
    assert table["trajectory_id"].to_pylist() == [str(answer.pk)]
    assert row.manifest["rows"] == file["rows"] == 1
    assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_its_manifest_says_what_it_is():
    factories.served(factories.ada())
    row = built("openai", policy="base")

    manifest = get(f"/{row.pk}/files/manifest.json")[0].json()

    assert manifest["filter"] == {"policy": "base"}
    assert manifest["rows"] == 1
    assert manifest["cursor"]["last"] > manifest["cursor"]["first"]
    assert "agreed to research" in manifest["consent"]


def test_one_without_rows_still_has_its_schema():
    row = built("trl-dpo")

    _, content = get(f"/{row.pk}/files/part-00000.parquet")

    table = pyarrow.parquet.read_table(io.BytesIO(content))
    assert (table.num_rows, table.schema) == (0, schema(FORMATS["trl-dpo"]))


def test_once_something_in_it_is_withdrawn_it_is_refused_and_says_what():
    gone = factories.served(factories.ada())
    factories.served(factories.ben())
    row = built()

    people.change_consent(factories.ada(), training=None, research=False)

    response, _ = get(f"/{row.pk}/files/part-00000.parquet")
    assert response.status_code == 409
    assert "Make a new one" in response.json()["error"]["message"]
    assert get(f"/{row.pk}/withdrawn")[0].json()["data"] == [
        {"trajectory_id": str(gone.pk), "because": "withdrawn"}
    ]
    row.refresh_from_db()
    assert row.state == "withdrawn"
    with pytest.raises(SnapshotNotThere):
        snapshots.check(row)


def test_what_was_never_in_it_can_be_withdrawn():
    factories.served(factories.ada())
    row = built(policy="danas-v1")

    people.change_consent(factories.ada(), training=None, research=False)

    assert get(f"/{row.pk}/files/manifest.json")[0].status_code == 200


def test_it_expires():
    row = built()
    Snapshot.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    snapshots.tend()

    row.refresh_from_db()
    assert row.state == "expired"
    assert get(f"/{row.pk}/files/part-00000.parquet")[0].status_code == 409


def test_asking_twice_builds_it_once():
    factories.served(factories.ada())
    row = built()

    building.build(row.pk)

    assert Pull.objects.filter(how="snapshot").count() == 1


def test_someone_elses_snapshot_is_not_there():
    row = built()

    for path in ("", "/withdrawn", "/files/manifest.json", "/files/part-00000.parquet"):
        assert get(f"/{row.pk}{path}", factories.ann)[0].status_code == 404
    assert factories.caller(factories.ann()).delete(f"/v1/snapshots/{row.pk}").status_code == 404


def test_no_other_file_can_be_asked_for():
    row = built()

    assert get(f"/{row.pk}/files/..%2F..%2Fsecrets")[0].status_code == 404


def test_deleting_it_deletes_its_files():
    row = built()
    folder = snapshots.file(factories.rho(), row.pk, "part-00000.parquet").parent

    factories.caller(factories.rho()).delete(f"/v1/snapshots/{row.pk}")
    files.sweep()

    assert not folder.exists()
    assert not Snapshot.objects.exists()


def test_a_download_is_written_down():
    row = built()
    get(f"/{row.pk}/files/part-00000.parquet")

    assert [pull.how for pull in Pull.objects.all()] == ["download", "snapshot"]
