"""Pictures that a person sends: what the policy is shown of them, against a scripted engine."""

from __future__ import annotations

import base64
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async

from assistant.chat import turns
from assistant.chat.wire import ImagePart, TextPart
from assistant.errors import ImagesTooMany
from assistant.images import uploads
from assistant.models import Image, Trajectory, User
from tests import factories
from tests.assistant.chat.test_worker import log_of, text_of, working
from tests.fakes import ScriptedEngine
from tests.pictures import picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seeing_model(monkeypatch):
    """The tiny text model passes for one that sees; it takes four pictures at once."""
    monkeypatch.setenv("DANAS_PROFILE", "qwen3_vl")


def show(text: str, images: list[Image], person: User):
    answer = uuid4()
    turns.send(
        person,
        conversation=uuid4(),
        parent=None,
        message=uuid4(),
        answer=answer,
        parts=[*(ImagePart(image=image.pk) for image in images), TextPart(text=text)],
    )
    return answer


@database_sync_to_async
def show_one(text: str = "What colour is it?"):
    ada = factories.ada()
    image = uploads.take_in(ada, picture(size=(64, 32)))
    return show(text, [image], ada), image


async def test_the_policy_is_shown_the_picture_as_it_is_kept(tokenizer, seeing_model):
    async with ScriptedEngine(["It is red."]) as engine, working(engine, tokenizer):
        answer, image = await show_one()
        log = await log_of(answer)

    assert text_of(log) == "It is red."
    shown, said = engine.completions[0].body["messages"][-1]["content"]
    kind, encoded = shown["image_url"]["url"].split(",")
    assert kind == f"data:{image.media_type};base64"
    assert len(base64.b64decode(encoded)) == image.bytes
    assert said["text"] == "What colour is it?"


async def test_what_was_logged_names_the_picture_and_its_bytes(tokenizer, seeing_model):
    async with ScriptedEngine(["It is red."]) as engine, working(engine, tokenizer):
        answer, image = await show_one()
        await log_of(answer)

    made = await database_sync_to_async(Trajectory.objects.get)(pk=answer)
    assert made.prompt_token_ids == engine.prompts[0]
    assert made.messages[-1]["images"] == [
        {"id": str(image.pk), "digest": image.sha256, "width": 64, "height": 32}
    ]


async def test_a_policy_that_reads_text_only_is_told_that_there_is_a_picture(tokenizer):
    async with ScriptedEngine(["I can't see it."]) as engine, working(engine, tokenizer):
        answer, _ = await show_one()
        await log_of(answer)

    asked = tokenizer.decode(engine.prompts[0])
    assert "[An image was attached; this model cannot see images.]" in asked


def test_more_pictures_than_the_model_takes_are_refused(seeing_model):
    ada = factories.ada()
    images = [uploads.take_in(ada, picture(size=(8, 8 + extra))) for extra in range(5)]

    with pytest.raises(ImagesTooMany, match="at most 4 images"):
        show("Which is largest?", images, ada)
