from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from learning import intake, queue
from learning.config import FEATURE_DIMENSIONS
from learning.contracts import FeedbackKind
from learning.contracts import Judgement as JudgementValue
from learning.models import (
    Alarm,
    Answer,
    Judgement,
    LedgerEntry,
    Participant,
    PersonEffect,
    RewardMetrics,
    RewardVersion,
)
from learning.reward.stream import replay
from learning.worker import log, rewards

from ..rows import ADA, BEN, feedback_id, judged, remembered

pytestmark = pytest.mark.django_db


class Extract:
    """Features drawn from the answer's tokens; remembers what it was asked, may break down."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.breaks_at: int | None = None

    def __call__(self, answers):
        self.seen += [response for _, response in answers]
        if self.breaks_at is not None and len(self.seen) >= self.breaks_at:
            raise KeyboardInterrupt
        rows = [np.random.default_rng(list(answer)).normal(size=128) for _, answer in answers]
        return np.array(rows, dtype=np.float32) / 128**0.5


@pytest.fixture
def extract() -> Extract:
    return Extract()


def to_tokens(text: str) -> tuple[int, ...]:
    return tuple(text.encode())


def catch_up(extract) -> None:
    rewards.catch_up(extract, to_tokens)


def all_kinds() -> list:
    first, second, third = (remembered(number) for number in range(3))
    return [
        judged(first, FeedbackKind.UP),
        judged(second, FeedbackKind.CORRECTION, text="Better."),
        judged(third, FeedbackKind.PREFERENCE, over=first),
        judged(second, FeedbackKind.COMMENT, text="Too long."),
        judged(third, FeedbackKind.DOWN),
    ]


def test_judgements_are_taken_in_in_their_order(extract):
    feedback = all_kinds()

    catch_up(extract)

    versions = [Judgement.objects.get(feedback=each).version for each in feedback]
    assert versions == [1, 2, 3, 4, 5]
    assert [row.number for row in RewardVersion.objects.order_by("number")] == versions
    assert [row.judgement.feedback for row in RewardVersion.objects.order_by("number")] == feedback


def test_only_the_newest_version_keeps_its_head(extract):
    all_kinds()

    catch_up(extract)

    assert [v.number for v in RewardVersion.objects.exclude(head=None)] == [5]


def test_every_answer_gets_features_judged_or_not(extract):
    remembered(7)
    all_kinds()

    catch_up(extract)

    assert not Answer.objects.filter(features=None).exists()
    assert Judgement.objects.get(kind="correction").text_features is not None


def test_judged_answers_come_first(extract):
    for number in range(6):
        remembered(number)
    waited_for = remembered(50)
    judged(waited_for)

    catch_up(extract)

    assert extract.seen[0] == tuple(Answer.objects.get(pk=waited_for).response_token_ids)


def test_catching_up_twice_changes_nothing(extract):
    all_kinds()
    catch_up(extract)
    before = list(RewardVersion.objects.values_list("number", "head"))
    asked = len(extract.seen)

    catch_up(extract)

    assert list(RewardVersion.objects.values_list("number", "head")) == before
    assert len(extract.seen) == asked


@pytest.mark.parametrize("breaks_at", range(1, 5))
def test_a_worker_that_dies_anywhere_goes_on_where_it_was(extract, breaks_at):
    all_kinds()
    extract.breaks_at = breaks_at
    with pytest.raises(KeyboardInterrupt):
        catch_up(extract)

    extract.breaks_at = None
    catch_up(extract)

    assert sorted(Judgement.objects.values_list("version", flat=True)) == [1, 2, 3, 4, 5]
    assert bytes(RewardVersion.objects.get(number=5).head) == replayed()


def replayed() -> bytes:
    entries = [each.entry for each in log.standing()]
    stream, _ = replay(entries, FEATURE_DIMENSIONS, rewards.CONFIG, refits=log.refits())
    return stream.to_bytes()


def test_replaying_the_log_gives_the_stored_head_bit_for_bit(extract):
    all_kinds()
    catch_up(extract)
    all_kinds()
    catch_up(extract)

    newest = RewardVersion.objects.order_by("-number").first()

    assert bytes(newest.head) == replayed()


def test_what_was_taken_back_leaves_no_trace_in_the_head(extract):
    feedback = all_kinds()
    catch_up(extract)

    intake.revoke(feedback[1])
    catch_up(extract)

    head, version = rewards.current_head()
    assert version == 6
    assert head.taken_in == 4
    assert bytes(RewardVersion.objects.get(number=6).head) == replayed()


def test_a_person_who_leaves_leaves_no_trace_in_the_head(extract):
    all_kinds()
    catch_up(extract)
    alone = rewards.current_head()[0].to_bytes()
    ben = judged(remembered(9, person=BEN), person=BEN)
    catch_up(extract)
    assert Judgement.objects.get(feedback=ben).version == 6

    intake.forget_person(BEN)
    catch_up(extract)

    head, version = rewards.current_head()
    assert version == 7
    assert head.to_bytes() == alone
    assert not RewardVersion.objects.filter(judgement__person=BEN).exists()
    assert Answer.objects.exclude(person=ADA).count() == 0


def test_what_was_taken_back_before_its_turn_is_never_taken_in(extract):
    feedback = judged(remembered())
    intake.revoke(feedback)

    catch_up(extract)

    assert Judgement.objects.get().version is None
    assert not RewardVersion.objects.exists()


def test_what_is_taken_back_while_its_features_are_computed_is_not_taken_in(extract):
    feedback = judged(remembered())

    def slow(answers):
        intake.revoke(feedback)
        return extract(answers)

    catch_up(slow)

    assert not RewardVersion.objects.exists()


def test_the_head_says_what_it_expected_before_it_learns(extract):
    answer = remembered()
    for _ in range(3):
        judged(remembered(0, response=(1, 2, 3)))
    judged(answer, FeedbackKind.COMMENT, text="Hm.")

    catch_up(extract)

    predicted = list(Judgement.objects.order_by("version").values_list("predicted", flat=True))
    # Nothing is known at first; three answers with the same tokens are liked more and more.
    assert predicted[0] == 0.5
    assert 0.5 < predicted[1] < predicted[2]
    assert predicted[3] is None


def test_whoever_waits_is_told_the_version(extract):
    feedback = judged(remembered())

    catch_up(extract)
    Judgement.objects.update(version=None)

    assert queue.reward_version_of(feedback, timeout_s=1) == 1


def test_without_judgements_there_is_a_prior(extract):
    catch_up(extract)

    head, version = rewards.current_head()
    assert (head.taken_in, version) == (0, 0)


Use = Judgement.Use


def uses() -> list[str]:
    return list(Judgement.objects.order_by("pk").values_list("use", flat=True))


def liked_first(count: int, *, start: int = 0, turned: bool = False, person: int = ADA) -> list:
    """Thumbs on answers with token 1 (liked) and 2 (not) in turn."""
    return [
        judged(
            remembered(number, person=person, response=(1 + number % 2, 7)),
            FeedbackKind.UP if (number % 2 == 0) != turned else FeedbackKind.DOWN,
            person=person,
        )
        for number in range(start, start + count)
    ]


def test_it_is_written_down_what_became_of_each_judgement(extract):
    feedback = [*all_kinds(), judged(remembered(9), FeedbackKind.COMMENT, text="Hm.")]

    catch_up(extract)

    assert uses() == [Use.LEARNED] * 5 + [Use.SILENT]
    weights = list(Judgement.objects.order_by("pk").values_list("weight", flat=True))
    assert weights == [1.0] * 5 + [0.0]
    ledger = LedgerEntry.objects.filter(kind="judged").order_by("seq")
    assert [entry.subject for entry in ledger] == [str(each) for each in feedback]
    assert ledger[1].body == {"version": 2, "use": "learned", "weight": 1.0, "kind": "correction"}


def test_a_held_out_judgement_gets_a_version_and_moves_nothing(extract):
    judged(remembered(0))
    catch_up(extract)
    before = rewards.current_head()[0]

    judged(remembered(1), is_held_out=True)
    catch_up(extract)

    head, version = rewards.current_head()
    assert (version, uses()) == (2, [Use.LEARNED, Use.HELD_OUT])
    np.testing.assert_array_equal(head.mean, before.mean)
    held_out = Judgement.objects.get(version=2)
    assert held_out.predicted is not None
    assert held_out.influence == 0


def test_the_first_person_is_number_one_and_the_tenth_is_held_out(extract):
    for person in range(1, 12):
        judged(remembered(person, person=person), person=person)

    catch_up(extract)

    held_out = Participant.objects.filter(is_held_out=True)
    assert [(who.person, who.number) for who in held_out] == [(10, 10)]
    assert uses().count(Use.HELD_OUT) == 1
    assert Participant.objects.get(person=1).number == 1


def test_a_vote_on_a_dictated_answer_stays_out_of_everybodys_head(extract):
    answer = remembered(0, response=(5, 6))
    judged(answer)
    judged(remembered(1), FeedbackKind.PREFERENCE, over=answer)

    rewards.catch_up(extract, to_tokens, lambda prompt, response: response == (5, 6))

    assert Answer.objects.get(pk=answer).is_dictated
    assert uses() == [Use.DICTATED] * 2
    assert not rewards.current_head()[0].mean.any()


def test_somebody_left_out_leaves_no_trace_until_they_are_taken_back(extract):
    all_kinds()
    catch_up(extract)
    alone = rewards.current_head()[0]
    judged(remembered(9, person=BEN), person=BEN)
    catch_up(extract)
    together = rewards.current_head()[0]

    intake.leave_out(2, by="Rae", because="votes for others")
    catch_up(extract)
    without, version = rewards.current_head()
    intake.take_back(2, by="Rae")
    catch_up(extract)
    again = rewards.current_head()[0]

    assert version == 7
    np.testing.assert_array_equal(without.mean, alone.mean)
    assert again.to_bytes() == together.to_bytes()
    assert uses()[-1] == Use.LEARNED


def test_what_somebody_left_out_says_later_is_not_learned(extract):
    judged(remembered(0))
    catch_up(extract)
    intake.leave_out(1, by="Rae", because="votes for others")

    judged(remembered(1))
    catch_up(extract)

    assert uses() == [Use.LEFT_OUT] * 2
    assert not rewards.current_head()[0].mean.any()


def test_of_many_people_nobody_counts_for_more_than_their_share(extract):
    for person in range(1, 7):
        judged(remembered(person, person=person), FeedbackKind.DOWN, person=person)
    for number in range(20):
        judged(remembered(100 + number), FeedbackKind.DOWN)

    catch_up(extract)

    ada = Judgement.objects.filter(person=ADA).order_by("version")
    # Everyone may weigh 4 points, and one and a quarter sixths of some 9 is less.
    assert sum(row.weight for row in ada) == pytest.approx(4)
    assert [row.weight for row in ada][-1] == 0


def test_influence_is_how_far_recent_answers_moved(extract):
    answer = remembered(0)
    judged(answer)

    catch_up(extract)

    # There is one answer, so the root mean square is its own change from 0.
    head, _ = rewards.current_head()
    features = np.asarray(Answer.objects.get().features)
    moved = float(head.mean[:-1] @ features + head.mean[-1])
    assert Judgement.objects.get().influence == pytest.approx(moved, rel=1e-5)


def test_a_rebuilt_log_says_the_same_of_each_judgement(extract):
    all_kinds()
    catch_up(extract)
    columns = ("use", "weight", "predicted", "influence")
    before = list(Judgement.objects.order_by("version").values_list(*columns))

    RewardVersion.objects.update(head=None)
    Judgement.objects.update(use=Use.WAITING, weight=None)
    Participant.objects.all().delete()
    catch_up(extract)

    after = list(Judgement.objects.order_by("version").values_list(*columns))
    assert [row[:3] for row in after] == [row[:3] for row in before]
    assert Participant.objects.get().number == 1
    assert RewardVersion.objects.get(number=6).cause == RewardVersion.Cause.REBUILT


def test_a_refit_makes_a_version_that_a_replay_gives_bit_for_bit(extract):
    liked_first(12)
    catch_up(extract)

    version = rewards.refit()

    row = RewardVersion.objects.get(number=13)
    assert (version, row.cause) == (13, RewardVersion.Cause.REFIT)
    assert row.prior_sd in rewards.CONFIG.prior_sds
    assert bytes(row.head) == replayed()


def test_what_comes_after_a_refit_is_replayed_bit_for_bit_too(extract):
    liked_first(12)
    catch_up(extract)
    rewards.refit()
    liked_first(6, start=12)
    catch_up(extract)
    rewards.refit()
    liked_first(4, start=18)
    catch_up(extract)

    newest = RewardVersion.objects.order_by("-number").first()

    assert newest.number == 12 + 1 + 6 + 1 + 4
    assert bytes(newest.head) == replayed()


def test_what_is_taken_back_from_before_a_refit_is_forgotten_as_well(extract):
    feedback = liked_first(12)
    catch_up(extract)
    rewards.refit()
    liked_first(4, start=12)
    catch_up(extract)

    intake.revoke(feedback[3])
    catch_up(extract)

    head, version = rewards.current_head()
    assert (version, head.taken_in) == (18, 15)
    assert bytes(RewardVersion.objects.get(number=18).head) == replayed()


def test_a_refit_without_anything_new_is_left_out(extract):
    assert rewards.refit() is None
    liked_first(4)
    catch_up(extract)

    assert rewards.refit() == 5
    assert rewards.refit() is None


def test_every_eighth_judgement_leaves_a_point_of_the_series(extract):
    liked_first(24)

    catch_up(extract)

    points = list(RewardMetrics.objects.all())
    assert [point.version for point in points] == [8, 16, 24]
    assert [point.events for point in points] == [8, 16, 24]
    assert points[0].auc is None
    assert points[-1].auc > 0.8
    assert points[-1].people == 1
    assert points[0].log_loss > points[-1].log_loss


def test_people_who_change_their_minds_raise_one_alarm_that_closes_itself(extract):
    liked_first(80)
    catch_up(extract)
    assert not Alarm.objects.exists()

    liked_first(16, start=80, turned=True)
    catch_up(extract)
    alarm = Alarm.objects.get()
    was_open = alarm.closed_at is None
    liked_first(30, start=96, turned=True)
    catch_up(extract)

    alarm = Alarm.objects.get()
    assert was_open
    assert alarm.freezes_training
    assert alarm.closed_by == "reward model"
    assert "follows again: AUC" in alarm.note
    assert bytes(RewardVersion.objects.order_by("-number").first().head) == replayed()


def test_a_person_who_judged_enough_has_an_effect(extract):
    liked_first(4)
    catch_up(extract)
    assert not PersonEffect.objects.exists()

    feedback = liked_first(1, start=4)
    catch_up(extract)
    effect = PersonEffect.objects.get(person=ADA)
    assert (effect.judgements, effect.version) == (5, 5)

    intake.revoke(feedback[0])
    catch_up(extract)
    assert not PersonEffect.objects.exists()


def test_an_effect_is_fitted_again_when_its_head_was_replaced(extract):
    liked_first(6)
    catch_up(extract)

    version = rewards.refit()
    catch_up(extract)

    assert PersonEffect.objects.get().version == version


def test_an_estimate_for_a_person_has_their_own_taste_on_top(extract):
    for person in range(2, 8):
        liked_first(6, person=person)
    liked_first(8, turned=True)
    catch_up(extract)
    liked, _ = extract([((), (1, 7)), ((), (2, 7))])

    everybody, own = rewards.estimate(liked), rewards.estimate(liked, ADA)

    assert own[0] < everybody[0]
    assert everybody == rewards.estimate(liked, person=99)


def test_an_update_is_given_the_newest_head_and_one_person_s_effect(extract):
    liked_first(10)
    catch_up(extract)

    everybody, version = rewards.rewarder(extract, frozenset({7}))
    own, _ = rewards.rewarder(extract, frozenset({7}), ADA)

    assert version == 10
    ((liked, other),) = everybody([(3,)], [[(1, 7), (2, 7)]])
    assert liked > other
    assert everybody.effect is None
    assert own.effect is not None


def test_length_is_contrasted_with_what_is_usual_or_with_the_sibling(extract):
    long, short = remembered(0, response=(4,) * 8), remembered(1, response=(5,) * 2)
    judged(short, FeedbackKind.PREFERENCE, over=long)
    judged(long, FeedbackKind.DOWN)
    judged(long, FeedbackKind.CORRECTION, text="ab")
    catch_up(extract)

    pair, thumb = rewards.contrasts()

    assert pair.longer_by == pytest.approx(np.log(2 / 8))
    # The usual log length is halfway between both.
    assert thumb.longer_by == pytest.approx(np.log(8) - (np.log(8) + np.log(2)) / 2)
    assert (pair.is_liked, thumb.is_liked) == (True, False)


def test_an_edit_that_only_cuts_an_answer_short_says_nothing(extract):
    answer = remembered(0, response=tuple(b"abcdefgh"))
    judged(answer, FeedbackKind.CORRECTION, text="abc")

    catch_up(extract)

    text = np.asarray(Judgement.objects.get().text_features)
    np.testing.assert_allclose(text, np.asarray(Answer.objects.get().features), atol=1e-6)
    assert np.abs(rewards.current_head()[0].mean).max() < 1e-5


def test_an_edit_of_about_the_same_length_is_taken_whole(extract):
    answer = remembered(0, response=tuple(b"abcdef"))
    judged(answer, FeedbackKind.CORRECTION, text="abcdefgh")

    catch_up(extract)

    text = np.asarray(Judgement.objects.get().text_features)
    np.testing.assert_allclose(text, extract([((), tuple(b"abcdefgh"))])[0], rtol=1e-6)


def test_the_same_vote_a_thousand_times_is_one(extract):
    vote = JudgementValue(feedback_id(), remembered(), ADA, FeedbackKind.UP)

    for _ in range(1000):
        intake.judge(vote)
    catch_up(extract)

    assert rewards.current_head()[1] == 1


def test_a_vote_on_what_is_deleted_meanwhile_is_let_go(extract):
    answer = remembered()
    judged(answer)

    def slow(answers):
        intake.forget_answer(answer)
        return extract(answers)

    catch_up(slow)

    assert not RewardVersion.objects.exists()
    assert not Judgement.objects.exists()


def test_a_clock_that_goes_back_changes_nothing(extract):
    all_kinds()
    catch_up(extract)
    before = replayed()

    for number, row in enumerate(Judgement.objects.order_by("version")):
        earlier = timezone.now() - timedelta(days=number)
        Judgement.objects.filter(pk=row.pk).update(created_at=earlier)
        Answer.objects.filter(pk=row.answer_id).update(created_at=earlier)
        RewardVersion.objects.filter(number=row.version).update(created_at=earlier)

    assert replayed() == before
    assert [each.row.version for each in log.standing()] == [1, 2, 3, 4, 5]
    late = judged(remembered(70))
    catch_up(extract)
    assert Judgement.objects.get(feedback=late).version == 6
