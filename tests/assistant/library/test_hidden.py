"""A conversation that its owner deleted is nowhere, before it is really gone."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

import assistant
from assistant.chat import turns, views_of
from assistant.chat.wire import TextPart
from assistant.errors import NotFound, NotServed
from assistant.feedback import experiences, ratings, receipts
from assistant.feedback.ratings import Opinion
from assistant.models import Conversation, Generation, Message
from learning.contracts import FeedbackKind
from learning.models import Answer
from tests.factories import ada, caller, feedback, served

PACKAGE = Path(assistant.__file__).parent


@pytest.fixture
def deleted(db: None) -> Message:
    """An answer in a conversation that was deleted just now."""
    answer = served(ada())
    Conversation.objects.filter(pk=answer.conversation_id).update(deleted_at=timezone.now())
    return answer


def test_it_is_neither_listed_nor_read_nor_renamed_nor_deleted_again(deleted: Message) -> None:
    client = caller(ada())
    address = f"/v1/conversations/{deleted.conversation_id}"

    listed = client.get("/v1/conversations").json()["data"]
    read = client.get(address)
    renamed = client.patch(address, {"title": "New"}, content_type="application/json")
    window = client.get(f"/v1/messages/{deleted.pk}/window")

    assert listed == []
    assert {answer.status_code for answer in (read, renamed, window)} == {404}


def test_nobody_goes_on_with_it(deleted: Message) -> None:
    with pytest.raises(NotFound):
        turns.send(
            ada(),
            conversation=deleted.conversation_id,
            parent=deleted.pk,
            message=uuid4(),
            answer=uuid4(),
            parts=[TextPart(text="And then?")],
        )
    with pytest.raises(NotFound):
        turns.regenerate(ada(), parent=deleted.parent_id, answer=uuid4())
    with pytest.raises(NotFound):
        turns.stop(ada(), answer=deleted.pk)


def test_watchers_hear_nothing_of_it(deleted: Message) -> None:
    told = views_of.turn(ada(), deleted.conversation_id, [deleted.pk])

    assert told is None


def test_it_cannot_be_judged_and_what_was_said_of_it_is_not_shown(deleted: Message) -> None:
    said = feedback(deleted)

    with pytest.raises(NotServed):
        ratings.rate(ada(), Opinion(deleted.pk, FeedbackKind.UP))
    with pytest.raises(NotFound):
        ratings.take_back(ada(), said.pk)
    with pytest.raises(NotFound):
        receipts.proof(ada(), said.pk)
    assert receipts.newest(ada(), limit=10) == []


def test_learning_does_not_get_an_answer_that_ends_after_the_deletion(deleted: Message) -> None:
    was_handed_over = experiences.hand_over(Generation.objects.get(pk=deleted.pk))

    assert not was_handed_over
    assert not Answer.objects.exists()


def test_whoever_comes_from_another_table_asks_with_owned_by() -> None:
    """`conversation__owner=` alone would find the deleted ones too."""
    alone = re.compile(r"conversation__owner(_id)?=")

    found = [path.name for path in PACKAGE.rglob("*.py") if alone.search(path.read_text())]

    assert found == []
