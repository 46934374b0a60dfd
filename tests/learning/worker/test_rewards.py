import numpy as np
import pytest

from learning import intake, queue
from learning.contracts import FeedbackKind
from learning.models import Answer, Judgement, RewardVersion
from learning.worker import rewards

from ..rows import ADA, BEN, judged, remembered

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
    return rewards.replayed().to_bytes()


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
