"""A workshop's tokenizer as exams ask for it; without tables, for benchmarks that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learning.policy.trainer import TokenIds

if TYPE_CHECKING:
    from learning.worker.loaded import Workshop


class Words:
    """`learning.evaluation.exam.Words` of a workshop."""

    def __init__(self, workshop: Workshop) -> None:
        self._tokenizer = workshop.tokenizer
        self.prompt_ids = workshop.prompt_ids
        self.foreign_prompt_ids = workshop.foreign_prompt_ids
        self.answer_ids = workshop.answer_ids
        self.end_ids = workshop.tokenizer.end_ids

    def encode(self, text: str) -> TokenIds:
        return tuple(self._tokenizer.encode(text))

    def decode(self, ids: TokenIds) -> str:
        return self._tokenizer.decode(ids)
