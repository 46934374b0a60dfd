"""What the reward worker and intake write into the ledger, as it happens."""

import numpy as np
import pytest

from learning import intake, ledger
from learning.contracts import FeedbackKind
from learning.models import Judgement, Participant
from learning.worker import rewards

from ..rows import ADA, BEN, judged, remembered

pytestmark = pytest.mark.django_db


def extract(answers):
    rows = [np.random.default_rng(list(answer)).normal(size=128) for _, answer in answers]
    return np.array(rows, dtype=np.float32) / 128**0.5


def catch_up():
    rewards.catch_up(extract, lambda text: tuple(text.encode()))


def told(*subjects):
    return [(entry.kind, entry.subject, entry.body) for entry in ledger.of(*subjects)]


def test_whatever_is_taken_in_is_entered_with_what_the_row_says():
    thumb = judged(remembered(0))
    remark = judged(remembered(1), FeedbackKind.COMMENT, text="Hm.")

    catch_up()

    for feedback, kind in ((thumb, "up"), (remark, "comment")):
        row = Judgement.objects.get(feedback=feedback)
        body = {"version": row.version, "use": row.use, "weight": row.weight, "kind": kind}
        assert told(str(feedback)) == [("judged", str(feedback), body)]
    assert ledger.check().holds


def test_what_is_taken_back_is_entered_once_with_the_version_it_was_in():
    taken_in = judged(remembered(0))
    catch_up()
    waiting = judged(remembered(1))

    for feedback in (taken_in, taken_in, waiting):
        intake.revoke(feedback)

    assert told(str(taken_in))[1:] == [("revoked", str(taken_in), {"version": 1})]
    assert told(str(waiting)) == []


def test_whoever_is_left_out_and_taken_back_is_entered_by_number():
    judged(remembered(0))
    judged(remembered(1, person=BEN), person=BEN)
    catch_up()
    number = Participant.objects.get(person=BEN).number

    intake.leave_out(number, by="rae", because="A bot.")
    intake.leave_out(number, by="rae", because="A bot.")
    intake.take_back(number, by="rae")
    catch_up()

    subject = f"participant {number}"
    assert [entry[2]["is_left_out"] for entry in told(subject)] == [True, False]
    assert "A bot." not in str(told(subject))
    assert ledger.check().holds


def test_forgetting_a_person_keeps_the_chain_and_says_that_they_count_no_more():
    feedback = judged(remembered(0, person=BEN), person=BEN)
    judged(remembered(1, person=ADA), person=ADA)
    catch_up()

    intake.forget_person(BEN)
    catch_up()

    assert [entry[0] for entry in told(str(feedback))] == ["judged", "revoked"]
    assert not Judgement.objects.filter(feedback=feedback).exists()
    assert ledger.check().holds
