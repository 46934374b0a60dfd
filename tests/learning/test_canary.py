"""A version on trial: from 5 per cent of people to all of them, or back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from inference import registry, routing
from inference.errors import UnknownPolicy
from inference.models import PolicyVersion, Split
from learning import canary, ledger, policies
from learning.contracts import FeedbackKind
from learning.models import Alarm, Answer, Exposure, LedgerEntry, Participant, Trial, Update

from .rows import judged, remembered

pytestmark = pytest.mark.django_db
PEOPLE = range(1, 101)


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """How often a look was asked for."""
    asked = []
    monkeypatch.setattr(canary, "ask_for_a_look", lambda: asked.append(1))
    return asked


@pytest.fixture(autouse=True)
def _sizes(settings):
    settings.CANARY_ANSWERS, settings.CANARY_HOURS = 10, 24.0


def ready(digest):
    return registry.accept(registry.stage(f"/x/{digest[:4]}", digest, registry.base(), {}))


def begun():
    update = Update.objects.create(requested_by="Ada", canary=True, state=Update.State.CANARY)
    version = ready("ab" * 32)
    Update.objects.filter(pk=update.pk).update(policy=version.name)
    return canary.begin(update, version, registry.live())


def fresh(trial):
    return Trial.objects.select_related("update").get(pk=trial.pk)


def answered(trial, *, new, person=1, failed=False, first_ms=50.0, token_ms=10.0, down=None):
    answer = uuid4()
    canary.expose(
        trial.policy,
        answer=answer,
        person=person,
        is_new=new,
        has_failed=failed,
        first_token_ms=None if failed else first_ms,
        token_ms=None if failed else token_ms,
    )
    if down is not None:
        canary.note_thumb(answer, down)
    return answer


def both(trial, count, *, new=None, old=None):
    """So many answers of each arm, each by a person of its own."""
    for index in range(count):
        answered(trial, new=False, person=1_000 + index, **(old or {}))
        answered(trial, new=True, person=2_000 + index, **(new or {}))


def everybody_has_asked():
    """Learning has an answer of each of 100 people, some of whom fall into every share."""
    Answer.objects.bulk_create(
        Answer(
            id=uuid4(),
            person=person,
            prompt_token_ids=[1],
            response_token_ids=[2],
            logprobs=[-1.0],
            temperature=1.0,
            top_p=1.0,
            policy="base",
        )
        for person in PEOPLE
    )


def shares_told():
    return [
        (entry.body["state"], entry.body["share"])
        for entry in LedgerEntry.objects.filter(kind=ledger.Kind.TRIED).order_by("seq")
    ]


def test_a_trial_begins_with_five_per_cent_of_people():
    trial = begun()

    answered_by = {routing.policy_for(person, "danas").name for person in range(200)}
    assert (trial.share, trial.against) == (5, "base")
    assert answered_by == {trial.policy, "base"}
    assert registry.live() == registry.base()
    assert shares_told() == [("running", 5)]


def test_without_a_trial_a_look_costs_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        canary.advance()


def test_a_good_version_goes_from_five_to_all_people_and_then_live():
    trial = begun()
    shares = []

    for _ in range(3):
        shares.append(Split.objects.get().share)
        both(trial, 10)
        canary.advance()

    trial = fresh(trial)
    assert shares == [5, 25, 100]
    assert registry.live().name == trial.policy
    assert not Split.objects.exists()
    assert (trial.state, trial.update.state) == (Trial.State.PROMOTED, Update.State.LIVE)
    assert trial.update.reason == (
        "It was tried out with everybody and is live. 10 answers to 100 % of people show no harm."
    )
    assert shares_told() == [("running", 5), ("running", 25), ("running", 100), ("promoted", 100)]
    activated = LedgerEntry.objects.get(kind=ledger.Kind.ACTIVATED)
    assert activated.body == {"by": f"update {trial.update_id}", "previous": "base"}
    assert not Alarm.objects.exists()


def test_nine_answers_are_not_ten():
    everybody_has_asked()
    trial = begun()
    both(trial, 9)

    canary.advance()

    assert fresh(trial).share == 5
    answered(trial, new=True)
    canary.advance()
    assert fresh(trial).share == 25
    canary.advance()
    assert fresh(trial).share == 25


def test_a_version_that_people_dislike_is_withdrawn():
    trial = begun()
    both(trial, 9, new={"down": True}, old={"down": False})
    canary.advance()
    assert fresh(trial).state == Trial.State.RUNNING

    both(trial, 1, new={"down": True}, old={"down": False})
    canary.advance()

    trial = fresh(trial)
    sentence = (
        "It was withdrawn: people disliked 10 of its 10 answers that they judged, "
        "of the other version's 0 of 10."
    )
    assert (trial.state, trial.reason) == (Trial.State.ROLLED_BACK, sentence)
    assert (trial.update.state, trial.update.reason) == (Update.State.REJECTED, sentence)
    assert trial.update.finished_at is not None
    assert {routing.policy_for(person, "danas") for person in PEOPLE} == {registry.base()}
    assert registry.named(trial.policy).state == PolicyVersion.State.RETIRED
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.freezes_training) == (Alarm.Kind.ROLLBACK, False)
    assert sentence in alarm.sentence
    assert alarm.figures["evidence"]["disliked"] >= alarm.figures["harm_at"] == 80
    assert shares_told() == [("running", 5), ("rolled_back", 5)]


def test_a_version_whose_answers_fail_is_withdrawn_though_nobody_judges():
    trial = begun()
    both(trial, 9, new={"failed": True})

    canary.advance()

    trial = fresh(trial)
    assert trial.state == Trial.State.ROLLED_BACK
    assert trial.reason == (
        "It was withdrawn: 9 of its 9 answers failed, of the other version's 0 of 9."
    )


def test_failures_count_where_nobody_else_is_there_to_compare_with():
    trial = begun()
    for _ in range(9):
        answered(trial, new=True, failed=True)

    canary.advance()

    assert fresh(trial).state == Trial.State.ROLLED_BACK


def test_an_engine_that_fails_both_versions_speaks_against_neither():
    trial = begun()
    both(trial, 40, new={"failed": True}, old={"failed": True})

    canary.advance()

    assert fresh(trial).state == Trial.State.RUNNING


@pytest.mark.parametrize(
    ("times", "words"),
    [({"token_ms": 20.0}, "20 ms for a token"), ({"first_ms": 200.0}, "200 ms to its first token")],
)
def test_a_slow_version_is_withdrawn(times, words):
    trial = begun()
    both(trial, 9, new=times)

    canary.advance()

    assert fresh(trial).state == Trial.State.ROLLED_BACK
    assert words in fresh(trial).reason


def test_a_version_a_third_slower_is_slow_enough_to_stay():
    trial = begun()
    both(trial, 40, new={"token_ms": 13.0})

    canary.advance()

    assert fresh(trial).share == 25


def test_a_version_that_people_like_better_need_not_wait_for_more_answers(settings):
    settings.CANARY_ANSWERS = 1_000
    everybody_has_asked()
    trial = begun()
    both(trial, 12, new={"down": False}, old={"down": True})

    canary.advance()

    assert (fresh(trial).share, fresh(trial).reason) == (25, "People like its answers better.")
    canary.advance()
    canary.advance()
    assert registry.live().name == trial.policy


def test_one_angry_person_has_twenty_thumbs_and_no_more():
    trial = begun()
    for index in range(60):
        answered(trial, new=False, person=1_000 + index, down=False)
        answered(trial, new=True, person=7, down=True)

    figures = canary.weigh(trial).figures

    assert figures["new"]["thumbs"] == 20
    assert figures["old"]["thumbs"] == 60


def test_a_person_who_is_left_out_of_learning_has_no_say():
    Participant.objects.create(person=7, number=1, left_out_at=timezone.now())
    trial = begun()
    for index in range(12):
        answered(trial, new=False, person=1_000 + index, down=False)
        answered(trial, new=True, person=7, down=True)

    canary.advance()

    assert fresh(trial).state == Trial.State.RUNNING


def test_a_second_thought_takes_the_place_of_the_first():
    trial = begun()
    answers = [answered(trial, new=True, person=index, down=True) for index in range(3)]
    canary.note_thumb(answers[0], False)
    canary.note_thumb(answers[1], None)

    new = canary.weigh(trial).figures["new"]

    assert (new["thumbs"], new["down"]) == (2, 1)


def test_a_single_person_is_compared_with_what_they_said_before():
    for number in range(12):
        judged(remembered(number), FeedbackKind.UP)
    trial = begun()
    for _ in range(10):
        answered(trial, new=True, down=True)

    canary.advance()

    assert fresh(trial).state == Trial.State.ROLLED_BACK


def test_a_share_that_nobody_falls_into_is_widened_at_the_next_look():
    trial = begun()
    alone = next(p for p in range(10_000) if not routing.in_share(trial.policy, p, 25))
    remembered(0, person=alone)

    for share in (25, 100, 100):
        canary.advance()
        assert fresh(trial).share == share

    assert "Nobody falls into the 25 %" in fresh(trial).update.reason
    for _ in range(10):
        answered(trial, new=True, person=alone)
    canary.advance()
    assert registry.live().name == trial.policy


def test_time_brings_a_trial_to_its_end_where_hardly_anybody_asks():
    everybody_has_asked()
    trial = begun()
    for share in (5, 25, 100):
        assert fresh(trial).share == share
        canary.advance()
        Trial.objects.update(share_since=timezone.now() - timedelta(hours=25))
        canary.advance()

    assert fresh(trial).state == Trial.State.PROMOTED
    assert "No answers in 24 hours, and no harm to see." in fresh(trial).reason


def test_two_that_look_at_once_widen_once(monkeypatch):
    trial = begun()
    both(trial, 10)
    stale = fresh(trial)
    canary.advance()

    canary._widen(stale, "I saw it too.")

    assert fresh(trial).share == 25
    assert shares_told() == [("running", 5), ("running", 25)]


@pytest.mark.django_db(transaction=True)
def test_looks_at_the_same_time_roll_back_once():
    trial = begun()
    both(trial, 10, new={"failed": True})

    def look(_):
        try:
            canary.advance()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(look, range(6)))

    assert fresh(trial).state == Trial.State.ROLLED_BACK
    assert Alarm.objects.count() == 1
    assert shares_told() == [("running", 5), ("rolled_back", 5)]


def test_activating_another_version_by_hand_stops_the_trial():
    trial, other = begun(), ready("cd" * 32)

    assert policies.activate(other.name, by="Ada") == other

    trial = fresh(trial)
    assert trial.state == Trial.State.STOPPED
    assert trial.update.state == Update.State.REJECTED
    assert trial.update.reason == f"Its trial was stopped: Ada made {other.name} live meanwhile."
    assert {routing.policy_for(person, "danas") for person in PEOPLE} == {other}
    assert registry.named(trial.policy).state == PolicyVersion.State.READY
    assert LedgerEntry.objects.filter(kind=ledger.Kind.ACTIVATED).count() == 1
    canary.advance()
    assert registry.live() == other


def test_activating_what_is_live_sends_everybody_back_to_it():
    trial = begun()

    policies.activate("base", by="Ada")

    assert fresh(trial).state == Trial.State.STOPPED
    assert not Split.objects.exists()
    assert not LedgerEntry.objects.filter(kind=ledger.Kind.ACTIVATED).exists()


def test_the_version_on_trial_can_be_made_live_by_hand():
    trial = begun()

    policies.activate(trial.policy, by="Ada")

    assert registry.live().name == trial.policy
    assert fresh(trial).update.state == Update.State.LIVE
    assert fresh(trial).update.reason == "It was made live by Ada before its trial was over."


def test_an_activation_that_is_refused_leaves_the_trial_alone():
    trial = begun()

    with pytest.raises(UnknownPolicy):
        policies.activate("danas-v9-00000000", by="Ada")

    assert fresh(trial).state == Trial.State.RUNNING
    assert Split.objects.exists()


def test_a_version_that_was_withdrawn_meanwhile_is_not_made_live():
    trial = begun()
    registry.retire(registry.named(trial.policy))

    canary.advance()

    assert fresh(trial).state == Trial.State.STOPPED
    assert registry.live() == registry.base()


def test_an_update_under_way_does_not_have_the_live_version_changed_under_it():
    trial = begun()
    running = Update.objects.create(requested_by="Ben", state=Update.State.TRAINING)
    for _ in range(4):
        both(trial, 10)
        canary.advance()

    assert (fresh(trial).state, fresh(trial).share) == (Trial.State.RUNNING, 100)
    Update.objects.filter(pk=running.pk).update(state=Update.State.FAILED)
    canary.advance()
    assert registry.live().name == trial.policy


def test_answers_and_thumbs_ask_for_a_look(asked, django_capture_on_commit_callbacks):
    trial = begun()
    with django_capture_on_commit_callbacks(execute=True):
        answered(trial, new=False)
        answered(trial, new=True)
        canary.note_thumb(uuid4(), True)
    assert len(asked) == 1

    with django_capture_on_commit_callbacks(execute=True):
        canary.note_thumb(Exposure.objects.first().pk, True)

    assert len(asked) == 2


def test_an_answer_that_outlasts_the_trial_is_not_taken_down():
    trial = begun()
    policies.activate("base", by="Ada")

    answered(trial, new=True)

    assert not Exposure.objects.exists()


def test_a_person_who_withdraws_is_forgotten_by_trials():
    trial = begun()
    answered(trial, new=True, person=7, down=True)
    answered(trial, new=True, person=8)

    canary.forget_person(7)

    assert [exposure.person for exposure in Exposure.objects.all()] == [8]


def test_the_ledger_holds_after_a_whole_trial():
    trial = begun()
    for _ in range(3):
        both(trial, 10)
        canary.advance()
    policies.activate("base", by="Ada")

    assert ledger.verify(LedgerEntry.objects.order_by("seq")) is None
    assert fresh(trial).state == Trial.State.PROMOTED
