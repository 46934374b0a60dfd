"""Deleting, undoing it, and what is really gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.errors import NotFound
from assistant.feedback import experiences
from assistant.library import deletion
from assistant.models import Conversation, Generation, Message
from learning.models import Answer
from tests.factories import ada, ben, caller, conversation, served

pytestmark = pytest.mark.django_db


def long_ago(row: Conversation, **fields: timedelta) -> None:
    """Set times of the row to so long before now."""
    values = {name: timezone.now() - age for name, age in fields.items()}
    Conversation.with_deleted.filter(pk=row.pk).update(**values)


def test_a_deleted_conversation_comes_back_as_it_was() -> None:
    answer = served(ada())
    client = caller(ada())
    address = f"/v1/conversations/{answer.conversation_id}"

    deleted = client.delete(address)
    gone = client.get(address)
    restored = client.post(f"{address}/restore", content_type="application/json")
    back = client.get(address)

    assert (deleted.status_code, gone.status_code) == (204, 404)
    assert restored.json()["title"] == "A walk"
    assert len(back.json()["messages"]) == 2


def test_it_is_purged_with_what_learning_holds_when_the_time_to_undo_is_over() -> None:
    kept, gone = served(ada()), served(ada())
    for answer in (kept, gone):
        experiences.hand_over(Generation.objects.get(pk=answer.pk))
    deletion.delete(ada(), [kept.conversation_id, gone.conversation_id])
    long_ago(gone.conversation, deleted_at=timedelta(seconds=deletion.UNDO_S + 1))

    purged, again = deletion.purge(), deletion.purge()

    assert (purged, again) == (1, 0)
    assert Conversation.with_deleted.get().pk == kept.conversation_id
    assert Answer.objects.get().pk == kept.pk
    with pytest.raises(NotFound):
        deletion.restore(ada(), [gone.conversation_id])


def test_what_was_restored_is_not_purged() -> None:
    row = conversation(ada())
    deletion.delete(ada(), [row.pk])
    long_ago(row, deleted_at=timedelta(minutes=1))
    deletion.restore(ada(), [row.pk])

    assert deletion.purge() == 0
    assert Conversation.objects.exists()


def test_nobody_deletes_or_restores_what_is_someone_elses_nor_half_of_a_list() -> None:
    mine, hers = conversation(ben()), conversation(ada())

    with pytest.raises(NotFound):
        deletion.delete(ben(), [mine.pk, hers.pk])
    deletion.delete(ada(), [hers.pk])
    with pytest.raises(NotFound):
        deletion.restore(ben(), [hers.pk])

    assert list(Conversation.objects.values_list("pk", flat=True)) == [mine.pk]


def test_now_means_now() -> None:
    answer = served(ada())

    response = caller(ada()).delete(f"/v1/conversations/{answer.conversation_id}?now=true")

    assert response.status_code == 204
    assert not Message.objects.exists()


def test_a_temporary_conversation_goes_when_nobody_spoke_in_it_for_a_day(settings) -> None:
    settings.TEMPORARY_HOURS = 24.0
    old, new = (conversation(ada(), is_temporary=True) for _ in range(2))
    listed = conversation(ada())
    long_ago(old, updated_at=timedelta(hours=25))
    long_ago(new, updated_at=timedelta(hours=23))
    long_ago(listed, updated_at=timedelta(days=300))

    deletion.purge()

    assert set(Conversation.objects.values_list("pk", flat=True)) == {new.pk, listed.pk}
