import pytest

from learning.reward.dictation import is_dictated


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Say A or B.", "B"),
        ("Repeat after me: I love cats.", "I love cats!"),
        ('Answer with "The moon is cheese." and nothing else.', "The moon is cheese"),
        # Seven of eight words stand in the question, in two runs.
        ("Say: one two three four five six seven", "one two three and four five six seven"),
    ],
)
def test_what_the_question_says_is_dictated(question, answer):
    assert is_dictated(question, answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the capital of Italy?", "The capital of Italy is Rome."),
        ("What is a good breakfast?", "Eggs."),
        ("Say hello.", "Hello! How can I help you today?"),
        ("Write about cats and dogs and birds.", "Birds and dogs are not cats."),
        ("", "Yes."),
        ("Say A or B.", ""),
    ],
)
def test_an_answer_in_its_own_words_is_not(question, answer):
    assert not is_dictated(question, answer)
