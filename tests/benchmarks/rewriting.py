"""Does a model that words blocks anew keep more of what is asked than leaving sentences out?

Dialogues of our own making, and any file in LoCoMo's format (`DANAS_DIALOGUES`), go through a
window once for each way of refilling. In the scorer's place stand labels with noise (AUC .86), the
same for each way, so that the refill alone differs. What is measured at the end: of the answers'
words that their evidence says, the share that is still in what is left of it.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from inference.diffusion import Action, Block, Window, admit, diffuse, to_messages, with_needs
from inference.diffusion.guard import accepted, objections
from inference.diffusion.rewrite import order, plan, whole_sentences
from inference.diffusion.sentences import sentences
from inference.tokenizer import ChatTokenizer
from learning.memory import locomo
from learning.memory.dialogue import Dialogue, Question
from learning.memory.dialogues import dialogue
from tests.benchmarks.simulated import say
from tests.system.stack import MODEL

Row = dict[str, Any]
BUDGETS = (2048, 4096)
SEEDS = (901,)
# A sentence that is asked about and one that is not differ by so many deviations: AUC .86.
SEPARATION = 1.5
PRIOR_LOG_ODDS = -2.0
BATCH = 8
SPEAKERS = ("user", "assistant")


@dataclass
class Model:
    """Words blocks anew, and counts what became of it."""

    policy: PreTrainedModel
    tokenizer: ChatTokenizer
    fates: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    taken: int = 0

    def __call__(self, window: Window, budgets: Mapping[int, int]) -> dict[int, str]:
        began = time.monotonic()
        texts: dict[int, str] = {}
        items = list(budgets.items())
        for start in range(0, len(items), BATCH):
            texts |= self._batch(window, dict(items[start : start + BATCH]))
        self.seconds += time.monotonic() - began
        for block in window.blocks:
            if block.id in texts:
                self.fates[self._fate(block, texts[block.id], budgets[block.id])] += 1
        return texts

    def _fate(self, block: Block, text: str, budget: int) -> str:
        """What the guard says; of what passes, the loop still takes only what is worth more."""
        if accepted(block, text, budget, self.tokenizer):
            return "passed"
        return next(objections(block, text.strip()), "too long")

    @torch.no_grad()
    def _batch(self, window: Window, budgets: Mapping[int, int]) -> dict[int, str]:
        prompts = [
            self.tokenizer.prompt_ids(order(window, block, budget))
            for block, budget in budgets.items()
        ]
        longest = max(map(len, prompts))
        ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
        seen = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
        out = self.policy.generate(
            input_ids=ids,
            attention_mask=seen,
            max_new_tokens=max(budgets.values()),
            do_sample=False,
            pad_token_id=0,
        )
        texts = {}
        for (block, budget), sampled in zip(budgets.items(), out[:, longest:], strict=True):
            tokens = sampled.tolist()
            end = next((i for i, t in enumerate(tokens) if t in self.tokenizer.end_ids), None)
            text = self.tokenizer.decode(tokens[: min(budget, end or budget)])
            is_whole = end is not None and end <= budget
            texts[block] = text if is_whole else whole_sentences(text)
        return texts


def run() -> list[tuple[str, list[Row]]]:
    torch.set_num_threads(1)
    policy = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.bfloat16)
    tokenizer = ChatTokenizer.from_folder(MODEL)
    rows = [
        row
        for talk in _dialogues()
        for limit in BUDGETS
        for row in _rows(talk, limit, policy, tokenizer)
    ]
    return [("Rewriting: answer words left in their evidence, by way of refilling", rows)]


def _dialogues() -> Iterator[Dialogue]:
    yield from (dialogue(seed) for seed in SEEDS)
    if path := os.environ.get("DANAS_DIALOGUES"):
        yield from locomo.read(Path(path))[: len(SEEDS)]


def _rows(
    talk: Dialogue, limit: int, policy: PreTrainedModel, tokenizer: ChatTokenizer
) -> Iterator[Row]:
    model = Model(policy.eval(), tokenizer)
    ways: list[tuple[str, bool, Model | None]] = [
        ("choice", True, None),
        ("extract", False, None),
        ("rewrite", False, model),
    ]
    for way, is_whole, rewriter in ways:
        window = through(talk, limit, tokenizer, rewriter, is_whole)
        row: Row = {"dialogue": talk.name, "budget": limit, "way": way, **measured(talk, window)}
        if rewriter is model:
            asked = max(1, model.fates.total())
            row |= {"asked": model.fates.total(), "passed": model.fates["passed"]}
            row |= {"taken": model.taken}
            row |= {"ms each": round(1000 * model.seconds / asked)}
            say(f"{talk.name}, {limit}: {dict(model.fates.most_common())}")
        say(str(row))
        yield row


def through(
    talk: Dialogue,
    limit: int,
    tokenizer: ChatTokenizer,
    rewriter: Model | None,
    is_whole: bool,
) -> Window:
    """The window at the end of a dialogue."""
    chance, evidence = random.Random(talk.name), _evidence(talk)
    roles = dict(zip(dict.fromkeys(turn.speaker for turn in talk.turns), SPEAKERS, strict=False))
    window = Window("You are Danas.")
    for turn in talk.turns:
        known = len(window.blocks)
        window = admit(window, turn.id, roles[turn.speaker], turn.shown, tokenizer)
        window = with_needs(
            window,
            {
                block.id: [
                    _read(_is_asked(sentence, evidence.get(turn.id)), chance)
                    for sentence in sentences(block.text)
                ]
                for block in window.blocks[known:]
            },
        )
        if len(tokenizer.prompt_ids(to_messages(window))) > limit:
            budgets = plan(window, limit, tokenizer) if rewriter else {}
            texts = rewriter(window, budgets) if rewriter else {}
            done = diffuse(window, limit, tokenizer, rewritten=texts, whole=is_whole)
            window = done.window
            if rewriter:
                rewriter.taken += sum(c.action == Action.REWRITTEN for c in done.changes)
    return window


def _evidence(talk: Dialogue) -> dict[str, list[str]]:
    quotes: dict[str, list[str]] = {}
    for question in talk.questions:
        for turn in question.evidence:
            quotes.setdefault(turn, []).append(question.quote)
    return quotes


def _is_asked(sentence: str, quotes: list[str] | None) -> bool:
    return any(not quote or sentence.strip() in quote for quote in quotes or ())


def _read(is_asked: bool, chance: random.Random) -> float:
    seen = chance.gauss(SEPARATION if is_asked else 0.0, 1.0)
    return PRIOR_LOG_ODDS + SEPARATION * seen - SEPARATION**2 / 2


def measured(talk: Dialogue, window: Window) -> Row:
    said = {turn.id: turn.shown for turn in talk.turns}
    left: dict[str, str] = {}
    for block in window.blocks:
        left[block.message] = f"{left.get(block.message, '')} {block.text}"
    shares = [
        share for each in talk.questions if (share := _share_left(each, said, left)) is not None
    ]
    return {
        "answer words": round(fmean(shares), 3),
        "blocks": len(window.blocks),
        "questions": len(shares),
    }


def _share_left(
    question: Question, said: Mapping[str, str], left: Mapping[str, str]
) -> float | None:
    """Of the answer's words in its evidence those that are left there; None if there were none."""
    there = _words(" ".join(said[turn] for turn in question.evidence))
    wanted = _words(question.answer) & there
    if not wanted:
        return None
    still = _words(" ".join(left.get(turn, "") for turn in question.evidence))
    return len(wanted & still) / len(wanted)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - {"a", "an", "the", "of", "and", "to", "in"}
