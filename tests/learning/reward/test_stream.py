import numpy as np
import pytest

from learning.config import RewardConfig
from learning.contracts import FeedbackKind
from learning.reward.model import Pair, Silence, Thumb
from learning.reward.stream import event_of, replay

ANSWER, OTHER = np.zeros(3, dtype=np.float32), np.ones(3, dtype=np.float32)


def test_thumbs_say_up_or_down():
    assert event_of(FeedbackKind.UP, ANSWER).is_up
    assert not event_of(FeedbackKind.DOWN, ANSWER).is_up


def test_a_correction_prefers_the_edited_answer():
    event = event_of(FeedbackKind.CORRECTION, ANSWER, text=OTHER)

    assert isinstance(event, Pair)
    assert (event.better is OTHER, event.worse is ANSWER) == (True, True)


def test_a_preference_prefers_the_chosen_sibling():
    event = event_of(FeedbackKind.PREFERENCE, ANSWER, over=OTHER)

    assert isinstance(event, Pair)
    assert (event.better is ANSWER, event.worse is OTHER) == (True, True)


def test_a_comment_says_nothing_yet():
    assert event_of(FeedbackKind.COMMENT, ANSWER) == Silence()


@pytest.mark.parametrize("kind", [FeedbackKind.CORRECTION, FeedbackKind.PREFERENCE])
def test_a_comparison_needs_two(kind):
    with pytest.raises(ValueError, match="lacks"):
        event_of(kind, ANSWER)


def test_replay_gives_the_same_bits():
    events = [Thumb(ANSWER, is_up=True), Pair(OTHER, ANSWER), Thumb(OTHER, is_up=False)]

    heads = [replay(events, 3, RewardConfig()) for _ in range(2)]

    assert heads[0].to_bytes() == heads[1].to_bytes()
    assert heads[0].taken_in == 3
