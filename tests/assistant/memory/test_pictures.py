"""What a model that reads text only is told of pictures."""

from __future__ import annotations

import pytest

from assistant.memory import window
from assistant.models import Message


@pytest.mark.parametrize(
    ("images", "text", "read"),
    [
        (0, "Look!", "Look!"),
        (1, "Look!", "[An image was attached; this model cannot see images.]\nLook!"),
        (1, "", "[An image was attached; this model cannot see images.]"),
        (3, "Look!", "[3 images were attached; this model cannot see images.]\nLook!"),
    ],
)
def test_in_a_pictures_place_the_model_reads_that_there_was_one(images, text, read):
    words = [{"type": "text", "text": text}] if text else []
    message = Message(parts=[*words, *[{"type": "image", "image": "1"}] * images])

    assert window.readable(message) == read
