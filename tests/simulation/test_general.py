from tests.simulation.general import items


def test_no_question_is_asked_twice_and_each_has_an_answer():
    questions = [item.question for item in items()]

    assert len(set(questions)) == len(questions) > 180
    assert all(word for item in items() for word in item.right)


def test_an_answer_holds_where_the_right_word_stands_alone():
    [france] = [item for item in items() if item.question == "What is the capital of France?"]
    [tens] = [item for item in items() if item.question == "What is 5 plus 5?"]

    assert france.holds("It is paris, of course.")
    assert not france.holds("Parisians know.")
    assert tens.holds("Ten.")
    assert not tens.holds("100")
