"""Small recurring work: which updates start by themselves, and what a withdrawal leaves."""

import pytest

from assistant import tasks
from assistant.accounts import people
from inference import registry, routing
from inference.errors import EngineUnavailable
from learning import canary, readiness
from learning.models import Update
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """The updates that the learner was asked for."""
    asked = []
    monkeypatch.setattr(tasks.queue, "ask_update", asked.append)
    return asked


@pytest.fixture
def due(monkeypatch):
    """What is due: for everybody, and for whom alone."""

    def due(everybody, person=None):
        monkeypatch.setattr(readiness, "personal_judgements", lambda _: 1_000)
        monkeypatch.setattr(tasks.intake, "due_for_update", lambda *_: everybody)
        monkeypatch.setattr(tasks.scopes, "due_for_update", lambda: person)

    return due


def on_trial():
    update = Update.objects.create(requested_by="rho", canary=True, state=Update.State.CANARY)
    version = registry.accept(registry.stage("/x/y", "ab" * 32, registry.base(), {}))
    canary.begin(update, version, registry.live())


def test_what_nobody_asked_for_is_tried_out_before_it_goes_live(due, asked):
    due(everybody=True, person=7)

    tasks.schedule_update()

    update = Update.objects.get()
    assert (update.canary, update.person, update.requested_by) == (True, None, "schedule")
    assert asked == [update.pk]


def test_an_adapter_for_one_person_is_trained_where_none_is_due_for_all(due, asked):
    due(everybody=False, person=7)

    tasks.schedule_update()

    assert (Update.objects.get().person, Update.objects.get().canary) == (7, False)


def test_nothing_starts_where_nothing_is_due(due, asked):
    due(everybody=False)

    tasks.schedule_update()

    assert not asked


def test_no_update_for_everybody_starts_by_itself_while_a_version_is_tried_out(due, asked):
    on_trial()
    due(everybody=True)
    tasks.schedule_update()
    assert not asked

    due(everybody=True, person=7)
    tasks.schedule_update()

    assert Update.objects.get(pk=asked[0]).person == 7


def test_an_update_that_runs_keeps_others_from_starting(due, asked):
    Update.objects.create(requested_by="rho", state=Update.State.TRAINING)
    due(everybody=True)

    tasks.schedule_update()

    assert not asked


def test_engines_that_are_down_are_relieved_another_time(monkeypatch, caplog):
    def down():
        raise EngineUnavailable("No engine answers.")

    monkeypatch.setattr(tasks.eviction, "make_room", down)

    tasks.evict_adapters()

    assert "No engine answers." in caplog.text


def test_switching_training_off_takes_a_persons_own_adapter_away():
    ada = factories.ada(training=True)
    own = registry.stage("/x/own", "cd" * 32, registry.base(), {"judgements": 9}, ada.pk)
    registry.give_own(registry.accept(own))
    assert routing.policy_for(ada.pk, "danas") == own

    people.change_consent(ada, training=False, research=None)

    own.refresh_from_db()
    assert routing.policy_for(ada.pk, "danas") == registry.base()
    assert (own.person, own.manifest) == (None, {"deleted": True})
