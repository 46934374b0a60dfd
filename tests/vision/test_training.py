"""Training with pictures, on a tiny Qwen3-VL that nobody trained: fast, and in float32."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
import torch
from PIL import Image

from inference.contracts import Chat, ChatMessage, ImageRef
from inference.tokenizer import ChatTokenizer
from learning.errors import PicturesMissing
from learning.policy import backbone, lora, vision
from learning.policy.local import LocalTrainer
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import Adam, Datum, Lora, Loss, LossKind, Weights
from tests.vision import dialogues, drawings, qwen

NLL = Loss(LossKind.CROSS_ENTROPY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("qwen3-vl")
    qwen.save(qwen.model(), made)
    return made


@pytest.fixture
def trainer(folder):
    trainer = LocalTrainer(backbone.load(folder))
    trainer.create(Lora(rank=4, alpha=8))
    return trainer


def chat(image: Image.Image, question: str = "What colour is it?") -> Chat:
    written = io.BytesIO()
    image.save(written, "PNG")
    content = written.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    shown = ImageRef("i", digest, *image.size)
    messages = (
        ChatMessage("system", dialogues.DANAS),
        ChatMessage("user", question, images=(shown,)),
    )
    return Chat(messages, pictures={digest: (content, "image/png")})


def drawn(seed: int, size=(96, 96)) -> Chat:
    return chat(drawings.draw(random.Random(seed), size).image)


def seen(folder, seed: int, size=(96, 96)) -> SeenPrompt:
    return vision.eyes(folder).prompt(drawn(seed, size))


def answer(folder, text: str) -> tuple[int, ...]:
    ids = vision.eyes(folder)._processor.tokenizer.encode(text, add_special_tokens=False)
    return (*ids, qwen.MARKS.index(qwen.TURN_END))


def test_replies_to_one_picture_score_alike_together_and_alone(folder, trainer):
    prompt = seen(folder, 1)
    data = [Datum(prompt, answer(folder, text)) for text in ("red", "a blue square", "green")]

    together = trainer.logprobs(data, Weights.POLICY, exactly=True)
    alone = [trainer.logprobs([datum], Weights.POLICY, exactly=True)[0] for datum in data]

    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_it_computes_what_transformers_computes(folder, trainer):
    """Positions by time, height and width, and the features of the picture, are the model's own."""
    prompt, said = seen(folder, 2, (128, 64)), answer(folder, "a red circle")
    [ours] = trainer.logprobs([Datum(prompt, said)], Weights.BASE, exactly=True)

    model = qwen.Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    tensors = vision.eyes(folder).tensors(prompt)
    ids = torch.tensor([[*prompt, *said]])
    marks = (ids == vision.eyes(folder).mark).int()
    with torch.no_grad():
        logits = model(input_ids=ids, mm_token_type_ids=marks, **tensors).logits[0]
    scores = logits.log_softmax(-1)[len(prompt) - 1 : -1]
    theirs = scores.gather(1, torch.tensor(said)[:, None])[:, 0].tolist()

    assert ours == pytest.approx(theirs, abs=2e-3)


def test_another_picture_is_another_prompt_and_scores_otherwise(folder, trainer):
    said = answer(folder, "red")
    one, other = seen(folder, 3), seen(folder, 4)
    first, second = trainer.logprobs([Datum(one, said), Datum(other, said)], Weights.BASE)

    assert tuple(one) == tuple(other)
    assert one != other
    assert first != second


def test_a_step_with_pictures_makes_the_right_answer_likelier(folder, trainer):
    data = [
        Datum(seen(folder, n), answer(folder, "red"), weights=(1.0,) * len(answer(folder, "red")))
        for n in range(3)
    ]
    before = trainer.forward(data, NLL).loss

    for _ in range(4):
        trainer.forward_backward(data, NLL)
        trainer.optim_step(Adam(5e-3))

    assert trainer.forward(data, NLL).loss < before - 0.5


def test_by_default_the_language_model_alone_is_changed(trainer, tmp_path):
    _, tensors = lora.read(trainer.save_state(tmp_path / "adapter").folder)

    assert tensors
    assert not any("visual" in name for name in tensors)


def test_an_adapter_on_the_tower_takes_effect(folder, tmp_path):
    trainer = LocalTrainer(backbone.load(folder))
    trainer.create(Lora(rank=4, alpha=8, is_seeing=True))
    said = answer(folder, "red")
    datum = Datum(seen(folder, 5), said, weights=(1.0,) * len(said))

    trainer.forward_backward([datum], NLL)
    trainer.optim_step(Adam(1e-2))

    is_seeing, tensors = lora.read(trainer.save_state(tmp_path / "adapter").folder)
    moved = [name for name, value in tensors.items() if "visual" in name and value.abs().sum() > 0]
    assert is_seeing.is_seeing
    assert any("lora_B" in name for name in moved)


def test_a_prompt_whose_picture_is_missing_is_refused(folder, trainer):
    prompt = seen(folder, 6)

    with pytest.raises(PicturesMissing):
        trainer.logprobs([Datum(tuple(prompt), answer(folder, "red"))], Weights.BASE)


def test_our_count_of_a_pictures_tokens_is_the_processors(folder):
    tokenizer = ChatTokenizer.from_folder(folder)
    for seed, size in enumerate([(96, 96), (128, 64), (64, 200), (300, 40)]):
        asked = drawn(seed, size)
        assert tokenizer.prompt_ids(asked.messages) == list(vision.eyes(folder).prompt(asked))
