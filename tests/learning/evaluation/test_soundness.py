import pytest

from learning.evaluation.soundness import repeated_share, soundness

LONG = "One two three four five six seven eight nine"


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ((1, 2, 3), 0),
        ((1, 2, 3, 4, 5), 0),
        # Five runs: 1212 2121 1212 2121 1212, of which two are different.
        ((1, 2, 1, 2, 1, 2, 1, 2), 0.6),
    ],
)
def test_the_share_of_repeated_runs(said, share):
    assert repeated_share(said) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "has_ended", "score"),
    [
        ("  \n", True, 0),
        (f"{LONG}.", True, 1),
        (LONG, True, 0.75),
        (LONG, False, 1),
        ("Paris", True, 1),
        (f"{LONG}:\n- milk\n- bread", True, 1),
        (f'He said: "{LONG}."', True, 1),
    ],
)
def test_an_answer_that_breaks_off_in_a_sentence_is_worth_less(text, has_ended, score):
    assert soundness((1, 2, 3, 4, 5), text, has_ended=has_ended) == score


def test_an_answer_of_nothing_is_worth_nothing():
    assert soundness((), "", has_ended=True) == 0
