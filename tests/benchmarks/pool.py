"""Some 300 real answers of the embedded model with their features, made once and kept.

The reward model's benchmarks draw from them: features of a real model are what the head has to
learn from, and sampling them anew for each run would take minutes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from inference.contracts import ChatMessage
from inference.tokenizer import ChatTokenizer
from learning.evaluation import bank
from learning.policy import backbone
from learning.policy.trainer import TokenIds
from learning.reward.features import Answer, Extractor
from tests.benchmarks.report import ROOT
from tests.inference.conftest import MODEL

FILE = ROOT / ".danas" / "bench" / "pool.npz"
SYSTEM_TEXT = "You are Danas, a helpful personal assistant."
TEMPERATURES = (0.2, 1.0)
SAMPLES = 4
MAX_TOKENS = 64
AT_ONCE = 8
PROMPTS = (
    "What is a good breakfast?",
    "How do I make tea?",
    "List three things to pack for a beach trip.",
    "Tell me about your favourite season.",
    "How many days are in a leap year?",
    "Explain why the sky is blue in one sentence.",
    "Give me five ideas for a birthday present.",
    "I feel tired today.",
    "What should I cook tonight?",
    "Write a short greeting for a friend.",
    "How do I learn to swim?",
    "Name some animals that live in the desert.",
    "What is two plus three?",
    "When did people first land on the moon?",
    "Can you help me plan my weekend?",
    "Write two lines of a poem about rain.",
    "What are the steps to plant a tree?",
    "Who are you?",
    "I just got a new job!",
    "What is the capital of Italy?",
    "How can I sleep better?",
    "Give me a recipe for pancakes.",
    "What do you think about books?",
    "Describe a quiet morning.",
    "How far is the moon from the earth?",
    "Suggest a name for my cat.",
    "Which exercises can I do at home?",
    "Tell me a joke.",
    "My bicycle has a flat tyre. What now?",
    "What is photosynthesis?",
    "Write a short thank-you note.",
    "How long should I boil an egg?",
    "What can I do on a rainy day?",
    "Give me tips for a job interview.",
    "I am learning the guitar.",
    "What are the primary colours?",
    "How do I say sorry to a friend?",
    "What happened in 1969?",
    "Recommend a hobby for winter.",
    "Ask me something about my day.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Answers with what the reward head sees of them. `prompts` says which prompt each answers."""

    texts: tuple[str, ...]
    prompts: ndarray
    lengths: ndarray
    features: ndarray


def load() -> Pool:
    """From the file; made first where there is none, which takes some minutes."""
    if not FILE.exists():
        _make()
    with np.load(FILE, allow_pickle=False) as kept:
        return Pool(
            tuple(kept["texts"].tolist()), kept["prompts"], kept["lengths"], kept["features"]
        )


# What simulated people may like; each splits the pool more or less in halves.
ATTRIBUTES: dict[str, Callable[[str, int], bool]] = {
    "at most 40 tokens": lambda text, tokens: tokens <= 40,
    "a list": lambda text, tokens: bool(re.search(r"^\s*(\d+[.)]|[-*•])\s", text, re.MULTILINE)),
    "ends with a question": lambda text, tokens: text.rstrip().endswith("?"),
    "contains digits": lambda text, tokens: bool(re.search(r"\d", text)),
    "first person": lambda text, tokens: bool(re.search(r"\b(I|I'm|I'll|my|me)\b", text)),
    "an exclamation": lambda text, tokens: "!" in text,
}


def having(pool: Pool, attribute: str) -> ndarray:
    """Which answers have an attribute."""
    has = ATTRIBUTES[attribute]
    pairs = zip(pool.texts, pool.lengths, strict=True)
    return np.array([has(text, int(tokens)) for text, tokens in pairs])


def _make() -> None:
    """Sampling goes on where an earlier run was stopped: each batch has a file of its own."""
    disable_progress_bar()
    # The learner's own model computes features, but is not made for sampling.
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.bfloat16)
    tokenizer = ChatTokenizer.from_folder(MODEL)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    asked = [_prompt_ids(tokenizer, prompt) for prompt in PROMPTS]
    answers: list[Answer] = []
    prompts: list[int] = []
    for start in range(0, len(PROMPTS), AT_ONCE):
        some = range(start, min(start + AT_ONCE, len(PROMPTS)))
        for temperature in TEMPERATURES:
            batch = FILE.with_name(f"pool-{start}-{temperature}.json")
            if not batch.exists():
                print(f"Sampling answers to prompts {start + 1} to {some.stop} at {temperature} …")
                torch.manual_seed(start)
                sampled = _sample(model, tokenizer, [asked[n] for n in some], temperature)
                batch.write_text(json.dumps(sampled))
            tokens = [tuple(row) for row in json.loads(batch.read_text())]
            which = [number for number in some for _ in range(SAMPLES)]
            prompts += which
            answers += [(asked[n], answer) for n, answer in zip(which, tokens, strict=True)]
    print("Computing their features …")
    fitted_on = [
        (_prompt_ids(tokenizer, item.prompt), tuple(tokenizer.encode(opening)))
        for item in bank.load()
        for opening in item.openings()
    ]
    extract = Extractor.for_model(backbone.load(MODEL), MODEL, fitted_on, FILE.parent)
    partial = FILE.with_suffix(".partial.npz")
    np.savez(
        partial,
        texts=np.array([tokenizer.decode(answer) for _, answer in answers]),
        prompts=np.array(prompts),
        lengths=np.array([len(answer) for _, answer in answers]),
        features=extract(answers),
    )
    partial.rename(FILE)
    for batch in FILE.parent.glob("pool-*.json"):
        batch.unlink()


@torch.no_grad()
def _sample(
    model: PreTrainedModel,
    tokenizer: ChatTokenizer,
    prompts: Sequence[TokenIds],
    temperature: float,
) -> list[TokenIds]:
    """`SAMPLES` answers to each prompt, one prompt's after the other's."""
    longest = max(map(len, prompts))
    end = min(tokenizer.end_ids)
    ids = torch.tensor([[end] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    made = model.generate(
        ids,
        attention_mask=mask,
        do_sample=True,
        temperature=temperature,
        top_p=0.9,
        num_return_sequences=SAMPLES,
        max_new_tokens=MAX_TOKENS,
        pad_token_id=end,
    )
    return [_as_far_as_its_end(row, tokenizer.end_ids) for row in made[:, longest:].tolist()]


def _prompt_ids(tokenizer: ChatTokenizer, question: str) -> TokenIds:
    messages = [ChatMessage("system", SYSTEM_TEXT), ChatMessage("user", question)]
    return tuple(tokenizer.prompt_ids(messages))


def _as_far_as_its_end(tokens: list[int], ends: frozenset[int]) -> TokenIds:
    stop = next((place for place, token in enumerate(tokens) if token in ends), None)
    return tuple(tokens if stop is None else tokens[: stop + 1])
