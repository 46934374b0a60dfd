"""What a person removes."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from assistant.errors import NotFound
from assistant.models import Conversation, Message, User
from learning import intake, queue


@transaction.atomic
def forget_conversation(person: User, conversation: UUID) -> None:
    """Delete a conversation with all that was derived from it, in learning too.

    An answer that is being made ends with it: its worker finds the row gone. Weights that were
    trained on it before keep what they learned; see people.change_consent.

    Raises:
        NotFound: no such conversation of this person.
    """
    # Handing over locks the person's row too, so no answer slips into learning behind this.
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    every = Conversation.with_deleted.select_for_update()
    row = every.filter(pk=conversation, owner=person).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    answers = row.messages.filter(role=Message.Author.ASSISTANT).values_list("pk", flat=True)
    for answer in answers:
        intake.forget_answer(answer)
    row.delete()
    transaction.on_commit(queue.ask_catch_up, robust=True)
