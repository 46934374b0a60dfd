"""What a person is told of each piece of feedback."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assistant.feedback import ratings, receipts
from assistant.feedback.ratings import Opinion
from inference import registry
from inference.models import PolicyVersion, Split
from learning import ledger, queue
from learning.contracts import FeedbackKind
from learning.ledger import Kind
from learning.models import Judgement, RewardVersion, Update, UpdateJudgement
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch):
    monkeypatch.setattr(queue, "ask_catch_up", lambda: None)


def said(person, kind=FeedbackKind.UP, **where):
    answer = factories.served(person, "Rain is water that falls.", **where)
    return ratings.rate(person, Opinion(answer.pk, kind)).feedback


def took_in(feedback, *, use="learned", weight=1.0, version=12):
    Judgement.objects.filter(feedback=feedback.pk).update(use=use, weight=weight, version=version)
    RewardVersion.objects.exclude(head=None).update(head=None)
    RewardVersion.objects.create(number=version, head=b"head")


def trained_with(feedback, *, accepted=True, parent=None, digest="ab" * 32):
    version = registry.stage("/adapters/x", digest, parent or registry.base(), {})
    if accepted:
        registry.accept(version)
    update = Update.objects.create(requested_by="rho", state="live", policy=version.name)
    judgement = Judgement.objects.get(feedback=feedback.pk)
    UpdateJudgement.objects.create(update=update, judgement=judgement)
    return version


def receipt(person):
    (only,) = receipts.newest(person, limit=10)
    return only


def test_it_waits_until_the_reward_worker_has_seen_it():
    said(factories.ada())

    found = receipt(factories.ada())

    assert found.sentence == "Waits for the reward model."
    assert (found.use, found.reward_version) == ("waiting", None)
    assert (found.question, found.answer) == ("Hello", "Rain is water that falls.")


def test_without_consent_it_is_only_stored():
    ben = factories.ben(training=False)
    said(ben)

    found = receipt(ben)

    assert found.sentence == "You do not allow training, so it is only stored."
    assert found.use == "stored"


def test_what_was_said_in_a_temporary_chat_is_only_stored():
    said(factories.ada(), is_temporary=True)

    says = "Said in a temporary chat, so it is only stored."
    assert receipt(factories.ada()).sentence == says


def test_it_was_taken_in_and_nothing_was_trained_with_it_yet():
    took_in(said(factories.ada()))

    found = receipt(factories.ada())

    assert found.sentence == "Taken in as version 12; no update was trained with it yet."
    assert (found.reward_version, found.weight) == (12, 1.0)


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        ("held_out", "Kept to check the reward model, which never learns from it."),
        (
            "dictated",
            "The reward model does not count it: the question said what to answer.",
        ),
        ("left_out", "Left out by a reviewer; the reward model does not count it."),
        ("silent", "Read, but the reward model found neither praise nor blame in it."),
    ],
)
def test_what_is_not_learned_from_says_why(use, sentence):
    took_in(said(factories.ada()), use=use)

    assert receipt(factories.ada()).sentence == sentence


def test_what_came_after_the_share_was_used_up_says_so():
    took_in(said(factories.ada()), weight=0.04)

    says = "Not taken in: you had already had your share of influence."
    assert receipt(factories.ada()).sentence == says


def test_a_live_version_that_was_trained_with_it_is_named():
    feedback = said(factories.ada())
    took_in(feedback)
    version = trained_with(feedback)
    registry.activate(version.name, by="schedule")

    found = receipt(factories.ada())

    says = f"Taken in as version 12; {version.name} was trained with it and is live."
    assert found.sentence == says
    assert [each.version.name for each in found.descents] == [version.name]


def test_it_counts_in_the_live_version_that_was_trained_from_that_one():
    feedback = said(factories.ada())
    took_in(feedback)
    first = trained_with(feedback)
    second = registry.accept(registry.stage("/adapters/y", "cd" * 32, first, {}))
    registry.activate(second.name, by="schedule")

    found = receipt(factories.ada())

    assert f"{first.name} was trained with it, and the live version" in found.sentence
    assert [(each.is_live, each.is_in_live) for each in found.descents] == [(False, True)]


def test_after_going_back_it_is_not_live_any_more():
    feedback = said(factories.ada())
    took_in(feedback)
    version = trained_with(feedback)
    registry.activate(version.name, by="schedule")
    registry.activate("base", by="rho")

    found = receipt(factories.ada())

    assert found.sentence.endswith(f"{version.name} was trained with it and is not live.")
    assert [(each.is_live, each.is_in_live) for each in found.descents] == [(False, False)]


@pytest.mark.parametrize("use", ["held_out", "dictated", "left_out", "learned"])
def test_ones_own_adapter_may_learn_from_what_counts_for_nobody_else(use):
    feedback = said(factories.ada())
    took_in(feedback, use=use, weight=0.0)
    own = trained_with(feedback)
    PolicyVersion.objects.filter(pk=own.pk).update(person=factories.ada().pk)

    says = f"{own.name}, your own, was trained with it."
    assert receipt(factories.ada()).sentence.endswith(says)


def test_a_version_on_trial_is_named_with_its_share():
    feedback = said(factories.ada())
    took_in(feedback)
    version = trained_with(feedback)
    Split.objects.create(alias="danas", policy=version, share=5)

    says = f"{version.name} was trained with it and is tried out with 5 % of people."
    assert receipt(factories.ada()).sentence.endswith(says)


def test_a_refused_version_is_called_that():
    feedback = said(factories.ada())
    took_in(feedback)
    version = trained_with(feedback, accepted=False)
    registry.reject(version, "Too far from the base.")

    found = receipt(factories.ada())

    assert found.sentence.endswith(f"{version.name} was trained with it and was refused.")


def test_taking_it_back_before_it_was_taken_in_leaves_nothing():
    feedback = said(factories.ada())
    ratings.take_back(factories.ada(), feedback.pk)

    says = "Taken back before the reward model had taken it in."
    assert receipt(factories.ada()).sentence == says


def test_taking_it_back_has_the_reward_model_forget_it():
    feedback = said(factories.ada())
    took_in(feedback)
    ratings.take_back(factories.ada(), feedback.pk)
    meanwhile = receipt(factories.ada()).sentence
    RewardVersion.objects.create(number=13, head=b"head")

    assert meanwhile == "Taken back; the reward model is forgetting it."
    assert receipt(factories.ada()).sentence == "Taken back; the reward model has forgotten it."


def test_a_live_version_still_has_what_was_taken_back_and_the_receipt_says_so():
    feedback = said(factories.ada())
    took_in(feedback)
    version = trained_with(feedback)
    registry.activate(version.name, by="schedule")
    ratings.take_back(factories.ada(), feedback.pk)
    RewardVersion.objects.create(number=13, head=b"head")

    assert receipt(factories.ada()).sentence.endswith(
        f"has forgotten it. {version.name} had been trained with it before."
    )


def test_repeated_and_contradictory_feedback_each_has_one_sentence():
    ada = factories.ada()
    answer = factories.served(ada)
    up, down = Opinion(answer.pk, FeedbackKind.UP), Opinion(answer.pk, FeedbackKind.DOWN)
    correction = Opinion(answer.pk, FeedbackKind.CORRECTION, "Rain falls.")

    rounds = [up, up, down, correction, down, up, correction, down]
    ids = [ratings.rate(ada, opinion).feedback.pk for opinion in rounds]
    ratings.take_back(ada, ids[-1])
    ratings.take_back(ada, ids[-1])
    ratings.rate(ada, down)

    # up, down, the correction, up again, down again, and that once more after it was taken back.
    found = receipts.newest(ada, limit=50)
    assert len(found) == 6
    standing = [each.feedback.kind for each in found if each.feedback.revoked_at is None]
    assert sorted(standing) == ["correction", "down"]
    assert Judgement.objects.filter(revoked_at=None).count() == 2
    assert all(each.sentence for each in found)
    assert ledger.check().holds


def test_receipts_come_newest_first_in_pages_and_only_ones_own():
    ada = factories.ada()
    first, second, third = [said(ada) for _ in range(3)]
    said(factories.ben())

    page = receipts.newest(ada, limit=2)
    rest = receipts.newest(ada, limit=2, before=page[-1].feedback.created_at)

    assert [each.feedback for each in page] == [third, second]
    assert [each.feedback for each in rest] == [first]
    assert receipts.newest(ada, limit=2, before=timezone.now() - timedelta(days=1)) == []


def test_a_page_takes_as_many_queries_as_one_receipt():
    ada = factories.ada()
    for _ in range(5):
        took_in(said(ada), version=RewardVersion.objects.count() + 1)
    registry.base()

    with CaptureQueriesContext(connection) as for_one:
        receipts.newest(ada, limit=1)
    with CaptureQueriesContext(connection) as for_all:
        found = receipts.newest(ada, limit=50)

    assert len(found) == 5
    assert len(for_all) == len(for_one)


def test_a_proof_has_the_entries_about_it_and_about_what_was_trained_with_it():
    feedback = said(factories.ada())
    took_in(feedback)
    ledger.record(Kind.JUDGED, "something else", {})
    ledger.record(Kind.JUDGED, str(feedback.pk), {"version": 12})
    version = trained_with(feedback)
    ledger.record(Kind.TRAINED, version.name, {"judgements": 1})

    proof = receipts.proof(factories.ada(), feedback.pk)

    assert [entry.kind for entry in proof.entries] == ["judged", "trained"]
    assert proof.broken is None


def test_a_proof_says_where_the_chain_is_broken():
    feedback = said(factories.ada())
    ledger.record(Kind.JUDGED, str(feedback.pk), {"version": 12})
    last = ledger.record(Kind.JUDGED, "something else", {})
    last.body = {"version": 13}
    last.save()

    proof = receipts.proof(factories.ada(), feedback.pk)

    assert proof.broken.sentence == "Entry 2 was altered."
