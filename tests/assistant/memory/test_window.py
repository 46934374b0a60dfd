"""Which window an answer is made from: the notes, the switches, and what it is to do without."""

from __future__ import annotations

from uuid import uuid4

import pytest

from assistant.chat import turns
from assistant.chat.wire import TextPart, Without
from assistant.memory import describing, editing
from assistant.memory import window as memory
from assistant.models import Conversation, Message, Note, Redaction, Window
from assistant.review import redaction
from inference.diffusion import from_json, to_json, with_needs
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]


def say(text: str, after: Message | None = None, where: Conversation | None = None) -> Message:
    """Something said by Ada, with the answer that waits to be made."""
    place = after.conversation_id if after else where.pk if where else uuid4()
    answer = uuid4()
    turns.send(
        factories.ada(),
        conversation=place,
        parent=after.pk if after else None,
        message=uuid4(),
        answer=answer,
        parts=[TextPart(text=text)],
    )
    return Message.objects.get(pk=answer)


def made(answer: Message, tokenizer, text: str = "I see.") -> memory.Prepared:
    """The same as a worker does, in short."""
    prepared = memory.prepare(answer, tokenizer)
    memory.save(answer, prepared, text, tokenizer)
    answer.generation.status = "done"
    answer.generation.save()
    return prepared


def again(answer: Message, without: Without) -> Message:
    other = uuid4()
    turns.regenerate(factories.ada(), parent=answer.parent_id, answer=other, without=without)
    return Message.objects.get(pk=other)


def texts(prepared: memory.Prepared) -> list[str]:
    return [block.text for block in prepared.diffusion.window.blocks]


def test_an_answer_reads_the_notes_and_says_which(tokenizer):
    note = factories.note(factories.ada(), "I like rice.")
    answer = say("Dinner?")

    prepared = made(answer, tokenizer)

    assert "- I like rice." in prepared.messages[0].content
    told = describing.describe(Window.objects.get(message=answer))
    assert told["notes"] == [{"id": str(note.pk), "text": "I like rice."}]


def test_notes_are_read_anew_by_each_answer(tokenizer):
    factories.note(factories.ada(), "I like rice.")
    first = say("Dinner?")
    made(first, tokenizer)
    Note.objects.all().delete()

    prepared = made(say("And lunch?", after=first), tokenizer)

    assert prepared.diffusion.window.notes == ()


def test_what_was_blacked_out_where_a_note_was_said_is_so_where_it_is_read(tokenizer):
    ada = factories.ada()
    said = factories.said(factories.conversation(ada), "My number is 0917. I like rice.")
    for words in ("0917", "somewhere else"):
        Redaction.objects.create(conversation=said.conversation, words=words)
    factories.note(ada, "My number is 0917.", source=said)
    answer = say("Who am I?")

    made(answer, tokenizer)

    assert redaction.words_of(answer.conversation_id) == ["0917"]


def test_a_new_conversation_knows_what_was_said_in_the_one_before(tokenizer):
    first = say("I have two cats.")
    made(first, tokenizer)
    row = Window.objects.get(message=first)
    row.blocks = to_json(with_needs(from_json(row.blocks), {0: (2.0,)}))
    row.save()

    prepared = made(say("What do my cats eat?"), tokenizer)

    assert prepared.diffusion.window.notes == ("I have two cats.",)
    assert Note.objects.get().source.text == "I have two cats."


def test_with_memory_off_the_window_goes_by_recency_and_keeps_what_was_read(settings, tokenizer):
    settings.WINDOW_TOKENS = 100
    needed = "My locker has the number four one seven. "
    first = say(needed)
    made(first, tokenizer, "Noted, thank you for that.")
    row = Window.objects.get(message=first)
    row.blocks = to_json(with_needs(from_json(row.blocks), {0: (5.0,), 1: (-5.0,)}))
    row.save()
    second = say("Now tell me about the weather of today and of tomorrow, please.", after=first)
    made(second, tokenizer, "It will be sunny all day, and rainy later on, with some wind.")
    third = say("Thanks a lot for that.", after=second)

    with_it = memory.prepare(third, tokenizer)
    Conversation.objects.update(uses_memory=False)
    without = memory.prepare(Message.objects.get(pk=third.pk), tokenizer)

    assert needed.strip() in " ".join(texts(with_it))
    assert needed.strip() not in " ".join(texts(without))
    Conversation.objects.update(uses_memory=True)
    kept = {block.id: block.needs for block in without.diffusion.window.blocks}
    before = {block.id: block.needs for block in with_it.diffusion.window.blocks}
    assert all(kept[block] == before.get(block, kept[block]) for block in kept)


def test_an_answer_can_do_without_a_block_and_a_note_this_one_time(tokenizer):
    note = factories.note(factories.ada(), "I like rice.")
    first = say("My cat is called Tom.")
    made(first, tokenizer)
    second = say("What is my cat called?", after=first)
    made(second, tokenizer)

    third = again(second, Without(blocks=[0, 2], notes=[note.pk]))
    prepared = made(third, tokenizer)

    # Block 2 is the question itself, which is always read.
    assert texts(prepared) == ["I see.", "What is my cat called?"]
    assert prepared.diffusion.window.notes == ()
    told = describing.describe(Window.objects.get(message=third))
    assert told["left_out"][0] == "My cat is called Tom."
    assert told["left_out"][-1] == "I like rice."
    assert [block["id"] for block in told["memory"]] == [0, 1, 2, 3]
    assert texts(memory.prepare(say("And now?", after=third), tokenizer))[0] == (
        "My cat is called Tom."
    )


def test_what_was_forgotten_is_not_in_any_later_window(tokenizer):
    first = say("My cat is called Tom.")
    made(first, tokenizer)

    editing.forget(factories.ada(), first.pk, 0)

    prepared = memory.prepare(say("What is my cat called?", after=first), tokenizer)
    assert texts(prepared) == ["I see.", "What is my cat called?"]
