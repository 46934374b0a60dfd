"""Pictures in a window that is full: what they show is kept in words, against a scripted engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from channels.db import database_sync_to_async

from assistant.images import uploads
from assistant.memory import captions
from inference.client import EngineClient
from inference.contracts import ImageRef
from inference.diffusion import Kind, Window, admit, diffuse, to_messages
from inference.diffusion.admit import PICTURE
from tests import factories
from tests.fakes import Answer, ScriptedEngine
from tests.pictures import picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def seeing_model(monkeypatch):
    monkeypatch.setenv("DANAS_PROFILE", "qwen3_vl")


@database_sync_to_async
def kept() -> ImageRef:
    return uploads.reference(uploads.take_in(factories.ada(), picture()))


def with_picture(image: ImageRef, tokenizer) -> Window:
    window = Window("You are Danas.")
    return admit(window, "m", "user", "What is it?", tokenizer, images=[image])


async def test_a_picture_without_a_caption_is_described_once(tokenizer):
    window = with_picture(await kept(), tokenizer)

    async with (
        ScriptedEngine(["A red  square."]) as engine,
        EngineClient([engine.url], engine.key) as client,
    ):
        described = await captions.described(window, client, tokenizer)
        again = await captions.described(described, client, tokenizer)

    assert described.blocks[0].text == "A red square."
    assert described.blocks[0].kind == Kind.IMAGE
    assert again == described
    assert len(engine.completions) == 1


async def test_a_picture_that_can_t_be_described_stays_as_it_is(tokenizer):
    window = with_picture(await kept(), tokenizer)

    async with (
        ScriptedEngine([Answer(refused="no", status=400)]) as engine,
        EngineClient([engine.url], engine.key) as client,
    ):
        described = await captions.described(window, client, tokenizer)

    assert described.blocks[0].text == PICTURE


def test_what_a_picture_shows_is_left_where_it_has_to_make_room(tokenizer):
    class Large:
        """Each picture takes a hundred tokens."""

        counts, spans = tokenizer.counts, tokenizer.spans

        def prompt_ids(self, messages):
            images = sum(len(message.images) for message in messages)
            return tokenizer.prompt_ids(messages) + [0] * (100 * images)

    large = Large()
    window = admit(Window(""), "a", "user", "Look.", large, images=[ImageRef("i", "d", 8, 8)])
    window = replace(
        window, blocks=(replace(window.blocks[0], text="A red square."), *window.blocks[1:])
    )
    for number in range(6):
        role = "assistant" if number % 2 == 0 else "user"
        window = admit(window, f"m{number}", role, f"Word number {number}.", large)

    limit = len(large.prompt_ids(to_messages(window))) - 50
    left = diffuse(window, limit, large).window

    caption = next(block for block in left.blocks if block.kind == Kind.CAPTION)
    assert caption.text == "A red square."
    assert "[a picture was shown here: A red square.]" in to_messages(left)[1].content
    assert not any(message.images for message in to_messages(left))
