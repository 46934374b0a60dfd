"""A branch that goes on as a conversation of its own."""

from __future__ import annotations

from uuid import UUID

import pytest

from assistant.chat import turns
from assistant.chat.wire import ImagePart, TextPart
from assistant.errors import AnswerNotFinished, ImagesTooMany, NotBranchable, NotServed
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from assistant.images import uploads
from assistant.library import branching, deletion, folders
from assistant.memory import describing
from assistant.models import Conversation, Generation, Image, Message, Redaction, SearchEntry
from assistant.review import redaction
from learning.contracts import FeedbackKind
from tests import factories
from tests.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.FILES = str(tmp_path / "files")


@pytest.fixture
def talk() -> list[Message]:
    """Ada's conversation: a question, two answers to it, and a question and answer to the first."""
    where = factories.conversation(factories.ada())
    first = factories.said(where, "One")
    chosen = factories.answer(first, "Two")
    other = factories.answer(first, "Or two")
    then = factories.said(where, "Three", chosen)
    return [first, chosen, other, then, factories.answer(then, "Four")]


def texts(where: Conversation) -> list[str]:
    return [message.text for message in where.messages.all()]


def with_image(size: tuple[int, int] = (8, 4)) -> tuple[Message, Image]:
    """An answer in a conversation of Ada's that began with an image."""
    image = uploads.take_in(factories.ada(), picture(size=size))
    where = factories.conversation(factories.ada())
    uploads.attach(factories.ada(), where, [image.pk])
    said = factories.said(where)
    said.parts = [ImagePart(image=image.pk).model_dump(mode="json"), *factories.parts("This?")]
    said.save()
    return factories.answer(said, "A square."), image


def test_it_begins_with_what_was_said_up_to_the_message_and_nothing_beside_it(talk):
    made = branching.branch_off(factories.ada(), talk[1].pk, "Another way")

    assert (made.title, texts(made)) == ("Another way", ["One", "Two"])
    copies = list(made.messages.all())
    assert copies[1].parent == copies[0]
    assert [copy.created_at for copy in copies] == [talk[0].created_at, talk[1].created_at]
    assert len(texts(talk[0].conversation)) == 5


def test_it_goes_on_from_the_same_memory(talk):
    made = branching.branch_off(factories.ada(), talk[4].pk)

    copy = made.messages.get(parts=talk[4].parts)
    before = describing.describe(talk[4].window)
    assert describing.describe(copy.window) == before
    said = turns.send(
        factories.ada(),
        conversation=made.pk,
        parent=copy.pk,
        message=UUID(int=1),
        answer=UUID(int=2),
        parts=[TextPart(text="Five")],
    )
    assert said.status == Generation.Status.QUEUED


def test_it_lies_in_the_same_folder_and_is_found_by_search(talk):
    folder = folders.make(factories.ada(), "Work")
    Conversation.objects.update(folder=folder)

    made = branching.branch_off(factories.ada(), talk[4].pk)

    assert made.folder_id == folder.pk
    assert SearchEntry.objects.filter(conversation=made).count() == 4


def test_its_images_are_copies_that_stay_when_the_original_goes():
    answer, image = with_image()

    made = branching.branch_off(factories.ada(), answer.pk)
    deletion.delete_now(factories.ada(), answer.conversation_id)

    (copy,) = Image.objects.filter(conversation=made)
    assert made.messages.first().parts[0] == {"type": "image", "image": str(copy.pk)}
    assert copy.sha256 == image.sha256
    shown = factories.caller(factories.ada()).get(f"/v1/images/{copy.pk}")
    assert shown.status_code == 200


def test_images_copied_count_towards_what_may_be_added_in_a_day(settings):
    answer, image = with_image()
    # The image itself, and not quite as much again.
    settings.IMAGE_DAY_BYTES = 2 * image.bytes - 1

    with pytest.raises(ImagesTooMany):
        branching.branch_off(factories.ada(), answer.pk)

    assert Conversation.objects.count() == 1


def test_a_branch_that_cannot_be_leaves_no_file(settings, tmp_path):
    answer, image = with_image()
    second = uploads.take_in(factories.ada(), picture())
    uploads.attach(factories.ada(), answer.conversation, [second.pk])
    said = answer.parent
    said.parts = [*said.parts, ImagePart(image=second.pk).model_dump(mode="json")]
    said.save()
    # Room for one more than the two.
    settings.IMAGE_DAY_BYTES = 3 * image.bytes

    with pytest.raises(ImagesTooMany):
        branching.branch_off(factories.ada(), answer.pk)

    kept = {path.stem for path in (tmp_path / "files").rglob("*.png")}
    assert kept == {str(image.pk), str(second.pk)}


def test_its_answers_are_not_judged_nor_exported_a_second_time(talk):
    made = branching.branch_off(factories.ada(), talk[1].pk)

    copy = made.messages.get(role="assistant")
    with pytest.raises(NotServed):
        ratings.rate(factories.ada(), Opinion(message=copy.pk, kind=FeedbackKind.UP))
    assert not hasattr(copy.generation, "trajectory")


def test_what_a_reviewer_blacked_out_is_so_in_the_copy(talk):
    Redaction.objects.create(conversation=talk[0].conversation, words="Two")
    Redaction.objects.create(conversation=talk[0].conversation, words="One", is_undone=True)

    made = branching.branch_off(factories.ada(), talk[4].pk)

    assert redaction.words_of(made.pk) == ["Two"]


def test_nothing_goes_on_from_a_temporary_chat():
    answer = factories.served(factories.ada(), is_temporary=True)

    with pytest.raises(NotBranchable):
        branching.branch_off(factories.ada(), answer.pk)

    assert Conversation.objects.count() == 1


def test_an_answer_that_is_being_made_is_waited_for():
    said = factories.said(factories.conversation(factories.ada()))
    answer = factories.answer(said, status=Generation.Status.RUNNING)

    with pytest.raises(AnswerNotFinished):
        branching.branch_off(factories.ada(), answer.pk)


def test_over_the_api_it_is_named_and_listed_first(talk):
    ada = factories.caller(factories.ada())

    made = ada.post(
        f"/v1/messages/{talk[1].pk}/branch", {"title": "Mine"}, content_type="application/json"
    ).json()

    assert made["title"] == "Mine"
    assert ada.get("/v1/conversations").json()["data"][0]["id"] == made["id"]
