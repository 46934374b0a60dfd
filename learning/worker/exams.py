"""What people have handed in for an exam: their corrections, and prompts that nobody trains on."""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest

from learning.config import GateConfig
from learning.contracts import FeedbackKind
from learning.evaluation.exam import Contest, Exam, OwnPrompt, exam
from learning.evaluation.held_out import is_held_out
from learning.models import Answer, Judgement, Participant
from learning.policy.trainer import TokenIds
from learning.reward import length
from learning.worker import rewards
from learning.worker.loaded import Workshop
from learning.worker.prompts import prompt_of, readable
from learning.worker.words import Words

# How far back prompts are looked up; a tenth of them is held out.
PROMPTS = 1024


def exam_for(workshop: Workshop, person: int | None) -> Exam:
    """For everybody's policy, or for a `person`'s own.

    The reward is the newest head's, which may know what was judged while the update was training.
    """
    rewards_of, _ = rewards.rewarder(workshop.extractor, workshop.tokenizer.end_ids, person)
    wish = length.supported(rewards.contrasts(person), rewards.CONFIG)
    return exam(
        Words(workshop),
        rewards_of,
        workshop.gates,
        corrections=corrections(workshop, person),
        held_out=held_out_prompts(workshop.gates, person),
        length_wish=wish.slope / wish.sd,
    )


def corrections(workshop: Workshop, person: int | None) -> list[Contest]:
    """Corrections that were learned from, the newest first; for a policy of their own, theirs."""
    rows = Judgement.objects.filter(
        kind=FeedbackKind.CORRECTION, use=Judgement.Use.LEARNED, revoked_at=None
    )
    if person is not None:
        rows = rows.filter(person=person)
    newest = rows.select_related("answer").order_by("-pk")[: 4 * workshop.gates.corrections]
    return [
        Contest(prompt, (workshop.answer_ids(row.text), original))
        for row in newest
        if len(prompt := prompt_of(row.answer)) <= workshop.gates.max_prompt_tokens
        and (original := tuple(row.answer.response_token_ids))
    ]


def held_out_prompts(config: GateConfig, person: int | None) -> list[OwnPrompt]:
    """Different prompts that no update trains on, the newest first, people taking turns.

    Nobody's answers are learned from who is held out as a person, so all their prompts will do.
    """
    rows = Answer.objects.filter(is_dictated=False)
    if person is not None:
        rows = rows.filter(person=person)
    standing = dict(Participant.objects.values_list("person", "is_held_out"))
    left_out = set(Participant.objects.exclude(left_out_at=None).values_list("person", flat=True))
    by_person: defaultdict[int, dict[TokenIds, None]] = defaultdict(dict)
    for answer, prompt in readable(rows.order_by("-created_at")[:PROMPTS]):
        owner = answer.person
        if len(prompt) > config.max_prompt_tokens or owner in left_out:
            continue
        if standing.get(owner) or is_held_out(prompt):
            by_person[owner][prompt] = None
    turns = zip_longest(*([OwnPrompt(p, who) for p in own] for who, own in by_person.items()))
    return [own for turn in turns for own in turn if own is not None][: config.held_out]
