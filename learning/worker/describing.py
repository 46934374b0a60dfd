"""Features of answers and of corrections, and whether an answer was dictated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from django.db.models import Q
from numpy import ndarray

from learning.config import RewardConfig
from learning.contracts import FeedbackKind
from learning.models import Answer, Judgement
from learning.policy.trainer import TokenIds
from learning.reward.features import Extract
from learning.worker.prompts import prompt_of, readable

ToTokens = Callable[[str], TokenIds]
IsDictated = Callable[[TokenIds, TokenIds], bool]
# Answers whose features are computed between two looks for judgements.
AT_ONCE = 4


def nothing_is_dictated(prompt: TokenIds, answer: TokenIds) -> bool:
    return False


def describe_next(extract: Extract, is_dictated: IsDictated) -> bool:
    """Compute features of the newest answers without any; says whether there were some."""
    answers = list(Answer.objects.filter(features=None).order_by("-created_at", "pk")[:AT_ONCE])
    if answers:
        _describe_answers(answers, extract, is_dictated)
    return bool(answers)


def describe(
    judgement: Judgement,
    extract: Extract,
    to_tokens: ToTokens,
    is_dictated: IsDictated,
    config: RewardConfig,
) -> None:
    """Make sure that the judgement's answers, and the text of a correction, have features."""
    answers = [judgement.answer, *([judgement.over] if judgement.over else [])]
    if bare := [answer for answer in answers if answer.features is None]:
        _describe_answers(bare, extract, is_dictated)
    if judgement.kind == FeedbackKind.CORRECTION and judgement.text_features is None:
        answer = Answer.objects.get(pk=judgement.answer_id)
        features = corrected(answer, to_tokens(judgement.text), extract, config)
        Judgement.objects.filter(pk=judgement.pk).update(text_features=features)


def corrected(answer: Answer, text: TokenIds, extract: Extract, config: RewardConfig) -> ndarray:
    """Features of the edited answer, at the length of the original.

    Where one is much longer than the other, both are cut to the shorter's length and what the edit
    changes is added to the original's features. An edit that only cuts an answer short then says
    nothing: how long answers should be is for thumbs and preferences to say, while somebody who
    rewrites a long answer in a line mostly saves themselves the typing.
    """
    prompt, original = prompt_of(answer), tuple(answer.response_token_ids)
    shorter, longer = sorted((len(text), len(original)))
    if longer <= config.matched_ratio * shorter:
        features: ndarray = extract([(prompt, text)])[0]
        return features
    edited, cut = extract([(prompt, text[:shorter]), (prompt, original[:shorter])])
    whole = np.asarray(answer.features, dtype=np.float32)
    matched: ndarray = whole + (edited - cut)
    return matched


def _describe_answers(answers: Sequence[Answer], extract: Extract, is_dictated: IsDictated) -> None:
    read = [(a, (prompt, tuple(a.response_token_ids))) for a, prompt in readable(answers)]
    if not read:
        return
    found = extract([pair for _, pair in read])
    for (answer, pair), features in zip(read, found, strict=True):
        Answer.objects.filter(Q(pk=answer.pk) & Q(features=None)).update(
            features=features, is_dictated=is_dictated(*pair)
        )
