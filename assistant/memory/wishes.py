"""What people show should have been kept in a conversation's memory, handed over to learning.

By saying so of a block that was forgotten or shortened, in a message too (`reminders`), or by
pinning one. As everywhere, nothing
goes without the person's consent to training, and nothing of a temporary chat. What was kept
instead is what the same one had said before the newest message, the oldest of it first: it
competed for the room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction

from assistant.errors import NotFound
from assistant.feedback import experiences
from assistant.models import Conversation, Message, User, Window
from assistant.models.conversation import owned_by
from assistant.review import redaction
from inference.diffusion import Action, Block, from_json
from inference.diffusion import Window as Memory
from inference.diffusion.mask import newest
from inference.diffusion.sentences import sentences
from learning import wishes
from learning.contracts import Wish

# Blocks that were kept instead, of one wish.
MOST_KEPT = 4


class Outcome(StrEnum):
    """What became of a wish. With nothing kept instead there is nothing to learn."""

    NOTED = "noted"
    NO_CONSENT = "no_consent"
    TEMPORARY = "temporary"
    NOTHING_KEPT = "nothing_kept"


@transaction.atomic
def should_have_been_kept(
    person: User, answer: UUID, block: int, *, said_in: UUID | None = None
) -> Outcome:
    """Of a block that was forgotten, shortened or reworded before this answer. Saying it again
    changes nothing. Where it was `said_in` a message, it goes with that.

    Raises:
        NotFound: nothing of the kind was done for an answer of this person.
    """
    row = _row(person, answer)
    done = [
        each for each in row.changes if each["block"] == block and each["action"] != Action.KEPT
    ]
    if not done:
        raise NotFound("Nothing like that was forgotten or shortened before such an answer.")
    first, last = done[0], done[-1]
    lost = Block(
        id=block,
        message=first["message"],
        role=first["role"],
        text=first["text_before"],
        tokens=first["tokens_before"],
    )
    shown = from_json(row.shown)
    return _hand_over(row, signal(answer, block), lost, last["text_after"], shown, said_in)


@transaction.atomic
def take_back(person: User, answer: UUID, block: int) -> None:
    """Learning forgets the wish. Taking back what was never wished changes nothing.

    Raises:
        NotFound: no such answer of this person.
    """
    _row(person, answer)
    wishes.take_back(signal(answer, block))


def note_pin(row: Window, block: Block) -> None:
    """Pinned, a block is wished to be kept, and no longer so when it isn't. Call it inside a
    transaction."""
    pin = uuid5(NAMESPACE_URL, f"danas:pin:{block.message}:{block.id}")
    if block.is_pinned:
        _hand_over(row, pin, block, "", from_json(row.blocks))
    else:
        wishes.take_back(pin)


def missed(row: Window) -> set[int]:
    """Of which blocks it was said that they should have been kept for this answer."""
    signals = {signal(row.pk, each["block"]): each["block"] for each in row.changes}
    return {signals[pk] for pk in wishes.standing(signals)}


def signal(answer: UUID, block: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"danas:missed:{answer}:{block}")


def _row(person: User, answer: UUID) -> Window:
    rows = Window.objects.select_related("message__conversation")
    mine = owned_by(person, "message__conversation")
    if (row := rows.filter(mine, pk=answer).first()) is None:
        raise NotFound("There is no memory of such an answer.")
    return row


def _hand_over(
    row: Window,
    pk: UUID,
    wanted: Block,
    after: str,
    memory: Memory,
    said_in: UUID | None = None,
) -> Outcome:
    conversation = row.message.conversation
    if conversation.is_temporary:
        return Outcome.TEMPORARY
    if not experiences.agrees(conversation.owner_id):
        return Outcome.NO_CONSENT
    # Read anew, behind the lock on its owner: it may have been deleted meanwhile.
    if not Conversation.objects.filter(pk=conversation.pk).exists():
        raise NotFound("There is no memory of such an answer.")
    kept = _kept_instead(memory, wanted)
    [wanted, *kept], after = _as_reviewed(conversation.pk, [wanted, *kept], after)
    numbers = tuple(_lost(wanted.text, after))
    if not kept or not numbers or not _was_said(conversation.pk, wanted.message):
        return Outcome.NOTHING_KEPT
    blocks = tuple(sorted([wanted, *kept], key=lambda block: block.id))
    sources = {UUID(block.message) for block in blocks} | {row.pk, said_in or row.pk}
    owner = conversation.owner_id
    wishes.hand_over(Wish(pk, owner, blocks, wanted.id, numbers, tuple(sorted(sources))))
    return Outcome.NOTED


def _kept_instead(memory: Memory, wanted: Block) -> list[Block]:
    asked = newest(memory)
    return [
        block
        for block in memory.blocks
        if block.role == wanted.role
        and block.message != wanted.message
        and block.id not in asked
        and not block.is_pinned
        and block.text.strip()
    ][:MOST_KEPT]


def _as_reviewed(
    conversation: UUID, blocks: Iterable[Block], after: str
) -> tuple[list[Block], str]:
    """Without the words that a reviewer blacked out."""
    words = redaction.words_of(conversation)
    texts = [replace(block, text=redaction.hidden(block.text, words)) for block in blocks]
    return texts, redaction.hidden(after, words)


def _lost(text: str, after: str) -> Sequence[int]:
    said = enumerate(sentences(text))
    return [number for number, each in said if each.strip() and each.strip() not in after]


def _was_said(conversation: UUID, message: str) -> bool:
    """What a person had remembered without saying it shows nothing of what was said."""
    return Message.objects.filter(conversation=conversation, pk=UUID(message)).exists()
