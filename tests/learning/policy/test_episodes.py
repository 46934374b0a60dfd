"""Answers in several turns. Tokens are small numbers; a sample that begins with 9 calls a tool."""

from __future__ import annotations

import pytest

from inference.contracts import FinishReason, Sample, Sampling
from learning.policy.episodes import Episode, Turn, Unknown, data_of, judged, play
from learning.policy.update import Surroundings

from .test_update import CONFIG, run

SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=4, seed=7)


def said(*ids: int) -> Sample:
    return Sample("", ids, tuple(-0.5 for _ in ids), FinishReason.STOP)


class Script:
    """An engine that says what it is told to, in order."""

    def __init__(self, *samples: Sample) -> None:
        self._samples = iter(samples)
        self.asked: list[tuple[int, ...]] = []
        self.seeds: list[int | None] = []

    def serve(self, state):
        raise AssertionError("nothing is published here")

    def sample(self, prompts, sampling, samples):
        self.asked += prompts
        self.seeds.append(sampling.seed)
        return [[next(self._samples) for _ in range(samples)] for _ in prompts]


class Tool:
    """Answers a call of 9, n with 100 + n; it has never heard of 9, 0."""

    def go_on(self, prompt, sample):
        if sample.token_ids[0] != 9:
            return None
        if sample.token_ids[1] == 0:
            raise Unknown
        return (*prompt, *sample.token_ids, 100 + sample.token_ids[1])


def lengths(prompts, groups):
    """The reward is the answer's last token."""
    return [[float(answer[-1]) for answer in group] for group in groups]


def test_an_answer_that_calls_no_tool_has_one_turn():
    script = Script(said(1), said(2))

    [[one, other]] = play(script, [(5,)], SAMPLING, 2, Tool(), most_turns=4)

    assert [turn.sample.token_ids for turn in (*one.turns, *other.turns)] == [(1,), (2,)]
    assert script.asked == [(5,)]


def test_a_call_is_answered_and_the_next_turn_is_sampled_after_it():
    script = Script(said(9, 3), said(2), said(4))

    [[called, plain]] = play(script, [(5,)], SAMPLING, 2, Tool(), most_turns=4)

    assert called.turns == (Turn((5,), said(9, 3)), Turn((5, 9, 3, 103), said(4)))
    assert len(plain.turns) == 1
    assert script.seeds == [7, 8]


def test_a_policy_that_goes_on_calling_is_stopped_after_the_turns_that_it_has():
    script = Script(*[said(9, 1)] * 9)

    [[episode]] = play(script, [(5,)], SAMPLING, 1, Tool(), most_turns=3)

    assert len(episode.turns) == 3
    assert episode.is_whole


def test_a_call_that_nobody_can_answer_is_neither_judged_nor_trained_on():
    script = Script(said(9, 0), said(6), said(2))

    groups = play(script, [(5,)], SAMPLING, 3, Tool(), most_turns=4)
    rewards = judged(groups, lengths)

    # The two that can be judged come to 6 and 2; the third takes the middle.
    assert rewards == [[4.0, 6.0, 2.0]]
    assert [datum.response for datum in data_of(groups, rewards)] == [(6,), (2,)]


def test_answers_to_one_prompt_are_judged_together_and_others_by_themselves():
    seen = []

    def rewards_of(prompts, groups):
        seen.extend(zip(prompts, groups, strict=True))
        return lengths(prompts, groups)

    groups = play(Script(said(1), said(9, 3), said(2), said(8)), [(5,)], SAMPLING, 3, Tool(), 2)

    assert judged(groups, rewards_of) == [[1.0, 8.0, 2.0]]
    assert seen == [((5,), [(1,), (2,)]), ((5, 9, 3, 103), [(8,)])]


def test_every_turn_is_trained_on_with_the_advantage_of_its_answer():
    called = Episode((Turn((5,), said(9, 3)), Turn((5, 9, 3, 103), said(4, 4))))
    plain = Episode((Turn((5,), said(1)),))

    first, second, third = data_of([[called, plain]], [[10.0, -5.0]])

    # Five tokens were sampled: two, two and one.
    assert first.weights == second.weights == (2.0, 2.0)
    assert third.weights == (-1.0,)
    assert first.sampled_logprobs == (-0.5, -0.5)


def test_what_a_tool_said_is_never_among_what_is_trained_on():
    called = Episode((Turn((5,), said(9, 3)), Turn((5, 9, 3, 103), said(4))))

    data = data_of([[called]], [[1.0]])

    assert not any(103 in datum.response for datum in data)
    assert 103 in data[1].prompt


@pytest.mark.parametrize(
    ("end", "weights"),
    [(None, (0.25,) * 4), (7, (0.0, 0.0, 0.25, 0.25)), (8, (0.25,) * 4)],
)
def test_thoughts_have_no_weight_where_they_are_masked(end, weights):
    thought = Episode((Turn((5,), said(6, 7, 1, 2)),))

    [datum] = data_of([[thought]], [[1.0]], end)

    assert datum.weights == weights


def test_an_update_trains_on_several_turns(tmp_path):
    class AskTwice:
        """Whatever is said first, it is asked once more."""

        def go_on(self, prompt, sample):
            return None if len(prompt) > 6 else (*prompt, *sample.token_ids, 1)

    config = CONFIG.model_copy(update={"steps": 1})
    _, once, _ = run(tmp_path / "once", config)
    _, twice, _ = run(tmp_path / "twice", config, surroundings=Surroundings(AskTwice()))

    assert twice[0].tokens > once[0].tokens
