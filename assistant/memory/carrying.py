"""What is worth keeping of a conversation beyond it: sentences become notes of the profile.

Only what the person said of themselves, word for word, where the model reads that it may well be
asked for. A conversation is looked through when it has been idle for a while, and up to what was
read by then when the person begins another one. No message is looked through twice, so a note that
was deleted does not come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assistant.memory import profile, statements
from assistant.memory.profile import Candidate
from assistant.models import Conversation, Message, Note, User, Window
from inference.diffusion import Block, from_json
from inference.diffusion.sentences import sentences
from inference.diffusion.window import Tokenizer

CARRY_OVER = "assistant.carry_over"
IDLE = timedelta(minutes=30)
# Log-odds, a chance of one in thirteen. Low, since what is said of oneself is rarely asked for word
# by word ("I prefer short answers": -2.1), rules have left out the rest, and the budget keeps the
# best; small talk in the first person ("I like it") is far below.
LEAST_NEED = -2.5
# Nobody fills their profile with one message.
MOST_OF_A_MESSAGE = 3
# Conversations that the first answer of another one waits for, and that one task looks through.
AT_ONCE, A_TASK = 2, 200


@dataclass(frozen=True, slots=True)
class _Said:
    """A message of the person, and the blocks of it that the window still holds."""

    message: Message
    blocks: tuple[Block, ...]

    @property
    def is_read(self) -> bool:
        return all(block.needs for block in self.blocks)


def idle() -> list[UUID]:
    """Conversations that nobody has gone on with for a while and that were not looked through."""
    rows = _not_carried().filter(updated_at__lt=timezone.now() - IDLE)
    return list(rows.order_by("updated_at").values_list("pk", flat=True)[:A_TASK])


def catch_up(person: User, *, but: UUID, tokenizer: Tokenizer) -> None:
    """Carry over from the conversations that the person was in last, as far as they were read."""
    rows = _not_carried().filter(owner=person).exclude(pk=but)
    for pk in rows.order_by("-updated_at").values_list("pk", flat=True)[:AT_ONCE]:
        carry(pk, tokenizer, is_over=False)


@transaction.atomic
def carry(conversation: UUID, tokenizer: Tokenizer, *, is_over: bool) -> list[Note]:
    """Make notes of what was said since it was last looked through; may be called twice.

    Unless the conversation `is_over`, it ends before the first message that nobody has read yet,
    and goes on there the next time.
    """
    owner = Conversation.objects.filter(pk=conversation).values_list("owner", flat=True).first()
    if owner is None:
        return []
    person = User.objects.select_for_update(no_key=True).get(pk=owner)
    row = _not_carried().select_for_update().filter(pk=conversation).first()
    if row is None or not person.uses_memory:
        return []
    said = list(_said_since(row))
    if not is_over:
        said = said[: next((n for n, each in enumerate(said) if not each.is_read), len(said))]
    made = profile.take_in(person, _candidates(row, said), tokenizer)
    if is_over or said:
        row.carried_at = timezone.now() if is_over else said[-1].message.created_at
        row.save(update_fields=["carried_at"])
    return made


def _not_carried() -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(
        is_temporary=False, is_listed=True, uses_memory=True, owner__uses_memory=True
    )
    return rows.filter(Q(carried_at=None) | Q(carried_at__lt=F("updated_at")))


def _newest_window(conversation: Conversation) -> tuple[Block, ...]:
    rows = Window.objects.filter(message__conversation=conversation, message__deleted_at=None)
    row = rows.order_by("-message__created_at").first()
    return () if row is None else from_json(row.blocks).blocks


def _said_since(conversation: Conversation) -> Iterator[_Said]:
    """What the person said since it was last looked through, oldest first."""
    blocks = _newest_window(conversation)
    ids = {block.message for block in blocks if block.role == Message.Author.USER}
    messages = conversation.messages.filter(role=Message.Author.USER, pk__in=_uuids(ids))
    if conversation.carried_at is not None:
        messages = messages.filter(created_at__gt=conversation.carried_at)
    for message in messages.order_by("created_at"):
        own = tuple(block for block in blocks if block.message == str(message.pk))
        yield _Said(message, own)


def _uuids(ids: set[str]) -> list[UUID]:
    return [UUID(pk) for pk in ids]


def _candidates(conversation: Conversation, said: list[_Said]) -> Iterator[Candidate]:
    """The sentences that may become notes, in the order in which they were said."""
    answered = " ".join(
        statements.plain(block.text)
        for block in _newest_window(conversation)
        if block.role == Message.Author.ASSISTANT
    )
    for each in said:
        if len(each.message.text) > statements.LONGEST_SAID:
            continue
        found = [one for block in each.blocks for one in _in_block(each.message, block, answered)]
        best = sorted(found, key=lambda one: -one.need)[:MOST_OF_A_MESSAGE]
        yield from (one for one in found if one in best)


def _in_block(message: Message, block: Block, answered: str) -> Iterator[Candidate]:
    """Sentences as the person said them, of which none was copied from an answer."""
    for sentence, need in zip(sentences(block.text), block.needs, strict=False):
        text = sentence.strip().removeprefix("…").strip()
        kind = statements.kind_of(text)
        if kind is None or need < LEAST_NEED or text not in message.text:
            continue
        if statements.plain(text) not in answered:
            yield Candidate(text, kind, message, need)
