"""What an update learns from: prompts to sample answers to, answers as they were judged, words.

People who are held out or left out appear in none of it, nor do prompts that said what to answer.
A person's own update is made from what that person asked and said, whoever else may hear of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from django.db.models import QuerySet

from learning import readiness
from learning.config import UpdateConfig
from learning.contracts import FeedbackKind
from learning.errors import NothingToLearnFrom, PicturesMissing
from learning.evaluation.held_out import is_held_out
from learning.models import Answer, Judgement, Participant
from learning.policy.hindsight import Correction, Hint, Lessons
from learning.policy.kto import Judged
from learning.policy.trainer import TokenIds
from learning.worker.loaded import Workshop
from learning.worker.prompts import prompt_of

# How far back the newest answers and the judged ones before them are looked up.
FRESH, OLDER = 64, 512
# How many words and corrections, newest first, are learned from.
LESSONS = 256
REMINDER = "{words}\nPlease answer my message before this one again, with that in mind."


def telling_judgements(person: int | None = None) -> list[Judgement]:
    """Those that the reward head, or this person's own part of it, has learned from.

    Raises:
        NothingToLearnFrom: there is none.
    """
    judgements = list(_judgements(person))
    if not judgements:
        raise NothingToLearnFrom(
            "There is nothing to learn from yet: nobody who allows training has judged an answer."
        )
    return judgements


def prompts_for(
    config: UpdateConfig,
    bank: Sequence[TokenIds],
    person: int | None = None,
    read: Callable[[Answer], TokenIds] = prompt_of,
) -> Callable[[int], list[TokenIds]]:
    """The prompts of each step: newest, older judged ones and the bank's, none twice in a step.

    Where people's prompts are too few, the bank's fill the batch. `read` makes an answer's prompt.

    Raises:
        NothingToLearnFrom: no consenting person's prompt is short enough.
    """
    answers = _answers(person).order_by("-created_at")
    fresh = _fitting(answers[:FRESH], config, read)
    judged = answers.filter(judgements__revoked_at=None, judgements__isnull=False)
    older = _fitting(judged.distinct()[:OLDER], config, read)
    if not fresh and not older:
        raise NothingToLearnFrom(
            "There is nothing to learn from yet: no prompt of a person who allows training has "
            f"at most {config.max_prompt_tokens} tokens."
        )

    def prompts(step: int) -> list[TokenIds]:
        draw = random.Random(f"{config.seed} {step}")
        own = config.prompts - round(config.prompts * config.bank_share)
        newest = _some(fresh, min(own, round(config.prompts * config.fresh_share)), draw)
        rest = [prompt for prompt in dict.fromkeys(older + fresh) if prompt not in newest]
        chosen = newest + _some(rest, own - len(newest), draw)
        return chosen + _some(bank, config.prompts - len(chosen), draw)

    return prompts


def judged_examples(
    config: UpdateConfig, answer_ids: Callable[[str], TokenIds], person: int | None = None
) -> list[Judged]:
    """Answers as they were judged, and those that people wrote, for `learning.policy.kto`.

    `answer_ids` makes tokens of a text. Answers are read as far as `max_judged_tokens`.
    """
    examples = [
        Judged(prompt_of(judgement.answer), response, is_liked, weight)
        for judgement in _judgements(person).select_related("answer", "over", "experience")
        for response, is_liked in _sides(judgement, answer_ids)
        if (weight := 1.0 if judgement.weight is None else judgement.weight) > 0
    ]
    return [
        Judged(each.prompt, each.response[: config.max_judged_tokens], each.is_liked, each.weight)
        for each in examples
        if each.response and _is_usable(each.prompt, config)
    ]


def lessons(config: UpdateConfig, workshop: Workshop, person: int | None = None) -> Lessons:
    """Words and corrections for `learning.policy.hindsight`, none where they are switched off.

    What everybody's policy is to say word for word was reviewed; a person's own adapter takes their
    corrections as they are.
    """
    if not config.hindsight_share:
        return Lessons()
    newest = _judgements(person).select_related("answer", "experience").order_by("-pk")[:LESSONS]
    # What is said after a chat with pictures or tools can't be put to the engine as tokens.
    rows = [
        row
        for row in newest
        if row.answer.chat is None and _is_usable(tuple(row.answer.prompt_token_ids), config)
    ]
    return Lessons(
        tuple(_hint(row, workshop) for row in rows if _words(row)),
        tuple(
            Correction(
                prompt_of(row.answer),
                tuple(row.answer.response_token_ids),
                workshop.answer_ids(text)[: config.max_judged_tokens],
            )
            for row in rows
            if (text := _corrected(row)) and (person is not None or _is_reviewed(row))
        ),
    )


def _sides(
    judgement: Judgement, answer_ids: Callable[[str], TokenIds]
) -> Iterable[tuple[TokenIds, bool]]:
    """The answers that a judgement speaks of, and whether it likes them."""
    answer = tuple(judgement.answer.response_token_ids)
    if text := _corrected(judgement):
        yield answer_ids(text), True
        yield answer, False
    elif judgement.kind == FeedbackKind.UP:
        yield answer, True
    elif judgement.kind == FeedbackKind.DOWN:
        yield answer, False
    elif judgement.kind == FeedbackKind.PREFERENCE and judgement.over is not None:
        yield answer, True
        yield tuple(judgement.over.response_token_ids), False


def _corrected(judgement: Judgement) -> str:
    """The answer that a reviewer wrote, else the person's own; empty without either."""
    if _is_reviewed(judgement) and judgement.experience.text:
        return judgement.experience.text
    return judgement.text if judgement.kind == FeedbackKind.CORRECTION else ""


def _is_reviewed(judgement: Judgement) -> bool:
    return hasattr(judgement, "experience")


def _hint(judgement: Judgement, workshop: Workshop) -> Hint:
    """Told: the answer that the person got, what they said to it, and a request to answer again."""
    prompt = prompt_of(judgement.answer)
    reminder = REMINDER.format(words=_words(judgement))
    return Hint(
        prompt, workshop.continued(prompt, tuple(judgement.answer.response_token_ids), reminder)
    )


def _words(judgement: Judgement) -> str:
    """What was said beside a judgement; a correction's text is an answer, not words about one."""
    text = "" if judgement.kind == FeedbackKind.CORRECTION else judgement.text.strip()
    return ", ".join([*judgement.tags, *([text] if text else [])])


def _judgements(person: int | None) -> QuerySet[Judgement]:
    judgements = readiness.own_judgements()
    return judgements if person is None else judgements.filter(person=person)


def _answers(person: int | None) -> QuerySet[Answer]:
    answers = Answer.objects.filter(is_dictated=False)
    if person is not None:
        return answers.filter(person=person)
    participants = Participant.objects.all()
    silent = participants.filter(is_held_out=True) | participants.exclude(left_out_at=None)
    return answers.exclude(person__in=silent.values("person"))


def _fitting(
    answers: Iterable[Answer], config: UpdateConfig, read: Callable[[Answer], TokenIds]
) -> list[TokenIds]:
    """Different prompts of these answers, the newest first, as far as they may be trained on."""
    prompts = dict.fromkeys(_readable(answers, read))
    return [prompt for prompt in prompts if _is_usable(prompt, config)]


def _readable(answers: Iterable[Answer], read: Callable[[Answer], TokenIds]) -> Iterator[TokenIds]:
    """Without those whose pictures are gone."""
    for answer in answers:
        with suppress(PicturesMissing):
            yield read(answer)


def _is_usable(prompt: TokenIds, config: UpdateConfig) -> bool:
    return len(prompt) <= config.max_prompt_tokens and not is_held_out(prompt)


def _some(prompts: Sequence[TokenIds], count: int, draw: random.Random) -> list[TokenIds]:
    return draw.sample(prompts, min(count, len(prompts)))
