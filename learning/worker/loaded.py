"""What a worker process loads once, when its first task needs it, and keeps.

A model is seconds and gigabytes: hence one per process, and none at import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import torch
from django.conf import settings
from transformers import PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from inference.contracts import ChatMessage
from inference.diffusion import Block
from inference.tokenizer import ChatTokenizer
from learning.config import GateConfig, UpdateConfig
from learning.evaluation import bank
from learning.memory import probe, shipped
from learning.memory.held_out import Described, held_out
from learning.memory.probe import Probe
from learning.policy import backbone
from learning.policy.trainer import TokenIds
from learning.reward.dictation import is_dictated
from learning.reward.features import Extractor

# A base model of more parameters is trained with the hyperparameters for billions.
LARGE = 1_000_000_000
# What a policy learned under one system text it must not have unlearned under others.
FOREIGN_SYSTEM_TEXT = "You are a helpful assistant."
# Models said to have 4B parameters have a little less. Smaller ones do not learn from words.
HINDSIGHT_FROM = 3_500_000_000


@dataclass(frozen=True)
class Workshop:
    """The base model, its tokenizer, and features of answers. Each part is loaded when needed.

    `cache` is where the projection of the features is kept.
    """

    folder: Path
    cache: Path
    system_text: str
    steps: int
    overrides: Mapping[str, object] = field(default_factory=dict)
    gates: GateConfig = field(default_factory=GateConfig)

    @cached_property
    def tokenizer(self) -> ChatTokenizer:
        return ChatTokenizer.from_folder(self.folder)

    @cached_property
    def base(self) -> PreTrainedModel:
        keep_to_share_of_gpu(settings.GPU_LEARNER_MEMORY)
        disable_progress_bar()
        return backbone.load(self.folder)

    @cached_property
    def extractor(self) -> Extractor:
        """Its projection is fitted on the bank, the first time ever."""
        fitted_on = [
            (self.prompt_ids(item.prompt), self.answer_ids(opening))
            for item in bank.load()
            for opening in item.openings()
        ]
        return Extractor.for_model(self.base, self.folder, fitted_on, self.cache)

    @cached_property
    def probe(self) -> Probe | None:
        """What reads memory, made for this base model and not learned from use; None before
        somebody made one."""
        return shipped.probe(self.folder, self.cache)

    @cached_property
    def yardstick(self) -> Described:
        """What every new probe is measured by; read the first time ever."""
        return held_out(self.base, self.tokenizer, self.folder, self.cache)

    def read(self, by: Probe, blocks: Sequence[Block], unread: set[int]) -> dict[int, list[float]]:
        """The log-odds of every sentence in the blocks with these ids."""
        return probe.read(by, self.base, blocks, unread, self.tokenizer.encode)

    @cached_property
    def hyperparameters(self) -> UpdateConfig:
        """For this size of model, with what the owner wants otherwise."""
        parameters = sum(parameter.numel() for parameter in self.base.parameters())
        config = UpdateConfig.for_billions() if parameters > LARGE else UpdateConfig()
        config = config.changed(**{"steps": self.steps, **self.overrides})
        if parameters < HINDSIGHT_FROM:
            config = config.changed(hindsight_share=0.0, correction_weight=0.0)
        return config

    def prompt_ids(self, question: str) -> TokenIds:
        """A question as the first message of a chat with Danas."""
        return self._first_prompt(self.system_text, question)

    def foreign_prompt_ids(self, question: str) -> TokenIds:
        """A question as a program asks it that instructs Danas in its own way."""
        return self._first_prompt(FOREIGN_SYSTEM_TEXT, question)

    def _first_prompt(self, system_text: str, question: str) -> TokenIds:
        messages = [ChatMessage("system", system_text), ChatMessage("user", question)]
        return tuple(self.tokenizer.prompt_ids(messages))

    def continued(self, prompt: TokenIds, answer: TokenIds, message: str) -> TokenIds:
        """A prompt with its answer and the person's next message: the prompt for another answer."""
        chat = [ChatMessage("user", "1"), ChatMessage("assistant", "2")]
        start = self.tokenizer.render([*chat, ChatMessage("user", "3")]).rindex("2") + 1
        rendered = self.tokenizer.render([*chat, ChatMessage("user", message)])
        said = answer[:-1] if answer[-1:] and answer[-1] in self.tokenizer.end_ids else answer
        return (*prompt, *said, *self.tokenizer.encode(rendered[start:]))

    def answer_ids(self, text: str) -> TokenIds:
        """A whole answer as the policy would have to sample it, its end included."""
        return (*self.tokenizer.encode(text), *sorted(self.tokenizer.end_ids)[-1:])

    def is_dictated(self, prompt: TokenIds, answer: TokenIds) -> bool:
        """Whether an answer says only what the prompt's last message told it to say."""
        return is_dictated(
            self.tokenizer.decode(self._asked(prompt)), self.tokenizer.decode(answer)
        )

    def _asked(self, prompt: TokenIds) -> TokenIds:
        """The prompt from its last message on; all of it where the template puts nothing between
        an answer and the next message."""
        for start in range(len(prompt) - len(self._turn), 0, -1):
            if self._turn and prompt[start : start + len(self._turn)] == self._turn:
                return prompt[start + len(self._turn) :]
        return prompt

    @cached_property
    def _turn(self) -> TokenIds:
        """What the template puts between an answer and the message after it."""
        chat = [ChatMessage("user", "1"), ChatMessage("assistant", "2"), ChatMessage("user", "3")]
        rendered = self.tokenizer.render(chat)
        return tuple(
            self.tokenizer.encode(rendered[rendered.rindex("2") + 1 : rendered.rindex("3")])
        )


def keep_to_share_of_gpu(share: float) -> None:
    """On a card that an engine uses too: what is over this share is refused to this process."""
    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)


@cache
def workshop() -> Workshop:
    """This process's own."""
    return Workshop(
        settings.MODEL_PATH,
        settings.HOME.root / "reward",
        settings.SYSTEM_TEXT,
        settings.UPDATE_STEPS,
        settings.UPDATE_CONFIG,
    )
