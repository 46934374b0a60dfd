import pytest

from learning.evaluation import asked
from learning.evaluation.asked import Asked


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        ("The answer is four.", True),
        ("A dog has 4 legs.", True),
        ("FOUR", True),
        ("It has fourteen legs.", False),
        ("It has 40 of them.", False),
        ("", False),
    ],
)
def test_an_answer_with_one_of_the_words_is_right(answer, is_right):
    question = Asked("1", "How many legs does a dog have?", ["four", "4"])

    assert question.is_right(answer) == is_right


def test_three_hundred_different_questions_are_asked():
    questions = asked.load()

    assert len({question.prompt for question in questions}) == 300
    assert all(question.prompt.endswith("?") and question.right for question in questions)


def test_no_question_gives_its_answer_away():
    assert not [one.prompt for one in asked.load() if one.is_right(one.prompt)]


def test_a_changed_file_is_refused(tmp_path):
    changed = tmp_path / "asked.jsonl"
    changed.write_text(asked.FILE.read_text().replace("four", "five"))

    with pytest.raises(ValueError, match=r"asked\.jsonl was changed"):
        asked.load(changed)
