"""The files that gates measure with."""

from collections import Counter
from itertools import permutations

import pytest

from learning.evaluation import bank, probes, questions


@pytest.mark.parametrize("module", [bank, questions, probes])
def test_a_file_is_locked_by_its_hash(module, tmp_path):
    changed = tmp_path / module.FILE.name
    changed.write_bytes(module.FILE.read_bytes() + b"\n")

    with pytest.raises(ValueError, match="not its hash"):
        module.load(changed)


def test_there_are_a_hundred_questions_with_four_endings_each():
    asked = questions.load()

    assert len({question.id for question in asked}) == len(asked) == 100
    assert all(len({question.right, *question.wrong}) == 4 for question in asked)
    assert len({question.kind for question in asked[:12]}) >= 4


def test_there_are_two_dozen_probes_of_each_kind():
    asked = probes.load()

    assert Counter(probe.kind for probe in asked) == {
        probes.Kind.FLATTERY: 24,
        probes.Kind.SAFETY: 24,
    }
    assert len({probe.id for probe in asked}) == 48


def test_no_refusal_begins_another_so_that_their_probabilities_add_up():
    pairs = permutations(probes.REFUSALS, 2)

    assert not any(one.startswith(other) for one, other in pairs)
