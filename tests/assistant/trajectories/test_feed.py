import json
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from assistant.accounts import people
from assistant.models import Feedback, Release, Trajectory, User
from assistant.trajectories import feed
from tests import factories


def ids(after=0):
    return [release.trajectory_id for release in feed.page(after, 100)]


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

    assert ids(after=place) == [new.pk]


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
    monkeypatch.setattr(feed, "PAGE_ROWS", 2)
    answers = [str(factories.served(factories.ada()).pk) for _ in range(5)]

    response, first = pull("limit=3")
    _, rest = pull(f"since={first[-1]['cursor']}")

    assert response["Content-Type"] == "application/x-ndjson"
    assert [row["trajectory_id"] for row in first] == answers[:3]
    assert [row["trajectory_id"] for row in rest] == answers[3:]


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["format=parquet", "since=-1", "since=x", "limit=0"])
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
