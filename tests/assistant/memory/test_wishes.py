"""What people show should have been kept goes to learning, with their consent and until they take
it back."""

from __future__ import annotations

import json
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest

from assistant.accounts import people
from assistant.errors import NotFound
from assistant.library import deletion
from assistant.memory import editing, forgetting, wishes
from assistant.memory.wishes import Outcome
from assistant.models import Conversation, Message, Redaction, Window
from assistant.mydata import archive, erasure
from assistant.review import redaction
from inference.diffusion import Block, to_json
from inference.diffusion import Window as Memory
from learning.models import MemoryLesson, MemoryVersion
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
JSON = "application/json"


def change(block: int, of: Message, before: str, after: str = "", action: str = "forgotten"):
    return {
        "action": action,
        "block": block,
        "message": str(of.pk),
        "role": of.role,
        "text_before": before,
        "text_after": after,
        "tokens_before": 9,
        "tokens_after": 0,
        "reason": "among the oldest",
    }


def talk(**values) -> Message:
    """The last of three answers. The first question was shortened for it, the first answer kept as
    it was, the second question is old and still there."""
    where = factories.conversation(factories.ada(**values.pop("consent", {})), **values)
    first = factories.said(where, "My dog is called Rex. He is two. Hm.")
    said = factories.answer(first, "A fine name.")
    second = factories.said(where, "It rains. What a day!", said)
    again = factories.answer(second, "Indeed.")
    third = factories.said(where, "What is my dog called?", again)
    last = factories.answer(third, "I don't know.")
    blocks = (
        Block(0, str(first.pk), "user", "Hm.", 2, rewrites=1),
        Block(1, str(said.pk), "assistant", said.text, 5),
        Block(2, str(second.pk), "user", second.text, 7),
        Block(3, str(again.pk), "assistant", again.text, 3),
        Block(4, str(third.pk), "user", third.text, 7),
    )
    Window.objects.filter(message=last).update(
        shown=to_json(Memory("", blocks, 5)),
        blocks=to_json(Memory("", blocks, 5)),
        changes=[
            change(0, first, first.text, "Hm.", "extracted"),
            change(1, said, said.text, said.text, "kept"),
        ],
    )
    return last


def said_of(answer: Message) -> Message:
    """What was shortened."""
    return Message.objects.get(conversation=answer.conversation_id, parent=None)


def test_what_was_lost_is_handed_over_with_what_was_kept_instead():
    answer = talk()

    outcome = wishes.should_have_been_kept(factories.ada(), answer.pk, 0)

    lesson = MemoryLesson.objects.get()
    texts = [block["text"] for block in lesson.said["blocks"]]
    assert outcome == Outcome.NOTED
    # Not what is to be answered, nor what the assistant said.
    assert texts == ["My dog is called Rex. He is two. Hm.", "It rains. What a day!"]
    # Hm was kept.
    assert (lesson.said["wanted"], lesson.said["numbers"]) == (0, [0, 1])
    assert {said_of(answer).pk, answer.pk} < set(lesson.sources)


def test_saying_it_twice_is_saying_it_once_and_it_is_taken_back():
    answer = talk()
    client = factories.caller(factories.ada())
    address = f"/v1/messages/{answer.pk}/memory/0/missed"

    receipts = [client.post(address, content_type=JSON).json() for _ in range(2)]
    noted = client.get(f"/v1/messages/{answer.pk}/window").json()["changes"]
    handed_over = MemoryLesson.objects.count()
    taken_back = [client.delete(address).status_code for _ in range(2)]

    assert receipts == [{"outcome": "noted"}] * 2
    assert [each["is_missed"] for each in noted] == [True, False]
    assert handed_over == 1
    assert taken_back == [204, 204]
    assert not MemoryLesson.objects.exists()


@pytest.mark.parametrize("consent", [False, None])
def test_without_consent_there_is_no_row(consent):
    answer = talk(consent={"training": consent})

    outcome = wishes.should_have_been_kept(factories.ada(), answer.pk, 0)
    editing.change(factories.ada(), answer.pk, 0, is_pinned=True)

    assert outcome == Outcome.NO_CONSENT
    assert not MemoryLesson.objects.exists()


def test_nothing_leaves_a_temporary_chat():
    answer = talk(is_temporary=True)

    outcome = wishes.should_have_been_kept(factories.ada(), answer.pk, 0)
    editing.change(factories.ada(), answer.pk, 0, is_pinned=True)

    assert outcome == Outcome.TEMPORARY
    assert not MemoryLesson.objects.exists()


def test_what_was_kept_or_was_never_there_can_not_be_missed():
    answer = talk()

    for block in (1, 2, 99):
        with pytest.raises(NotFound):
            wishes.should_have_been_kept(factories.ada(), answer.pk, block)


def test_nobody_else_says_it():
    answer = talk()

    with pytest.raises(NotFound):
        wishes.should_have_been_kept(factories.cy(), answer.pk, 0)
    with pytest.raises(NotFound):
        wishes.take_back(factories.cy(), answer.pk, 0)


def test_with_nothing_kept_instead_there_is_nothing_to_learn():
    answer = talk()
    Window.objects.filter(message=answer).update(shown=to_json(Memory("", (), 5)))

    outcome = wishes.should_have_been_kept(factories.ada(), answer.pk, 0)

    assert outcome == Outcome.NOTHING_KEPT
    assert not MemoryLesson.objects.exists()


def test_a_pin_is_a_wish_until_it_is_taken_out():
    answer = talk()

    editing.change(factories.ada(), answer.pk, 2, is_pinned=True)
    lesson = MemoryLesson.objects.get()
    editing.change(factories.ada(), answer.pk, 2, is_pinned=True)
    editing.change(factories.ada(), answer.pk, 2, is_pinned=False)

    assert (lesson.said["wanted"], lesson.said["numbers"]) == (2, [0, 1])
    assert not MemoryLesson.objects.exists()


def test_what_was_not_said_teaches_nothing_when_it_is_pinned():
    answer = talk()
    row = Window.objects.get(message=answer)
    added = Block(5, str(uuid4()), "user", "We meet on Friday.", 5)
    row.blocks["blocks"].append(to_json(Memory("", (added,), 6))["blocks"][0])
    row.save()

    editing.change(factories.ada(), answer.pk, 5, is_pinned=True)

    assert not MemoryLesson.objects.exists()


def test_what_was_blacked_out_is_not_handed_over_and_what_is_later_goes():
    answer = talk()
    Redaction.objects.create(conversation=answer.conversation, words="Rex")

    wishes.should_have_been_kept(factories.ada(), answer.pk, 0)

    assert "Rex" not in str(MemoryLesson.objects.get().said)
    redaction.pass_on(answer.conversation_id)
    assert not MemoryLesson.objects.exists()


@pytest.mark.parametrize(
    "act",
    [
        lambda ada, answer: editing.forget(ada, answer.pk, 0),
        lambda ada, answer: forgetting.forget_conversation(ada, answer.conversation_id),
        lambda ada, answer: deletion.delete_now(ada, answer.conversation_id),
        lambda ada, answer: people.change_consent(ada, training=False, research=None),
        lambda ada, answer: erasure.ask(ada, with_account=False, name="ada"),
    ],
)
def test_it_goes_with_what_it_came_from_and_with_the_consent(act):
    answer = talk()
    wishes.should_have_been_kept(factories.ada(), answer.pk, 0)

    act(factories.ada(), answer)

    assert not MemoryLesson.objects.exists()


def test_it_goes_with_what_was_kept_instead_too():
    answer = talk()
    wishes.should_have_been_kept(factories.ada(), answer.pk, 0)
    second = Message.objects.get(parts__contains=[{"text": "It rains. What a day!"}])

    forgetting.delete_message(factories.ada(), second.pk)
    at = Message.with_deleted.get(pk=second.pk).deleted_at
    forgetting.purge_messages(at.replace(year=at.year + 1))

    assert Conversation.objects.exists()
    assert not MemoryLesson.objects.exists()


def test_the_signal_of_a_block_is_the_same_every_time():
    answer = UUID("00000000-0000-4000-8000-000000000000")

    assert wishes.signal(answer, 1) == wishes.signal(answer, 1)
    assert wishes.signal(answer, 1) != wishes.signal(answer, 2)


def test_what_learning_has_of_wishes_is_in_a_person_s_copy_of_their_data(tmp_path):
    answer = talk()
    wishes.should_have_been_kept(factories.ada(), answer.pk, 0)
    lesson = MemoryLesson.objects.get()
    MemoryVersion.objects.create(number=3, state="live", reason="a test", lessons=[lesson.pk])

    archive.write(factories.ada(), tmp_path / "hers.zip", lambda done: None)
    archive.write(factories.ben(), tmp_path / "his.zip", lambda done: None)

    [wish] = json.loads(ZipFile(tmp_path / "hers.zip").read("memory.json"))["should_have_been_kept"]
    assert wish["texts"][0] == "My dog is called Rex. He is two. Hm."
    assert str(answer.pk) in wish["messages"]
    assert wish["learned_in"] == [3]
    assert json.loads(ZipFile(tmp_path / "his.zip").read("memory.json"))["notes"] == []
    assert b"Rex" not in ZipFile(tmp_path / "his.zip").read("memory.json")
