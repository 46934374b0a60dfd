"""From a version to the feedback in it, and from the feedback to the version."""

import hashlib
from uuid import UUID

import pytest
from django.utils import timezone

from inference import registry
from learning import intake, ledger, lineage
from learning.ledger import Kind
from learning.models import Judgement, Participant, Update, UpdateJudgement

from . import rows

pytestmark = pytest.mark.django_db


def trained_on(feedback, *, parent=None, digest="ab" * 32, reward_version=12):
    """A version as the learner leaves it: rows, manifest and the ledger's entry."""
    update = Update.objects.create(
        requested_by="rho", state=Update.State.LIVE, reward_version=reward_version
    )
    version = registry.stage("/adapters/x", digest, parent or registry.base(), {})
    registry.accept(version)
    Update.objects.filter(pk=update.pk).update(policy=version.name)
    for judgement in Judgement.objects.filter(feedback__in=feedback):
        UpdateJudgement.objects.create(update=update, judgement=judgement)
    ledger.record(
        Kind.TRAINED,
        version.name,
        {
            "update": str(update.pk),
            "digest": version.digest,
            "parent": version.parent.name,
            "reward_version": reward_version,
            "judgements": len(feedback),
            "judgements_digest": lineage.judgements_digest(feedback),
        },
    )
    return version


def judged(count):
    return [rows.judged(rows.remembered(n)) for n in range(count)]


def test_the_digest_is_that_of_the_sorted_ids_one_a_line():
    one, two = UUID(int=1), UUID(int=2)
    lines = b"00000000-0000-0000-0000-000000000001\n00000000-0000-0000-0000-000000000002"

    assert lineage.judgements_digest([two, one]) == hashlib.sha256(lines).hexdigest()


def test_a_version_leads_to_its_feedback_and_the_feedback_back_to_it():
    used, unused = judged(3), judged(2)
    version = trained_on(used)

    found = lineage.of(version)

    assert {each.feedback for each in found.judgements} == set(used)
    assert found.update.reward_version == 12
    assert (found.trained_on, found.gone, found.digest_holds) == (3, 0, True)
    (entry,) = found.entries
    assert entry.body["judgements_digest"] == lineage.judgements_digest(used)
    back = lineage.descents([*used, *unused])
    assert set(back) == set(used)
    assert {descent.version for each in back.values() for descent in each} == {version}


def test_feedback_that_was_put_in_afterwards_breaks_the_digest():
    version = trained_on(judged(2))
    extra = Judgement.objects.get(feedback=rows.judged(rows.remembered(7)))
    UpdateJudgement.objects.create(update=lineage.of(version).update, judgement=extra)

    assert lineage.of(version).digest_holds is False


def test_feedback_that_was_exchanged_breaks_the_digest():
    version = trained_on(judged(2))
    other = rows.judged(rows.remembered(7))
    UpdateJudgement.objects.filter(pk=UpdateJudgement.objects.first().pk).update(
        judgement=Judgement.objects.get(feedback=other)
    )

    assert lineage.of(version).digest_holds is False


def test_what_was_deleted_since_is_counted_and_nothing_is_claimed_of_the_digest():
    used = judged(3)
    version = trained_on(used)
    intake.forget_answer(Judgement.objects.get(feedback=used[0]).answer_id)

    found = lineage.of(version)

    assert (found.trained_on, found.gone, found.digest_holds) == (3, 1, None)
    assert ledger.check().holds


def test_what_was_taken_back_or_left_out_since_still_counts_as_trained_on():
    used = judged(3)
    bens = rows.judged(rows.remembered(8, person=rows.BEN), person=rows.BEN)
    Participant.objects.update_or_create(
        person=rows.BEN, defaults={"number": 2, "left_out_at": timezone.now()}
    )
    version = trained_on([*used, bens])
    intake.revoke(used[0])

    found = lineage.of(version)

    assert (found.trained_on, found.taken_back, found.left_out) == (4, 1, 1)
    assert found.digest_holds is True


def test_the_base_was_made_of_nothing():
    found = lineage.of(registry.base())

    assert (found.update, found.judgements, found.entries) == (None, [], [])
    assert found.digest_holds is None


def test_a_live_version_has_what_those_before_it_learned():
    early, late = judged(1), judged(1)
    first = trained_on(early)
    second = trained_on(late, parent=first, digest="cd" * 32)
    registry.activate(second.name, by="schedule")

    back = lineage.descents([*early, *late])

    assert back[early[0]] == [lineage.Descent(first, is_live=False, is_in_live=True)]
    assert back[late[0]] == [lineage.Descent(second, is_live=True, is_in_live=True)]


def test_feedback_used_twice_leads_to_both_versions_newest_first():
    used = judged(1)
    first = trained_on(used)
    second = trained_on(used, parent=first, digest="cd" * 32)

    assert [each.version for each in lineage.descents(used)[used[0]]] == [second, first]
    assert lineage.trained_on_participant(rows.ADA) == [second.name, first.name]
    assert lineage.trained_on_participant(rows.BEN) == []
