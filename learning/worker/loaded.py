"""What a worker process loads once, when its first task needs it, and keeps.

The models are tens of seconds and gigabytes: hence one per process, and nothing at import.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings
from transformers import PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from inference.contracts import ChatMessage
from inference.tokenizer import ChatTokenizer
from learning.evaluation import bank
from learning.policy import backbone
from learning.policy.trainer import TokenIds
from learning.reward.features import Extractor


@cache
def tokenizer() -> ChatTokenizer:
    return ChatTokenizer.from_folder(settings.MODEL_PATH)


@cache
def base_model() -> PreTrainedModel:
    disable_progress_bar()
    return backbone.load(settings.MODEL_PATH)


@cache
def extractor() -> Extractor:
    """Features of answers; its projection is fitted on the bank the first time ever."""
    fitted_on = [
        (prompt_ids(item.prompt), answer_ids(opening))
        for item in bank.load()
        for opening in item.openings()
    ]
    return Extractor.for_model(
        base_model(), settings.MODEL_PATH, fitted_on, settings.HOME.root / "reward"
    )


def prompt_ids(question: str) -> TokenIds:
    """A question as the first message of a chat with Danas."""
    messages = [ChatMessage("system", settings.SYSTEM_TEXT), ChatMessage("user", question)]
    return tuple(tokenizer().prompt_ids(messages))


def answer_ids(text: str) -> TokenIds:
    """A whole answer as the policy would have to sample it, its end included."""
    return (*tokenizer().encode(text), *sorted(tokenizer().end_ids)[-1:])
