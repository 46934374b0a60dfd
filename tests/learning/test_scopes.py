"""A person's say in who answers them, and adapters of their own."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inference import registry, routing
from inference.errors import UnknownPolicy
from inference.models import PersonalAlias, PolicyChoice
from learning import intake, readiness, scopes
from learning.errors import NothingToLearnFrom
from learning.models import Alarm, Judgement, Participant, Update, UpdateJudgement

from .rows import ADA, BEN, judged, remembered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_are_enough(settings):
    settings.PERSONAL_EVENTS = 3


def ready(digest="ab" * 32, person=None):
    version = registry.stage(f"/x/{digest[:2]}", digest, registry.base(), {}, person)
    return registry.accept(version)


def own(person=ADA):
    version = ready("cd" * 32, person)
    registry.give_own(version)
    return version


def has_judged(person, count, start=0):
    """So many judgements that the reward worker has taken in."""
    feedback = [
        judged(remembered(start + number, person=person), person=person) for number in range(count)
    ]
    Judgement.objects.filter(feedback__in=feedback).update(version=1, use=Judgement.Use.LEARNED)
    return feedback


def trained(person, feedback, state=Update.State.LIVE):
    """An update that learned from these judgements."""
    update = Update.objects.create(
        requested_by="schedule", person=person, state=state, finished_at=timezone.now()
    )
    for row in Judgement.objects.filter(feedback__in=feedback):
        UpdateJudgement.objects.create(update=update, judgement=row)
    return update


def test_without_a_word_a_person_is_answered_like_everybody():
    shared = ready()
    registry.activate(shared.name, "test")

    found = scopes.standing(ADA)

    assert found == scopes.Standing("live", shared.name, None, 0, 3, [shared.name])


def test_an_adapter_of_ones_own_answers_until_one_chooses_otherwise():
    shared, hers = ready(), own()

    assert scopes.standing(ADA).choice == "personal"
    assert scopes.standing(ADA).answers == hers.name
    assert scopes.standing(BEN).versions == [shared.name]
    for choice, answers in [
        ("live", "base"),
        ("base", "base"),
        (shared.name, shared.name),
        ("personal", hers.name),
    ]:
        scopes.choose(ADA, choice)

        found = scopes.standing(ADA)
        assert (found.choice, found.answers, found.policy) == (choice, answers, hers.name)


def test_choosing_the_live_policy_follows_every_update():
    own()
    scopes.choose(ADA, "live")
    shared = ready()

    registry.activate(shared.name, "test")

    assert scopes.standing(ADA).answers == shared.name


def test_staying_at_a_version_does_not_follow():
    older, newer = ready("11" * 32), ready("22" * 32)
    scopes.choose(ADA, older.name)

    registry.activate(newer.name, "test")

    assert scopes.standing(ADA).answers == older.name
    assert scopes.standing(BEN).answers == newer.name


def test_a_personal_adapter_has_to_be_there_to_be_chosen():
    has_judged(ADA, 1)

    with pytest.raises(NothingToLearnFrom, match="takes 3 judgements; there are 1 so far"):
        scopes.choose(ADA, "personal")


def test_what_does_not_exist_or_is_somebody_elses_can_not_be_chosen():
    hers = own(ADA)

    for name in ("gpt-4", hers.name):
        with pytest.raises(UnknownPolicy):
            scopes.choose(BEN, name)
    assert not PolicyChoice.objects.exists()


def test_judgements_that_stand_and_were_taken_in_count():
    feedback = has_judged(ADA, 3)
    judged(remembered(9))
    intake.revoke(feedback[0])

    assert scopes.standing(ADA).judgements == 2
    assert (
        readiness.personal_refusal(ADA)
        == "An adapter of your own takes 3 judgements; there are 2 so far."
    )


def test_enough_judgements_are_no_reason_to_refuse():
    has_judged(ADA, 3)

    assert readiness.personal_refusal(ADA) == ""


def test_who_is_kept_aside_gets_no_adapter_and_is_told_why():
    has_judged(ADA, 3)
    Participant.objects.update_or_create(person=ADA, defaults={"number": 10, "is_held_out": True})

    assert "kept aside" in readiness.personal_refusal(ADA)


def test_a_frozen_training_makes_no_personal_adapters_either():
    has_judged(ADA, 3)
    Alarm.objects.create(kind=Alarm.Kind.DRIFT, sentence="Odd.", freezes_training=True)

    assert scopes.due_for_update() is None


def test_who_has_judged_most_since_their_last_update_is_next():
    hers = has_judged(ADA, 4)
    his = has_judged(BEN, 3, start=20)

    assert scopes.due_for_update() == ADA

    trained(ADA, hers)
    assert scopes.due_for_update() == BEN

    trained(BEN, his)
    assert scopes.due_for_update() is None

    has_judged(ADA, 2, start=40)
    assert scopes.due_for_update() is None

    has_judged(ADA, 1, start=50)
    assert scopes.due_for_update() == ADA


def test_an_update_for_everybody_leaves_judgements_to_the_personal_one():
    feedback = has_judged(ADA, 3)

    trained(None, feedback)

    assert scopes.due_for_update() == ADA


def test_after_a_failure_a_personal_update_waits_an_hour():
    failed = trained(ADA, has_judged(ADA, 3), Update.State.FAILED)
    assert scopes.due_for_update() is None

    failed.finished_at = timezone.now() - timedelta(minutes=61)
    failed.save()

    assert scopes.due_for_update() == ADA


def test_nobody_is_next_while_an_update_runs():
    has_judged(ADA, 3)
    Update.objects.create(requested_by="Ben", state=Update.State.GATING)

    assert scopes.due_for_update() is None


def test_forgetting_a_person_leaves_nothing_of_their_own_and_stops_what_makes_it():
    own(ADA), own_of_ben()
    scopes.choose(ADA, "live")
    Update.objects.create(requested_by="ada", person=ADA, state=Update.State.TRAINING)

    scopes.forget_person(ADA)

    assert not Update.objects.exists()
    assert not PolicyChoice.objects.exists()
    assert [alias.person for alias in PersonalAlias.objects.all()] == [BEN]
    assert routing.policy_for(ADA, "danas") == registry.base()


def own_of_ben():
    version = ready("ef" * 32, BEN)
    registry.give_own(version)
