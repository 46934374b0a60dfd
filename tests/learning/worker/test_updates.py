"""Whole updates on a tiny model: real trainer, reward head, gates, files and rows."""

import errno
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from inference import registry
from inference.models import PolicyVersion
from learning import intake
from learning.config import GateConfig
from learning.contracts import FeedbackKind
from learning.models import Answer, Judgement, Update
from learning.policy.local import LocalTrainer
from learning.worker import rewards, updates

from .. import tiny
from ..rows import judged, remembered

pytestmark = pytest.mark.django_db(transaction=True)
State = Update.State


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> tiny.TinyWorkshop:
    folder = tmp_path_factory.mktemp("workshop")
    gates = GateConfig(texts=16, prompts=4, max_new_tokens=8)
    made = tiny.TinyWorkshop(folder / "model", folder / "cache", "You help.", 2, gates)
    assert made.base is not None
    return made


@pytest.fixture
def engine() -> tiny.Engine:
    return tiny.Engine()


@pytest.fixture(autouse=True)
def _clean():
    yield
    shutil.rmtree(adapters(), ignore_errors=True)


def adapters() -> Path:
    return django_settings.HOME.adapters


def people_have_judged(workshop) -> None:
    for number in range(6):
        answer = remembered(number, prompt=workshop.prompt_ids(f"Question {number}?"))
        judged(answer, FeedbackKind.UP if number % 2 else FeedbackKind.DOWN)
    rewards.catch_up(workshop.extractor, workshop.answer_ids)


def run(workshop, engine, *, canary: bool = False) -> Update:
    update = intake.request_update("Ada", canary=canary)
    updates.run(update.pk, workshop, engine)
    update.refresh_from_db()
    return update


def nothing_is_left(workshop, engine) -> bool:
    """No adapters of steps on disk or in the engine, none on the base model."""
    folders = {path.name for path in adapters().glob("*") if not path.name.startswith(".")}
    versions = {Path(v.path).name for v in PolicyVersion.objects.exclude(path="")}
    return (
        folders <= versions
        and not any(adapters().glob(".training/*"))
        and not any(name.startswith("training") for name in engine.loaded)
        and not any("lora" in name for name, _ in workshop.base.named_parameters())
    )


def test_an_update_trains_an_adapter_and_makes_it_live(workshop, engine):
    people_have_judged(workshop)

    update = run(workshop, engine)

    assert (update.state, update.reason) == (State.LIVE, "It passed its gates and is live.")
    assert registry.live().name == update.policy
    assert (update.parent, update.reward_version) == ("base", 6)
    assert [step["step"] for step in update.metrics] == [1, 2]
    assert [gate["name"] for gate in update.gates] == [
        "finite weights",
        "served is trained",
        "general text not worse",
        "KL on the bank",
    ]
    assert all(gate["passed"] for gate in update.gates)
    assert update.used.count() == 6
    assert update.policy in engine.loaded
    assert nothing_is_left(workshop, engine)
    # The first step samples from the parent, the second from an adapter of its own.
    assert engine.asked[0] == "base"
    assert engine.asked[1].startswith(f"training-{update.pk.hex}-1-")


def test_the_next_update_starts_from_the_live_policy(workshop, engine):
    people_have_judged(workshop)
    first = run(workshop, engine)

    second = run(workshop, engine)

    assert (second.state, second.parent) == (State.LIVE, first.policy)
    version = PolicyVersion.objects.get(name=second.policy)
    assert version.parent.name == first.policy
    assert version.manifest["config"]["steps"] == 2
    assert engine.asked.count(first.policy) > 0


def test_a_canary_waits_to_be_made_live(workshop, engine):
    people_have_judged(workshop)

    update = run(workshop, engine, canary=True)

    assert update.state == State.CANARY
    assert registry.live().name == "base"
    assert PolicyVersion.objects.get(name=update.policy).state == PolicyVersion.State.READY


def test_an_adapter_that_the_engine_does_not_serve_is_rejected(workshop, engine):
    people_have_judged(workshop)
    engine.score = lambda sequences, policy: tiny.Engine.score(
        engine, sequences, registry.as_policy(registry.base())
    )

    update = run(workshop, engine)

    assert update.state == State.REJECTED
    assert "does not serve these weights" in update.reason
    assert registry.live().name == "base"
    version = PolicyVersion.objects.get(name=update.policy)
    assert version.state == PolicyVersion.State.REJECTED
    assert version.manifest["rejected"] == update.reason
    assert engine.loaded == {"base"}


def test_a_policy_activated_by_hand_meanwhile_stays_live(workshop, engine):
    people_have_judged(workshop)
    first = run(workshop, engine)
    load = engine.load

    def load_and_go_back(policy):
        registry.activate("base", by="Ada")
        load(policy)

    engine.load = load_and_go_back

    second = run(workshop, engine)

    assert second.parent == first.policy
    assert second.state == State.REJECTED
    assert "changed meanwhile" in second.reason
    assert registry.live().name == "base"


def test_without_judgements_there_is_nothing_to_learn_from(workshop, engine):
    remembered(0)

    update = run(workshop, engine)

    assert update.state == State.FAILED
    assert "nothing to learn from yet" in update.reason
    assert update.finished_at is not None


def test_without_answers_there_is_nothing_to_learn_from(workshop, engine):
    people_have_judged(workshop)
    intake.forget_person(1)

    update = run(workshop, engine)

    assert update.state == State.FAILED
    assert "nothing to learn from yet" in update.reason
    assert not Answer.objects.exists()


def test_an_engine_that_is_down_fails_the_update_and_nothing_else(workshop, engine):
    people_have_judged(workshop)
    engine.is_down = True

    update = run(workshop, engine)

    assert (update.state, update.reason) == (State.FAILED, "No engine answers.")
    assert registry.live().name == "base"
    assert nothing_is_left(workshop, engine)


def test_an_engine_that_dies_before_the_gates_fails_the_update(workshop, engine):
    people_have_judged(workshop)

    def die(sequences, policy):
        engine.is_down = True
        return tiny.Engine.score(engine, sequences, policy)

    engine.score = die

    update = run(workshop, engine)

    assert update.state == State.FAILED
    assert registry.live().name == "base"
    assert nothing_is_left(workshop, engine) or engine.loaded
    assert PolicyVersion.objects.get(name=update.policy).state != PolicyVersion.State.READY


def test_a_full_disk_fails_the_update_and_leaves_no_half_adapter(workshop, engine, monkeypatch):
    people_have_judged(workshop)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("learning.policy.lora._write_durably", full)

    update = run(workshop, engine)

    assert update.state == State.FAILED
    assert update.reason == "There is no space left on the disk to save the adapter."
    assert nothing_is_left(workshop, engine)
    assert registry.live().name == "base"


def test_after_a_failure_the_next_update_succeeds(workshop, engine):
    people_have_judged(workshop)
    engine.is_down = True
    run(workshop, engine)
    engine.is_down = False

    assert run(workshop, engine).state == State.LIVE


def test_a_learner_that_was_killed_is_succeeded_by_another(workshop, engine, monkeypatch):
    people_have_judged(workshop)
    update = intake.request_update("Ada", canary=False)

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(LocalTrainer, "save_state", die)
        with pytest.raises(SystemExit):
            updates.run(update.pk, workshop, engine)
    left_behind = adapters() / ".training" / "left-behind"
    left_behind.mkdir(parents=True)
    update.refresh_from_db()
    assert update.state == State.TRAINING
    Update.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))

    updates.run(update.pk, workshop, engine)

    update.refresh_from_db()
    assert (update.state, update.attempts) == (State.LIVE, 2)
    assert not left_behind.exists()
    assert nothing_is_left(workshop, engine)


def test_a_second_delivery_of_a_finished_update_does_nothing(workshop, engine):
    people_have_judged(workshop)
    update = run(workshop, engine)
    asked = len(engine.asked)

    updates.run(update.pk, workshop, engine)

    assert len(engine.asked) == asked
    assert PolicyVersion.objects.exclude(name="base").count() == 1


def test_what_is_judged_at_the_last_moment_does_not_hold_an_update_up_for_ever(
    workshop, engine, monkeypatch
):
    people_have_judged(workshop)
    monkeypatch.setattr(updates, "REWARD_PATIENCE_S", 0.0)
    judged(remembered(99))

    update = run(workshop, engine)

    assert update.state == State.LIVE
    assert update.used.count() == 6
    assert Judgement.objects.filter(version=None).count() == 1
