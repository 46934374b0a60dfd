"""What goes, wherever a researcher may have it: in a pull, in a pair, in a snapshot's files."""

import json
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from assistant import files
from assistant.errors import CursorInvalid
from assistant.feedback import experiences
from assistant.models import Redaction, Snapshot
from assistant.trajectories import building, feed, filters, snapshots
from assistant.trajectories.filters import Filter
from assistant.trajectories.lines import Reading
from assistant.trajectories.pulls import Asked, Stream
from inference import shelf
from inference.errors import StorageUnavailable
from learning.contracts import FeedbackKind
from learning.models import Judgement, Update, UpdateJudgement
from tests import factories

pytestmark = pytest.mark.django_db


def lines(after=0, form="native"):
    feed.give_places()
    pages = Reading(form, Filter(), with_tombstones=after > 0).pages(after, feed.head(), 100)
    return [json.loads(line) for page in pages for line in page.content.splitlines()]


def pulled(since, form="native"):
    stream = Stream(factories.rho(), Asked(form, Filter(), since, 100))
    found = []
    while (content := stream.next()) is not None:
        found += [json.loads(line) for line in content.splitlines()]
    return found


def preference_across_conversations():
    chosen, rejected = (factories.served(factories.ada(), text) for text in ("Hello.", "Secret."))
    factories.feedback(chosen, FeedbackKind.PREFERENCE, over=rejected)
    return chosen, rejected


def hide(answer):
    Redaction.objects.create(conversation=answer.conversation, words="Secret")


def delete(answer):
    type(answer.conversation).objects.filter(pk=answer.conversation_id).update(
        deleted_at=timezone.now()
    )


def test_a_pair_goes_at_once_when_its_rejected_side_is_deleted():
    chosen, rejected = preference_across_conversations()
    (pair,) = lines(form="trl-dpo")
    read_up_to = feed.head()

    delete(rejected)

    assert pair["rejected"][0]["content"] == "Secret."
    assert lines(form="trl-dpo") == []
    gone = {(row["trajectory_id"], row["op"]) for row in lines(read_up_to, "trl-dpo")}
    assert gone == {(str(chosen.pk), "tombstone"), (str(rejected.pk), "tombstone")}


def test_a_row_comes_again_when_the_update_that_learned_from_it_has_made_its_version():
    answer = factories.served(factories.ada())
    experiences.judge(factories.feedback(answer))
    update = Update.objects.create(requested_by="rho")
    UpdateJudgement.objects.create(update=update, judgement=Judgement.objects.get())
    (training,) = lines()
    read_up_to = feed.head()

    Update.objects.update(policy="danas-v1-abababab")
    (trained,) = lines(read_up_to)

    assert training["used_by"] == []
    assert [each["policy"] for each in trained["used_by"]] == ["danas-v1-abababab"]


def test_who_has_begun_a_pull_is_told_of_what_is_gone_even_before_a_first_cursor():
    answer, other = factories.served(factories.ada()), factories.served(factories.ben())
    assert len(pulled("0")) == 2

    answer.conversation.delete()

    begun = filters.cursor(0, "native", Filter())
    assert [row["op"] for row in pulled("0")] == ["upsert"]
    assert {(row["op"], row["trajectory_id"]) for row in pulled(begun)} == {
        ("upsert", str(other.pk)),
        ("tombstone", str(answer.pk)),
    }


def test_a_cursor_from_beyond_the_feed_s_end_is_refused():
    factories.served(factories.ada())
    (row,) = lines()
    place = int(row["cursor"][:16])

    assert pulled(row["cursor"]) == []
    with pytest.raises(CursorInvalid, match="since=0"):
        pulled(filters.cursor(place + 1, "native", Filter()))


def snapshot():
    factories.served(factories.ada())
    row = snapshots.ask(factories.rho(), "native", Filter())
    building.build(row.pk)
    return Snapshot.objects.get(pk=row.pk)


def folders():
    """Of snapshots, in the storage."""
    return list((settings.HOME.adapters / "snapshots").glob("*"))


@pytest.fixture(autouse=True)
def _no_folder_before():
    for each in folders():
        shutil.rmtree(each)


def test_files_that_could_not_be_deleted_at_the_withdrawal_are_deleted_later(monkeypatch):
    row = snapshot()

    def fail(address):
        raise StorageUnavailable("no route")

    hide(factories.ada().conversations.get().messages.first())
    feed.give_places()
    snapshots.tend()
    with monkeypatch.context() as broken:
        broken.setattr(shelf, "remove", fail)
        with pytest.raises(StorageUnavailable):
            files.sweep()
    row.refresh_from_db()
    assert (row.state, len(folders())) == ("withdrawn", 1)

    files.sweep()

    assert folders() == []


def test_files_go_with_the_account_of_who_asked_for_them():
    snapshot()
    assert len(folders()) == 1

    factories.rho().delete()
    files.sweep()

    assert folders() == []


def test_a_snapshot_that_is_deleted_while_it_is_built_leaves_no_file(monkeypatch):
    factories.served(factories.ada())
    row = snapshots.ask(factories.rho(), "native", Filter())
    real = snapshots.keep_rows

    def keep_and_delete(*args):
        real(*args)
        snapshots.delete(factories.rho(), row.pk)

    monkeypatch.setattr(snapshots, "keep_rows", keep_and_delete)
    building.build(row.pk)
    files.sweep()

    assert folders() == []


def test_a_builder_that_was_taken_for_dead_changes_nothing_of_what_the_next_one_made():
    factories.served(factories.ada())
    row = snapshots.ask(factories.rho(), "native", Filter())
    slow = snapshots.claim(row.pk)
    Snapshot.objects.update(heartbeat_at=timezone.now() - 2 * snapshots.STALE_AFTER)

    building.build(row.pk)
    left = Path(slow.address)
    left.mkdir()
    snapshots.finish(slow, state=Snapshot.State.READY, manifest={})
    files.sweep()

    row.refresh_from_db()
    assert [str(each) for each in folders()] == [row.address]
    assert row.manifest["rows"] == 1
