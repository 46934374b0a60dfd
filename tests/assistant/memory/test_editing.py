"""What a person does to the memory of a conversation, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.errors import (
    AnswerNotFinished,
    MemoryMovedOn,
    MemoryOversize,
    NotFound,
    PinsFull,
)
from assistant.memory import editing
from assistant.memory import window as memory
from assistant.models import Message, Note, Window
from inference.diffusion import Block, from_json, to_json
from inference.diffusion import Window as Memory
from inference.diffusion.prompt import to_messages
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
WORD = "zanzibar"


@pytest.fixture
def answer() -> Message:
    """The second answer of a conversation whose memory holds both questions and the first answer,
    in tokens of the embedded model or near them."""
    where = factories.conversation(factories.ada())
    first = factories.said(where, f"I was born in {WORD}. It was raining.")
    said = factories.answer(first, f"So you know {WORD}.")
    second = factories.said(where, "And now?", said)
    last = factories.answer(second, "Now you are here.")
    blocks = [
        Block(0, str(first.pk), "user", first.text, 12, needs=(1.0, -1.0)),
        Block(1, str(said.pk), "assistant", said.text, 8, needs=(0.5,)),
        Block(2, str(second.pk), "user", second.text, 4),
        Block(3, str(last.pk), "assistant", last.text, 5),
    ]
    whole = Memory(where.system_text, tuple(blocks), 4)
    shown = replace(whole, blocks=whole.blocks[:3])
    change = {"action": "extracted", "block": 0, "message": str(first.pk), "text_before": WORD}
    Window.objects.filter(message=said).update(
        shown=to_json(replace(whole, blocks=whole.blocks[:1])),
        blocks=to_json(replace(whole, blocks=whole.blocks[:2])),
    )
    Window.objects.filter(message=last).update(
        shown=to_json(shown), blocks=to_json(whole), changes=[change], used_tokens=48
    )
    return last


def blocks_of(answer: Message) -> tuple[Block, ...]:
    return from_json(Window.objects.get(message=answer).blocks).blocks


def test_a_pinned_block_is_pinned_for_the_next_turn(answer):
    editing.change(factories.ada(), answer.pk, 0, is_pinned=True)
    editing.change(factories.ada(), answer.pk, 0, is_pinned=True)

    assert [block.is_pinned for block in blocks_of(answer)] == [True, False, False, False]


def test_a_reworded_block_says_so_and_counts_as_its_likeliest_sentence_did(answer, tokenizer):
    text = "I was born in Tanga. It rained. It was cold."

    editing.change(factories.ada(), answer.pk, 0, text=text, is_pinned=None)

    block = blocks_of(answer)[0]
    assert (block.text, block.needs, block.is_verbatim) == (text, (1.0, 1.0, 1.0), False)
    assert block.tokens == tokenizer.counts([text])[0]
    assert Message.objects.get(pk=block.message).text.startswith(f"I was born in {WORD}")


def test_what_is_added_is_pinned_and_read_by_the_next_answer(answer, tokenizer):
    ada = factories.ada()
    editing.add(ada, answer.pk, "The trip is in June.")
    editing.add(ada, answer.pk, "The trip is in June.")
    question = factories.said(answer.conversation, "When?", answer)
    following = factories.answer(question, status="running")

    prepared = memory.prepare(following, tokenizer)

    assert [block.text for block in blocks_of(answer) if block.is_pinned] == [
        "The trip is in June."
    ]
    last = to_messages(prepared.diffusion.window)[-1]
    assert (last.role, last.content) == ("user", "The trip is in June.\n\nWhen?")


def test_forgetting_takes_out_every_copy_and_the_notes_and_leaves_the_message(answer):
    ada = factories.ada()
    said = blocks_of(answer)[0].message
    note = factories.note(ada, f"I was born in {WORD}.", source_id=said)
    elsewhere = factories.served(ada)
    named = [{"id": str(note.pk), "source": said}]
    row = Window.objects.get(message=elsewhere)
    row.shown["notes"] = [note.text]
    row.notes = named
    row.save()

    editing.forget(ada, answer.pk, 0)
    editing.forget(ada, answer.pk, 1)

    assert not Note.with_deleted.exists()
    assert [block.id for block in blocks_of(answer)] == [2, 3]
    assert WORD not in str(list(Window.objects.values_list("shown", "blocks", "changes")))
    assert Window.objects.get(message=elsewhere).notes == []
    assert Message.objects.get(pk=said).text.startswith(f"I was born in {WORD}")
    with pytest.raises(NotFound):
        editing.forget(ada, answer.pk, 0)


def test_another_branch_has_blocks_of_its_own_with_the_same_numbers(answer):
    other = factories.answer(answer.parent, "Who knows?")
    row = Window.objects.get(message=other)
    mine = Block(3, str(other.pk), "assistant", "Who knows?", 4)
    row.blocks = to_json(Memory("", (*blocks_of(answer)[:3], mine), 4))
    row.save()

    editing.forget(factories.ada(), answer.pk, 3)

    assert [block.text for block in blocks_of(other)][-1] == "Who knows?"


def test_pins_take_half_of_the_room_at_most(answer):
    # Of 48 tokens 24 are blocks, so 24 are something else: of 100 that leaves 76, and half of it.
    Window.objects.filter(message=answer).update(limit_tokens=100)
    row = Window.objects.get(message=answer)
    row.blocks["blocks"][1].update(is_pinned=True, tokens=30)
    row.save()

    with pytest.raises(PinsFull, match=r"may have 38 tokens, half of the room; with this .* 42"):
        editing.change(factories.ada(), answer.pk, 0, is_pinned=True)

    assert not blocks_of(answer)[0].is_pinned


def test_what_is_longer_than_a_piece_of_memory_is_refused_with_the_numbers(answer):
    with pytest.raises(MemoryOversize, match=r"has \d+ tokens; a piece of memory has 96 at most"):
        editing.add(factories.ada(), answer.pk, "word " * 120)


def test_only_the_last_answers_memory_can_be_changed_and_only_while_none_is_made(answer):
    ada = factories.ada()
    with pytest.raises(MemoryMovedOn):
        editing.forget(ada, answer.parent.parent_id, 0)
    factories.answer(answer.parent, status="running")

    with pytest.raises(AnswerNotFinished):
        editing.forget(ada, answer.pk, 0)


def test_somebody_elses_memory_is_not_there(answer):
    with pytest.raises(NotFound):
        editing.change(factories.cy(), answer.pk, 0, is_pinned=True)
    with pytest.raises(NotFound):
        editing.change(factories.ada(), answer.pk, 99, is_pinned=True)
