"""What a model makes of turns and answers, with a tiny random one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inference.contracts import ChatMessage
from learning.memory import hearing
from learning.memory.counting import Layout, Piece
from learning.memory.dialogue import Dialogue
from learning.memory.likelihood import ASKING
from learning.memory.probe import Probe
from learning.memory.traits import COUNT
from learning.policy import lora
from learning.policy.trainer import Lora
from tests.learning import tiny
from tests.learning.memory.chats import asked, said

TURNS = said("I have a cat. It is old.", "Nice!", "Yes.", second_session=2)
DIALOGUE = Dialogue("chat", TURNS, ())


@pytest.fixture
def listener() -> hearing.Listener:
    # Two layers of 64 states, and the traits of the text.
    weights = np.linspace(-1, 1, 2 * 64 + COUNT, dtype=np.float32)
    return hearing.Listener(tiny.model(), tiny.tokenizer(), own=Probe(weights, 0.0))


def logprobs(token_ids: list[int]) -> torch.Tensor:
    """Of each token after those before it."""
    logits = tiny.model()(torch.tensor([token_ids])).logits[0, :-1].log_softmax(1)
    return logits.gather(1, torch.tensor(token_ids)[1:, None])[:, 0]


def test_every_sentence_is_read_with_its_place_in_the_turn(listener: hearing.Listener):
    read = listener.needs(DIALOGUE)

    ends = {turn: [end for end, _ in heard.needs] for turn, heard in read.heard.items()}
    assert ends == {"D1:0": [13, 24], "D1:1": [5], "D2:2": [4]}
    assert read.tokens > 0


def test_a_turn_is_read_before_what_comes_after_it(listener: hearing.Listener):
    longer = Dialogue("chat", said("I have a cat. It is old.", "Nice!", "No way"), ())

    before, after = listener.needs(DIALOGUE).heard, listener.needs(longer).heard

    assert before["D1:0"] == after["D1:0"]
    assert before["D1:1"] == after["D1:1"]


def test_an_adapter_reads_in_place_of_the_probe_and_nothing_else(
    listener: hearing.Listener, tmp_path: Path
):
    adapted = lora.attach(tiny.model(), Lora(rank=2, alpha=4, seed=1))
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, generator=torch.Generator().manual_seed(2))
    lora.write(adapted, tmp_path / "reader", {})

    other = hearing.Listener(tiny.model(), tiny.tokenizer(), memory=tmp_path / "reader")

    assert (listener.reader, other.reader) == ("the base model's probe", "reader")
    assert other.needs(DIALOGUE).heard != listener.needs(DIALOGUE).heard
    assert other.surprisal(DIALOGUE).heard == listener.surprisal(DIALOGUE).heard


def test_without_a_reader_nothing_is_heard():
    alone = hearing.Listener(tiny.model(), tiny.tokenizer())

    assert alone.reader == ""
    assert alone.needs(DIALOGUE) == hearing.Hearing({}, 0, 0.0)


def test_surprisal_is_the_mean_over_a_turn_s_tokens(listener: hearing.Listener):
    text = "\nAda: I have a cat. It is old.\nBen: Nice!\n"

    heard = listener.surprisal(DIALOGUE).heard

    # Its tokens are bytes; the first of them has nothing before it.
    nats = -logprobs(tiny.tokenizer().encode(text))
    assert heard["D1:0"].surprisal == pytest.approx(float(nats[:30].mean()), rel=1e-4)
    assert heard["D1:1"].surprisal == pytest.approx(float(nats[30:].mean()), rel=1e-4)


def test_surprisal_in_pieces_is_nearly_that_in_one(
    listener: hearing.Listener, monkeypatch: pytest.MonkeyPatch
):
    long = Dialogue("chat", said(*["A few words again and again."] * 40), ())
    pieces = listener.surprisal(long)

    monkeypatch.setattr(hearing, "READING_TOKENS", 10_000)
    whole = listener.surprisal(long)

    # 40 turns of some 34 bytes are more than one reading, so some bytes were read twice.
    assert pieces.tokens > whole.tokens
    assert pieces.heard.keys() == whole.heard.keys()
    first = TURNS[0].id
    assert pieces.heard[first].surprisal == pytest.approx(whole.heard[first].surprisal, rel=1e-4)


def test_answers_are_as_likely_after_a_shared_window_as_each_by_itself(
    listener: hearing.Listener,
):
    layout, encode = Layout(DIALOGUE), tiny.tokenizer().encode
    pieces = [Piece(turn, turn.shown) for turn in TURNS]
    questions = [asked(text="Which pet?", answer="a cat"), asked(text="How old?", answer="old")]

    together = listener.nats(layout, pieces, questions)

    for found, question in zip(together, questions, strict=True):
        chat = layout.chat(pieces, ASKING.format(question.text))
        prompt, answer = tiny.tokenizer().prompt_ids(chat), encode(question.answer)
        expected = logprobs(prompt + answer)[-len(answer) :].mean()
        assert found == pytest.approx(float(expected), rel=1e-4)
        assert listener.nats(layout, pieces, [question]) == [pytest.approx(found, rel=1e-4)]


def test_the_question_is_asked_by_the_first_speaker(listener: hearing.Listener):
    layout = Layout(DIALOGUE)

    chat = layout.chat([Piece(TURNS[1], "Nice!")], "Who?")

    assert chat[-1] == ChatMessage("user", "Who?")
