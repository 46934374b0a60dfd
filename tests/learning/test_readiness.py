import pytest

from learning import intake, readiness
from learning.contracts import FeedbackKind
from learning.models import Alarm, Judgement
from learning.reward.validation import Prediction

from .rows import ADA, judged, remembered

pytestmark = pytest.mark.django_db


def predicted(count: int, probability: float = 0.8, **values) -> None:
    """Thumbs up and down in turn, as the reward worker leaves them."""
    start = Judgement.objects.count()
    for number in range(start, start + count):
        kind = FeedbackKind.UP if number % 2 else FeedbackKind.DOWN
        feedback = judged(remembered(number), kind)
        values = {"use": "learned", "weight": 1.0, **values}
        Judgement.objects.filter(feedback=feedback).update(
            version=number + 1, predicted=probability, **values
        )


def test_a_reward_model_that_predicts_well_may_be_learned_from():
    predicted(20)

    assert readiness.refusal(by_hand=False) == readiness.refusal(by_hand=True) == ""


def test_one_that_predicts_the_opposite_may_not():
    predicted(20, 0.2)

    assert "AUC 0.00 over the last 20" in readiness.refusal(by_hand=True)
    assert "well enough" in readiness.refusal(by_hand=False)


def test_one_that_has_shown_nothing_may_be_learned_from_by_hand():
    predicted(5)

    assert readiness.refusal(by_hand=True) == ""
    assert "has predicted 5 judgements" in readiness.refusal(by_hand=False)


def test_an_open_alarm_freezes_training_whoever_asks():
    predicted(20)
    alarm = Alarm.objects.create(kind="drift", sentence="It drifts.", freezes_training=True)
    Alarm.objects.create(kind="rollback", sentence="Something else.")

    assert readiness.refusal(by_hand=True) == "Training is frozen by an alarm: It drifts."

    Alarm.objects.filter(pk=alarm.pk).update(closed_at=alarm.opened_at)
    assert readiness.refusal(by_hand=True) == ""


def test_judgements_that_say_nothing_about_the_head_are_not_looked_at():
    predicted(3)
    predicted(1, weight=0.4)
    predicted(1, use="dictated")
    predicted(1, use="left_out")
    intake.revoke(Judgement.objects.get(version=1).feedback)

    found = readiness.predictions(*readiness.Use)

    # Versions 2 and 3, and the two that were never meant for the head but asked for here.
    assert len(found) == 4
    assert readiness.predictions(readiness.Use.LEARNED) == [
        Prediction(0.8, is_up=True),
        Prediction(0.8, is_up=False),
    ]


def test_the_newest_come_last_whatever_the_clock_says():
    predicted(3)
    for row in Judgement.objects.all():
        probability = row.version / 10
        later = row.created_at.replace(year=2000 - row.version)
        Judgement.objects.filter(pk=row.pk).update(predicted=probability, created_at=later)

    newest = readiness.predictions(readiness.Use.LEARNED, most=2)

    assert [each.probability for each in newest] == [0.2, 0.3]


def test_a_comment_is_read_again_and_a_comparison_stands_for_itself():
    words = judged(remembered(0), FeedbackKind.COMMENT, text="Too long.")
    pair = judged(remembered(1), FeedbackKind.PREFERENCE, over=remembered(2))
    for version, feedback in enumerate((words, pair), start=1):
        Judgement.objects.filter(feedback=feedback).update(
            version=version, use="learned", weight=1.0, predicted=0.7
        )

    assert readiness.predictions(readiness.Use.LEARNED) == [
        Prediction(0.7, is_up=False),
        Prediction(0.7),
    ]


def test_the_outlook_says_what_is_waited_for(settings):
    settings.UPDATE_EVENTS = 32
    predicted(4, weight=0.5)

    outlook = readiness.outlook()

    assert (outlook.frozen, outlook.effective_events, outlook.needed_events) == ("", 2.0, 32)
    assert outlook.next_reason == "2.0 of 32 new judgements have come in."

    intake.request_update("Ada", canary=False)
    assert readiness.outlook().next_reason == "An update is running."


def test_the_outlook_is_clear_when_all_is_there(settings):
    settings.UPDATE_EVENTS = 20
    predicted(20)

    assert readiness.outlook().next_reason == ""


def test_an_adapter_of_ones_own_counts_what_was_learned_from_its_owner():
    predicted(3)
    for use in ("silent", "left_out", "held_out"):
        predicted(1, use=use)

    assert readiness.personal_judgements(ADA) == 3
