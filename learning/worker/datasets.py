"""Which prompts an update samples answers to: logged ones of consenting people, and our own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from learning.config import UpdateConfig
from learning.contracts import FeedbackKind
from learning.errors import NothingToLearnFrom
from learning.models import Answer, Judgement
from learning.policy.trainer import TokenIds

# How far back the newest answers and the judged ones before them are looked up.
FRESH, OLDER = 64, 512


def telling_judgements() -> list[Judgement]:
    """Those that the reward head contains and that say something to it.

    Raises:
        NothingToLearnFrom: there is none.
    """
    judgements = list(
        Judgement.objects.filter(revoked_at=None)
        .exclude(version=None)
        .exclude(kind=FeedbackKind.COMMENT)
    )
    if not judgements:
        raise NothingToLearnFrom(
            "There is nothing to learn from yet: nobody who allows training has judged an answer."
        )
    return judgements


def prompts_for(config: UpdateConfig, bank: Sequence[TokenIds]) -> Callable[[int], list[TokenIds]]:
    """The prompts of each step: newest, older judged ones and the bank's, none twice in a step.

    Where people's prompts are too few, the bank's fill the batch.

    Raises:
        NothingToLearnFrom: no consenting person's prompt is short enough.
    """
    fresh = _fitting(Answer.objects.order_by("-created_at")[:FRESH], config)
    judged = Answer.objects.filter(judgements__revoked_at=None, judgements__isnull=False)
    older = _fitting(judged.order_by("-created_at").distinct()[:OLDER], config)
    if not fresh and not older:
        raise NothingToLearnFrom(
            "There is nothing to learn from yet: no prompt of a person who allows training has "
            f"at most {config.max_prompt_tokens} tokens."
        )

    def prompts(step: int) -> list[TokenIds]:
        draw = random.Random(f"{config.seed} {step}")
        own = config.prompts - round(config.prompts * config.bank_share)
        newest = _some(fresh, round(own * config.fresh_share), draw)
        rest = [prompt for prompt in dict.fromkeys(older + fresh) if prompt not in newest]
        chosen = newest + _some(rest, own - len(newest), draw)
        return chosen + _some(bank, config.prompts - len(chosen), draw)

    return prompts


def _fitting(answers, config: UpdateConfig) -> list[TokenIds]:  # type: ignore[no-untyped-def]
    """Different prompts of these answers, the newest first, without those that are too long."""
    prompts = dict.fromkeys(tuple(answer.prompt_token_ids) for answer in answers)
    return [prompt for prompt in prompts if len(prompt) <= config.max_prompt_tokens]


def _some(prompts: Sequence[TokenIds], count: int, draw: random.Random) -> list[TokenIds]:
    return draw.sample(prompts, min(count, len(prompts)))
