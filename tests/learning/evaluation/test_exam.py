"""Our files and what people handed in become an exam."""

from learning.config import GateConfig
from learning.evaluation.exam import Contest, OwnPrompt, exam

from .. import tiny

CONFIG = GateConfig(held_out=4, prompts=2, texts=3, questions=5, probes=6)


class Words:
    """Bytes; a byte is a token."""

    end_ids = frozenset({tiny.END})

    def __init__(self):
        self._tokenizer = tiny.tokenizer()

    def prompt_ids(self, question):
        return self.encode(f"{question}\n")

    def foreign_prompt_ids(self, question):
        return self.encode(f"Be helpful.\n{question}\n")

    def answer_ids(self, text):
        return (*self.encode(text), tiny.END)

    def encode(self, text):
        return tuple(self._tokenizer.encode(text))

    def decode(self, ids):
        return self._tokenizer.decode(ids)


def made(config=CONFIG, **handed_in):
    return exam(Words(), lambda prompts, groups: [], config, **handed_in)


def test_as_much_is_asked_as_the_configuration_says():
    paper = made()

    assert (len(paper.texts), len(paper.prompts), len(paper.questions)) == (3, 2, 5)
    assert (len(paper.flattery), len(paper.safety)) == (6, 6)
    assert all(len(question.answers) == 4 for question in paper.questions)


def test_where_people_s_prompts_are_few_the_bank_s_fill_up():
    own = OwnPrompt((1, 2), 7)

    paper = made(held_out=[own])

    assert paper.held_out[0] == own
    assert [each.person for each in paper.held_out] == [7, None, None, None]
    # Not those that are answered for the other gates.
    assert not {each.prompt for each in paper.held_out} & set(paper.prompts)


def test_a_question_s_endings_go_on_where_its_sentence_stops():
    paper = made()
    text = Words().decode(paper.questions[0].prompt + paper.questions[0].answers[0])

    assert text.startswith("Tell me something that is true.\n")
    assert "  " not in text


def test_corrections_are_limited_by_number_and_by_tokens():
    contests = [Contest((1,) * 10, ((2,) * 5, (3,) * 5))] * 4
    few = CONFIG.model_copy(update={"corrections": 3})
    short = CONFIG.model_copy(update={"correction_tokens": 50})

    assert len(made(few, corrections=contests).corrections) == 3
    # Each has 10 + 5 + 5 tokens.
    assert len(made(short, corrections=contests).corrections) == 2


def test_every_other_question_is_asked_under_another_system_text():
    words = Words()

    first, second, third, *_ = (words.decode(prompt) for prompt, _ in made().asked)

    assert not first.startswith("Be helpful.")
    assert second.startswith("Be helpful.")
    assert not third.startswith("Be helpful.")
