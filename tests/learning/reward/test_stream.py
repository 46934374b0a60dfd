from dataclasses import replace

import numpy as np
import pytest

from learning.config import RewardConfig
from learning.contracts import FeedbackKind
from learning.reward.model import Pair, Remark, Silence, Thumb
from learning.reward.stream import Entry, Refit, Stream, event_of, replay
from learning.reward.words import Reading

CONFIG = RewardConfig()
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


def test_a_comment_says_what_its_words_were_read_as():
    event = event_of(FeedbackKind.COMMENT, ANSWER, said=Reading(is_praise=False, confidence=0.8))

    assert isinstance(event, Remark)
    assert (event.is_up, event.confidence) == (False, 0.8)


def test_a_comment_without_praise_or_blame_says_nothing():
    assert event_of(FeedbackKind.COMMENT, ANSWER) == Silence()


@pytest.mark.parametrize("kind", [FeedbackKind.CORRECTION, FeedbackKind.PREFERENCE])
def test_a_comparison_needs_two(kind):
    with pytest.raises(ValueError, match="lacks"):
        event_of(kind, ANSWER)


def entry(number: int, event=None, **values) -> Entry:
    """By one of seven people, about an answer of its own."""
    features = np.random.default_rng(number).normal(size=3).astype(np.float32)
    thumb = Thumb(features, is_up=bool(features[0] > 0))
    values = {"person": number % 7, "version": number, **values}
    return Entry(key=str(number), event=event or thumb, **values)


def log(count: int = 40) -> list[Entry]:
    return [entry(number) for number in range(1, count + 1)]


def one_by_one(entries, stream=None) -> tuple[Stream, list[Entry]]:
    """As the worker goes: stored after each, with what was predicted written down."""
    stream = stream or Stream.start(3, CONFIG)
    written = []
    for each in entries:
        stream, taken = Stream.from_bytes(stream.to_bytes()).take(each, CONFIG)
        written.append(replace(each, predicted=taken.predicted))
    return stream, written


def test_replay_gives_the_bits_that_were_stored_one_by_one():
    stored, written = one_by_one(log())

    replayed, _ = replay(written, 3, CONFIG)

    assert replayed.to_bytes() == stored.to_bytes()
    assert replayed.head.taken_in == 40


def test_replay_over_a_refit_gives_the_bits_that_were_stored():
    _, before = one_by_one(log(20))
    refits = [Refit(version=21, prior_sd=2.0)]
    stored, _ = replay(before, 3, CONFIG, refits=refits)
    later = [entry(number) for number in range(22, 40)]
    stored, after = one_by_one(later, stored)

    replayed, _ = replay(before + after, 3, CONFIG, refits=refits)

    assert replayed.to_bytes() == stored.to_bytes()
    assert replayed.prior_sd == 2.0


def test_what_came_before_a_refit_keeps_what_was_predicted_then():
    _, before = one_by_one(log(20))

    _, taken = replay(before, 3, CONFIG, refits=[Refit(version=21, prior_sd=2.0)])

    assert [each.predicted for each in taken] == [each.predicted for each in before]
    assert taken[0].moved is None


def test_a_held_out_judgement_is_predicted_and_moves_nothing():
    stream, _ = one_by_one(log())

    after, taken = stream.take(entry(41, learns=False), CONFIG)

    np.testing.assert_array_equal(after.head.mean, stream.head.mean)
    assert after.head.taken_in == stream.head.taken_in + 1
    assert taken.predicted is not None
    assert taken.weight == 1


def test_what_does_not_count_is_not_even_predicted():
    stream, _ = one_by_one(log())

    after, taken = stream.take(entry(41, counts=False, learns=False), CONFIG)

    np.testing.assert_array_equal(after.head.folds, stream.head.folds)
    assert (taken.predicted, taken.weight) == (None, 0)
    assert after.tally == stream.tally


def test_a_person_who_says_too_much_counts_no_more():
    stream, _ = one_by_one(log())
    flood = [entry(number, person=99) for number in range(41, 90)]

    stream, taken = replay(log() + flood, 3, CONFIG)

    # Of eight people: one and a quarter parts in eight, or 4 points, whichever is more.
    own, total = stream.tally.weights[99], stream.tally.total
    assert own == pytest.approx(max(4.0, 1.25 * total / 8))
    assert taken[-1].weight == 0
    np.testing.assert_array_equal(taken[-1].moved, np.zeros(4))


def test_contradictory_judgements_end_near_nothing():
    both = [Thumb(OTHER, is_up=number % 2 == 0) for number in range(200)]
    even = RewardConfig(up_weight=1.0)
    entries = [entry(number, event) for number, event in enumerate(both)]

    stream, _ = replay(entries, 3, even)

    mean, sd = stream.head.estimate(OTHER)
    assert abs(mean) < 0.5
    assert sd < 1


def test_after_a_drift_the_head_is_less_sure_and_follows_sooner():
    before = [entry(number) for number in range(1, 200)]
    turned = [
        replace(each, event=Thumb(each.event.features, is_up=not each.event.is_up))
        for each in (entry(number) for number in range(200, 260))
    ]
    deaf = RewardConfig(drift_limit=1e9)

    following, taken = replay(before + turned, 3, CONFIG)
    stubborn, _ = replay(before + turned, 3, deaf)

    assert sum(each.has_drifted for each in taken) == 1
    liked = np.array([-1.0, 0.0, 0.0], dtype=np.float32)
    assert following.head.estimate(liked)[0] > stubborn.head.estimate(liked)[0]


def test_a_stream_is_stored_whole():
    stream, _ = one_by_one(log())

    again = Stream.from_bytes(stream.to_bytes())

    assert again.tally == stream.tally
    assert again.detector == stream.detector
    assert again.to_bytes() == stream.to_bytes()
