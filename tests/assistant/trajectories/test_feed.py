import json
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from assistant.accounts import people
from assistant.feedback import experiences
from assistant.models import Feedback, Pull, Release, Trajectory, User
from assistant.trajectories import feed
from assistant.trajectories import lines as pages_of
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.lines import Reading
from assistant.trajectories.pulls import Asked, Stream
from learning.contracts import FeedbackKind
from learning.models import Judgement, Update, UpdateJudgement
from tests import factories


def lines(after=0, form="native", **filter_):
    reading = Reading(form, Filter(**filter_), with_tombstones=after > 0)
    pages = reading.pages(after, feed.head(), 100)
    return [json.loads(line) for page in pages for line in page.content.splitlines()]


def ids(after=0, **filter_):
    return [UUID(row["trajectory_id"]) for row in lines(after, **filter_)]


def ops(after, **filter_):
    return [(UUID(row["trajectory_id"]), row["op"]) for row in lines(after, **filter_)]


@pytest.mark.django_db
def test_trajectories_come_in_the_order_in_which_they_were_made():
    answers = [factories.served(factories.ada()) for _ in range(3)]

    feed.give_places()

    assert ids() == [answer.pk for answer in answers]


@pytest.mark.django_db
@pytest.mark.parametrize("research", [False, None])
def test_without_consent_there_is_no_row(research):
    factories.served(factories.cy(research=research))

    feed.give_places()

    assert ids() == []
    assert not Release.objects.exists()


@pytest.mark.django_db
def test_a_temporary_conversation_is_not_exported():
    factories.served(factories.ada(), is_temporary=True)

    feed.give_places()

    assert ids() == []


@pytest.mark.django_db
def test_withdrawn_consent_hides_rows_that_have_a_place_already():
    factories.served(factories.ada())
    feed.give_places()

    people.change_consent(factories.ada(), training=None, research=False)

    assert ids() == []


@pytest.mark.django_db
def test_consent_given_late_puts_old_rows_at_the_end():
    late = factories.served(factories.cy(research=False))
    factories.served(factories.ada())
    feed.give_places()
    read_up_to = Release.objects.latest("position").position

    people.change_consent(factories.cy(), training=None, research=True)
    feed.give_places()

    assert ids(after=read_up_to) == [late.pk]


@pytest.mark.django_db
def test_feedback_moves_a_trajectory_to_the_end_as_its_next_revision():
    first, second = factories.served(factories.ada()), factories.served(factories.ada())
    feed.give_places()

    factories.feedback(first)
    feed.give_places()
    feed.give_places()

    assert ids() == [second.pk, first.pk]
    assert Release.objects.get(trajectory=first.pk).revision == 2

    Feedback.objects.update(revoked_at=timezone.now())
    feed.give_places()

    assert Release.objects.get(trajectory=first.pk).revision == 3


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_committed_late_is_not_skipped():
    early = factories.served(factories.ada())
    Trajectory.objects.filter(pk=early.pk).delete()
    copy = {
        "prompt_token_ids": [1], "sampled_token_ids": [2], "logprobs": [-0.1],
        "sampling": {"temperature": 1, "top_p": 1, "max_tokens": 1, "seed": None, "stop": []},
        "policy": "base", "base_model": "embedded", "finish_reason": "stop",
        "queued_ms": 0, "total_ms": 0,
    }  # fmt: skip
    written, pulled = threading.Event(), threading.Event()

    def write_slowly():
        with transaction.atomic():
            Trajectory.objects.create(generation_id=early.pk, **copy)
            written.set()
            pulled.wait(10)
        connection.close()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    written.wait(10)
    late = factories.served(factories.ada())
    feed.give_places()
    first_pull = ids()
    read_up_to = Release.objects.latest("position").position
    pulled.set()
    writer.join()
    feed.give_places()

    assert first_pull == [late.pk]
    assert ids(after=read_up_to) == [early.pk]


@pytest.mark.django_db
def test_deleting_the_last_row_does_not_free_its_place():
    last = factories.served(factories.ada())
    feed.give_places()
    place = Release.objects.get().position

    last.conversation.delete()
    new = factories.served(factories.ada())
    feed.give_places()

    assert set(ops(after=place)) == {(last.pk, "tombstone"), (new.pk, "upsert")}


@pytest.fixture
def pull():
    def pull(query, who=factories.rho):
        response = factories.caller(who()).get(f"/v1/trajectories?{query}")
        content = b"".join(_all(response)).decode()
        return response, [json.loads(line) for line in content.splitlines()]

    return pull


def _all(response):
    if not response.streaming:
        return [response.content]
    from asgiref.sync import async_to_sync

    async def collect():
        return [chunk async for chunk in response.streaming_content]

    return async_to_sync(collect)()


@pytest.mark.django_db
def test_a_pull_goes_on_where_the_last_one_ended(pull, monkeypatch):
    monkeypatch.setattr(pages_of, "FIRST_ROWS", 2)
    answers = [str(factories.served(factories.ada()).pk) for _ in range(5)]

    response, first = pull("limit=3")
    _, rest = pull(f"since={first[-1]['cursor']}")

    assert response["Content-Type"] == "application/x-ndjson"
    assert [row["trajectory_id"] for row in first] == answers[:3]
    assert [row["trajectory_id"] for row in rest] == answers[3:]


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["format=parquet", "since=-1", "since=x", "limit=0", "until=x"])
def test_a_pull_that_cannot_be_is_a_400(pull, query):
    response, (said,) = pull(query)

    assert response.status_code == 400
    assert said["error"]["param"] == query.partition("=")[0]


@pytest.mark.django_db
def test_an_unknown_format_is_answered_with_those_that_there_are(pull):
    _, (said,) = pull("format=parquet")

    for name in ("native", "openai", "trl-sft", "trl-kto", "trl-dpo"):
        assert name in said["error"]["message"]


@pytest.mark.django_db
def test_nobody_else_pulls(pull):
    for who in (factories.ada, factories.rae):
        response, _ = pull("", who)
        assert response.status_code == 403
    assert User.objects.count() == 2


@pytest.mark.django_db
def test_withdrawn_consent_leaves_a_tombstone_with_nothing_but_ids():
    gone = factories.served(factories.ada())
    feed.give_places()
    read_up_to = feed.head()

    people.change_consent(factories.ada(), training=None, research=False)
    feed.give_places()
    feed.give_places()

    (row,) = lines(after=read_up_to)
    place = ("trajectory_id", "revision", "op", "cursor")
    assert [row.pop(key) for key in place[:3]] == [str(gone.pk), 2, "tombstone"]
    assert int(row.pop("cursor")[:16]) > read_up_to
    assert not any(row.values())


@pytest.mark.django_db
@pytest.mark.parametrize("form", FORMATS)
def test_a_tombstone_has_the_keys_of_its_format(form):
    answer = factories.served(factories.ada())
    factories.feedback(answer)
    factories.feedback(answer, FeedbackKind.CORRECTION, text="Better.")
    feed.give_places()
    read_up_to = feed.head()
    (before,) = lines(form=form)

    answer.conversation.delete()
    feed.give_places()

    (row,) = lines(after=read_up_to, form=form)
    assert set(row) == set(before)


@pytest.mark.django_db
def test_whoever_begins_anew_is_shown_no_tombstones():
    factories.served(factories.ada()).conversation.delete()
    gone = factories.served(factories.ada())
    feed.give_places()
    gone.conversation.delete()
    feed.give_places()

    assert lines() == []


@pytest.mark.django_db
def test_an_account_that_goes_leaves_tombstones():
    gone = factories.served(factories.cy())
    feed.give_places()
    read_up_to = feed.head()

    factories.cy().delete()
    feed.give_places()

    assert ops(read_up_to) == [(gone.pk, "tombstone")]


@pytest.mark.django_db
def test_consent_that_comes_back_raises_the_row_again():
    back = factories.served(factories.ada())
    feed.give_places()
    for research in (False, True):
        read_up_to = feed.head()
        people.change_consent(factories.ada(), training=None, research=research)
        feed.give_places()

    assert ops(read_up_to) == [(back.pk, "upsert")]
    assert Release.objects.get().revision == 3


@pytest.mark.django_db
def test_a_row_that_a_format_no_longer_has_is_a_tombstone_there():
    answer = factories.served(factories.ada())
    factories.feedback(answer)
    feed.give_places()
    read_up_to = feed.head()

    Feedback.objects.update(revoked_at=timezone.now())
    feed.give_places()

    assert ops(read_up_to, form="trl-kto") == [(answer.pk, "tombstone")]
    assert ops(read_up_to, form="native") == [(answer.pk, "upsert")]
    assert ops(read_up_to, feedback=["up"]) == [(answer.pk, "tombstone")]


@pytest.mark.django_db
def test_consent_withdrawn_between_two_pages_hides_the_second():
    for who in (factories.ada, factories.ben):
        factories.served(who())
    feed.give_places()
    pages = Reading("native", Filter()).pages(0, feed.head(), 100)
    pages_of_one = Reading("native", Filter())
    first, second = Release.objects.order_by("position")

    assert pages_of_one._read(0, first.position)[1] == 1
    people.change_consent(factories.ben(), training=None, research=False)

    assert pages_of_one._read(first.position, second.position)[1] == 0
    assert sum(page.rows for page in pages) == 1


@pytest.mark.django_db
def test_filters_find_what_they_name():
    plain, liked, tagged = (factories.served(factories.ada()) for _ in range(3))
    factories.feedback(liked)
    factories.feedback(tagged, FeedbackKind.COMMENT, text="Long.", tags=["too_long"])
    Trajectory.objects.filter(pk=plain.pk).update(
        policy="danas-v3", created_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    )
    feed.give_places()

    assert ids(policy="danas-v3") == [plain.pk]
    assert ids(feedback=["up", "down"]) == [liked.pk]
    assert ids(tag="too_long") == [tagged.pk]
    assert ids(until="2026-11-01") == [plain.pk]
    assert set(ids(since="2026-11-01")) == {liked.pk, tagged.pk}
    assert ids(policy="danas-v3", tag="too_long") == []


@pytest.mark.django_db
def test_what_an_update_learned_from_is_found_and_comes_again():
    answer, _ = factories.served(factories.ada()), factories.served(factories.ada())
    experiences.judge(factories.feedback(answer))
    feed.give_places()
    read_up_to = feed.head()

    update = Update.objects.create(requested_by="rho", policy="danas-v1-abababab")
    UpdateJudgement.objects.create(update=update, judgement=Judgement.objects.get())
    feed.give_places()

    assert ids(after=read_up_to) == [answer.pk]
    assert ids(update=str(update.pk)) == ids(update="danas-v1-abababab") == [answer.pk]


@pytest.mark.django_db
def test_a_cursor_of_another_filter_or_format_is_refused(pull):
    factories.served(factories.ada())
    _, (row,) = pull("policy=base")
    cursor = row["cursor"]

    same, _ = pull(f"policy=base&since={cursor}")
    refused = [pull(f"{query}since={cursor}") for query in ("", "format=openai&policy=base&")]

    assert same.status_code == 200
    for response, (said,) in refused:
        assert response.status_code == 400
        assert said["error"]["code"] == "cursor_invalid"
        assert "another format or filter" in said["error"]["message"]


@pytest.mark.django_db
def test_a_bare_number_is_still_a_cursor(pull):
    first, second = (factories.served(factories.ada()) for _ in range(2))
    _, rows = pull("since=0")
    place = int(rows[0]["cursor"][:16])

    _, rest = pull(f"since={place}&policy=base")

    assert [row["trajectory_id"] for row in rows] == [str(first.pk), str(second.pk)]
    assert [row["trajectory_id"] for row in rest] == [str(second.pk)]


@pytest.mark.django_db
def test_every_pull_is_written_down_and_administrators_see_it(pull):
    factories.served(factories.ada())
    _, (row,) = pull("format=openai&policy=base")

    (seen,) = factories.caller(factories.ann()).get("/v1/pulls").json()["data"]

    assert (seen["name"], seen["how"], seen["format"]) == ("rho", "pull", "openai")
    assert seen["filter"] == {"policy": "base"}
    assert (seen["rows"], seen["first"], seen["last"]) == (1, "0", row["cursor"])
    assert seen["is_whole"] is True
    assert seen["ended_at"] is not None
    assert factories.caller(factories.rho()).get("/v1/pulls").status_code == 403


@pytest.mark.django_db
def test_a_pull_that_is_broken_off_says_so():
    for _ in range(3):
        factories.served(factories.ada())
    stream = Stream(factories.rho(), Asked("native", Filter(), "0", 100))

    stream.next()
    stream.end(is_whole=False)
    stream.end(is_whole=True)

    record = Pull.objects.get()
    assert (record.rows, record.is_whole) == (3, False)


@pytest.mark.django_db
def test_only_administrators_see_who_pulled():
    for who in (factories.ada, factories.rae, factories.rho):
        assert factories.caller(who()).get("/v1/pulls").status_code == 403
