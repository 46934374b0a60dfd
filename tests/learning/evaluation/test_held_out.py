from learning.evaluation.held_out import is_held_out


def test_a_tenth_of_prompts_is_held_out():
    held_out = [is_held_out((1, number)) for number in range(1000)]

    assert 70 <= sum(held_out) <= 130


def test_the_same_prompts_are_held_out_for_ever():
    # Of sha256("1 0"), sha256("1 1") …, these are multiples of ten.
    assert [n for n in range(40) if is_held_out((1, n))] == [0, 13, 18, 28, 31]
