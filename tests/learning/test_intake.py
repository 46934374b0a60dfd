from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from learning import intake
from learning.contracts import FeedbackKind
from learning.contracts import Judgement as JudgementValue
from learning.errors import (
    AnswerUnknown,
    NothingToLearnFrom,
    ParticipantUnknown,
    UpdateRunning,
)
from learning.models import (
    Answer,
    Judgement,
    LedgerEntry,
    Participant,
    RewardVersion,
    Update,
    UpdateJudgement,
)

from .rows import ADA, BEN, judged, remembered, served

pytestmark = pytest.mark.django_db


def taken_in(feedback, *, weight=1.0, use="learned", predicted=0.5):
    """As the reward worker leaves it: the newest version has the head."""
    judgement = Judgement.objects.get(feedback=feedback)
    number = RewardVersion.objects.count() + 1
    Judgement.objects.filter(pk=judgement.pk).update(
        version=number, use=use, weight=weight, predicted=predicted
    )
    people = Participant.objects.count()
    Participant.objects.get_or_create(person=judgement.person, defaults={"number": people + 1})
    RewardVersion.objects.update(head=None)
    RewardVersion.objects.create(number=number, head=b"head", judgement=judgement)
    return feedback


def trusted() -> None:
    """Twenty judgements that the head predicted well, and that an update has learned from."""
    update = Update.objects.create(requested_by="Ada", state=Update.State.LIVE)
    for number in range(20):
        kind = FeedbackKind.UP if number % 2 else FeedbackKind.DOWN
        feedback = taken_in(judged(remembered(100 + number), kind), predicted=0.8)
        row = Judgement.objects.get(feedback=feedback)
        UpdateJudgement.objects.create(update=update, judgement=row)


def head_is_gone() -> bool:
    return not RewardVersion.objects.exclude(head=None).exists()


def test_an_answer_handed_over_twice_is_kept_once():
    answer = served()

    intake.remember(answer)
    intake.remember(answer)

    row = Answer.objects.get()
    assert (row.pk, row.person, row.policy) == (answer.answer, ADA, "base")
    assert tuple(row.response_token_ids) == answer.response_token_ids
    assert tuple(row.logprobs) == answer.logprobs
    assert row.features is None


def test_an_answer_of_no_tokens_is_not_kept():
    intake.remember(served(response=()))

    assert not Answer.objects.exists()


def test_a_judgement_made_twice_is_kept_once():
    judgement = JudgementValue(uuid4(), remembered(), ADA, FeedbackKind.UP)

    intake.judge(judgement)
    intake.judge(judgement)

    assert Judgement.objects.get().feedback == judgement.feedback


def test_an_answer_that_was_never_handed_over_cannot_be_judged():
    with pytest.raises(AnswerUnknown):
        judged(uuid4())


def test_somebody_else_s_answer_cannot_be_judged():
    answer = remembered(person=ADA)

    with pytest.raises(AnswerUnknown):
        judged(answer, person=BEN)


def test_a_preference_over_an_unknown_sibling_is_refused():
    with pytest.raises(AnswerUnknown):
        judged(remembered(), FeedbackKind.PREFERENCE, over=uuid4())

    assert not Judgement.objects.exists()


def test_a_newer_thumb_takes_the_older_one_s_place():
    answer = remembered()
    up = judged(answer, FeedbackKind.UP)
    taken_in(up)

    down = judged(answer, FeedbackKind.DOWN)

    assert Judgement.objects.get(feedback=up).revoked_at is not None
    assert Judgement.objects.get(feedback=down).revoked_at is None
    assert head_is_gone()


def test_a_correction_leaves_the_thumb_standing():
    answer = remembered()
    up = judged(answer, FeedbackKind.UP)

    judged(answer, FeedbackKind.CORRECTION, text="Better.")

    assert Judgement.objects.get(feedback=up).revoked_at is None


def test_what_is_taken_back_takes_the_head_with_it():
    feedback = judged(remembered())
    taken_in(feedback)

    intake.revoke(feedback)
    revoked_at = Judgement.objects.get().revoked_at
    intake.revoke(feedback)

    assert head_is_gone()
    assert Judgement.objects.get().revoked_at == revoked_at


def test_taking_back_what_the_head_never_saw_leaves_the_head():
    seen = judged(remembered())
    taken_in(seen)

    intake.revoke(judged(remembered(1)))

    assert not head_is_gone()


def test_forgetting_an_answer_deletes_all_that_came_from_it():
    answer, other = remembered(0), remembered(1)
    feedback = judged(answer)
    preference = judged(other, FeedbackKind.PREFERENCE, over=answer)
    update = Update.objects.create(requested_by="Ada")
    for each in (feedback, preference):
        taken_in(each)
        row = Judgement.objects.get(feedback=each)
        UpdateJudgement.objects.create(update=update, judgement=row)

    intake.forget_answer(answer)
    intake.forget_answer(answer)

    assert [row.pk for row in Answer.objects.all()] == [other]
    assert not Judgement.objects.exists()
    assert not UpdateJudgement.objects.exists()
    assert head_is_gone()


def test_forgetting_a_person_leaves_others_alone():
    taken_in(judged(remembered(person=ADA)))
    ben = judged(remembered(1, person=BEN), person=BEN)

    intake.forget_person(ADA)

    assert Judgement.objects.get().feedback == ben
    assert Answer.objects.get().person == BEN
    assert not Participant.objects.exists()
    assert head_is_gone()


def test_a_second_update_is_refused_while_one_runs():
    first = intake.request_update("Ada", canary=False)

    with pytest.raises(UpdateRunning):
        intake.request_update("Ben", canary=True)

    assert Update.objects.get() == first
    assert first.state == Update.State.QUEUED


@pytest.mark.parametrize("state", ["canary", "live", "rejected", "failed"])
def test_a_finished_update_makes_room_for_the_next(state):
    Update.objects.create(requested_by="Ada", state=state)

    intake.request_update("Ada", canary=False)

    assert Update.objects.count() == 2


def test_enough_new_judgements_make_an_update_due():
    trusted()
    taken_in(judged(remembered(0)))
    assert not intake.due_for_update(min_events=2, max_age_h=6)

    taken_in(judged(remembered(1)))

    assert intake.due_for_update(min_events=2, max_age_h=6)


def test_judgements_count_as_much_as_the_caps_let_them():
    trusted()
    for number in range(3):
        taken_in(judged(remembered(number)), weight=0.5)

    assert not intake.due_for_update(min_events=2, max_age_h=6)
    assert intake.due_for_update(min_events=1, max_age_h=6)


def test_a_judgement_that_waited_long_makes_an_update_due():
    trusted()
    feedback = taken_in(judged(remembered()))
    Judgement.objects.filter(feedback=feedback).update(
        created_at=timezone.now() - timedelta(hours=7)
    )

    assert intake.due_for_update(min_events=32, max_age_h=6)


def test_nothing_is_due_without_judgements_that_were_learned():
    trusted()
    judged(remembered(0))
    taken_in(judged(remembered(1), FeedbackKind.COMMENT, text="Hm."), use="silent", weight=0.0)
    taken_in(judged(remembered(2)), use="held_out")
    intake.revoke(taken_in(judged(remembered(3))))

    assert not intake.due_for_update(min_events=1, max_age_h=0)


def test_nothing_is_due_while_the_reward_model_is_not_trusted():
    taken_in(judged(remembered()))

    assert not intake.due_for_update(min_events=1, max_age_h=6)


def test_what_an_update_has_learned_from_is_not_new():
    trusted()

    assert not intake.due_for_update(min_events=1, max_age_h=0)


def test_what_only_a_personal_update_learned_from_is_new_to_everybody():
    trusted()
    feedback = taken_in(judged(remembered()))
    own = Update.objects.create(requested_by="Ada", state=Update.State.LIVE, person=ADA)
    UpdateJudgement.objects.create(update=own, judgement=Judgement.objects.get(feedback=feedback))

    assert intake.due_for_update(min_events=1, max_age_h=6)


def test_after_a_failure_beat_pauses_before_it_tries_again():
    trusted()
    taken_in(judged(remembered()))
    failed = Update.objects.create(
        requested_by="schedule", state=Update.State.FAILED, finished_at=timezone.now()
    )
    assert not intake.due_for_update(min_events=1, max_age_h=6)

    Update.objects.filter(pk=failed.pk).update(finished_at=timezone.now() - timedelta(hours=2))

    assert intake.due_for_update(min_events=1, max_age_h=6)


def test_a_clock_that_was_set_back_does_not_hold_updates_up():
    trusted()
    taken_in(judged(remembered()))
    Update.objects.create(
        requested_by="schedule",
        state=Update.State.FAILED,
        finished_at=timezone.now() + timedelta(days=300),
    )

    assert intake.due_for_update(min_events=1, max_age_h=6)


def test_nothing_is_due_while_an_update_runs():
    trusted()
    taken_in(judged(remembered()))
    intake.request_update("Ada", canary=False)

    assert not intake.due_for_update(min_events=1, max_age_h=6)


def test_an_adapter_of_ones_own_needs_enough_judgements(settings):
    settings.PERSONAL_EVENTS = 2
    taken_in(judged(remembered(0)))
    taken_in(judged(remembered(1), FeedbackKind.COMMENT, text="Hm."), use="silent")

    with pytest.raises(NothingToLearnFrom, match="takes 2 judgements; there are 1 so far"):
        intake.request_update("Ada", canary=False, person=ADA)

    assert not Update.objects.exists()


def test_judgements_that_were_set_aside_do_not_count_for_ones_own(settings):
    settings.PERSONAL_EVENTS = 2
    for number, use in enumerate(("learned", "dictated", "held_out")):
        taken_in(judged(remembered(number)), use=use)
    with pytest.raises(NothingToLearnFrom, match="there are 1 so far"):
        intake.request_update("Ada", canary=False, person=ADA)

    taken_in(judged(remembered(3)), use="learned")

    assert intake.request_update("Ada", canary=False, person=ADA).person == ADA


def test_leaving_somebody_out_takes_the_head_away_once():
    taken_in(judged(remembered()))

    intake.leave_out(1, by="Rae", because="votes for others")
    RewardVersion.objects.update(head=b"rebuilt")
    intake.leave_out(1, by="Rae", because="again")

    ada = Participant.objects.get(person=ADA)
    assert (ada.left_out_by, ada.left_out_because) == ("Rae", "votes for others")
    assert not head_is_gone()
    entry = LedgerEntry.objects.get(kind="left_out")
    assert (entry.subject, entry.body) == (
        "participant 1",
        {"is_left_out": True, "by": "Rae", "judgements": 1},
    )


def test_somebody_left_out_can_be_taken_back():
    taken_in(judged(remembered()))
    intake.leave_out(1, by="Rae", because="votes for others")

    intake.take_back(1, by="Rae")

    assert Participant.objects.get().left_out_at is None
    assert head_is_gone()
    assert LedgerEntry.objects.filter(kind="left_out").count() == 2


def test_nobody_can_be_left_out_by_a_number_that_nobody_has():
    with pytest.raises(ParticipantUnknown, match="no participant 7"):
        intake.leave_out(7, by="Rae", because="")


def test_the_ledger_says_what_was_taken_back_of_what_was_learned():
    learned, waiting = taken_in(judged(remembered(0))), judged(remembered(1))

    intake.revoke(learned)
    intake.revoke(learned)
    intake.revoke(waiting)

    entry = LedgerEntry.objects.get(kind="revoked")
    assert (entry.subject, entry.body) == (str(learned), {"version": 1})


def test_tags_are_kept():
    judged(remembered(), FeedbackKind.COMMENT, text="Hm.", tags=("too_long",))

    assert Judgement.objects.get().tags == ["too_long"]
