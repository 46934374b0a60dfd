from learning.evaluation import anchors, asked
from tests.simulation import general


def test_what_a_policy_is_held_to_is_not_what_it_is_measured_with():
    questions = anchors.load()

    assert len(set(questions)) == len(questions) >= 100
    measured = {question.prompt for question in asked.load()}
    measured |= {item.question for item in general.items()}
    assert measured.isdisjoint(questions)


def test_nor_does_the_gate_ask_what_the_benchmark_asks():
    assert {item.question for item in general.items()}.isdisjoint(
        question.prompt for question in asked.load()
    )
