"""Whole updates on a tiny model: real trainer, reward head, gates, files and rows."""

import errno
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from safetensors.torch import load_file, save_file

from inference import registry
from inference.engine.adapters import WEIGHTS, digest_of
from inference.models import PersonalAlias, PolicyVersion
from inference.storage import Storage
from learning import intake, ledger, lineage
from learning.config import GateConfig
from learning.contracts import FeedbackKind
from learning.lineage import judgements_digest
from learning.models import Alarm, Answer, Judgement, Update
from learning.policy.local import LocalTrainer
from learning.worker import rewards, updates
from learning.worker.examination import Verdict
from learning.worker.revision import revision
from tests.inference import s3

from .. import tiny
from ..rows import BEN, judged, remembered

pytestmark = pytest.mark.django_db(transaction=True)
State = Update.State


# A random model gets better or worse by chance: only what is served is looked at closely here.
LENIENT = GateConfig(
    texts=16,
    prompts=4,
    questions=8,
    asked=4,
    asked_tokens=4,
    max_answers_drop=100,
    probes=4,
    held_out=4,
    max_new_tokens=8,
    min_rise_chance=0,
    max_text_loss_rise=1,
    max_kl=9,
    min_corrections_kept=0,
    max_rule_drop=9,
    max_questions_drop=100,
    max_unsure_drop=100,
    min_length_ratio=0,
    max_length_ratio=9,
    max_repetition_rise=1,
    max_refusal_change=1,
    max_probe_drop=9,
    max_probe_drop_from_base=9,
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> tiny.TinyWorkshop:
    folder = tmp_path_factory.mktemp("workshop")
    made = tiny.TinyWorkshop(folder / "model", folder / "cache", "You help.", 2, gates=LENIENT)
    assert made.base is not None
    return made


@pytest.fixture
def engine() -> tiny.Engine:
    return tiny.Engine()


@pytest.fixture(autouse=True)
def _clean():
    """Other tests share the folder of adapters."""
    shutil.rmtree(adapters(), ignore_errors=True)
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
    assert {"finite weights", "served is trained"} < {gate["name"] for gate in update.gates}
    assert all(gate["passed"] for gate in update.gates)
    assert update.used.count() == 6
    assert update.policy in engine.loaded
    assert nothing_is_left(workshop, engine)
    # The first step samples from the parent, the second from an adapter of its own, and before them
    # the base was asked what it is held to.
    assert engine.asked[:2] == ["base", "base"]
    assert engine.asked[2].startswith(f"training-{update.pk.hex}-1-")


def test_a_version_that_moved_too_far_is_examined_again_on_its_way_back(
    workshop, engine, monkeypatch
):
    people_have_judged(workshop)
    examine, seen = updates.examine_version, []

    def examine_strictly_at_first(trainer, crew, version, *rest):
        seen.append(version)
        verdict = examine(trainer, crew, version, *rest)
        return Verdict("It moved too far.", is_too_far=True) if len(seen) == 1 else verdict

    monkeypatch.setattr(updates, "examine_version", examine_strictly_at_first)

    update = run(workshop, engine)

    far, nearer = (PolicyVersion.objects.get(pk=version.pk) for version in seen)
    assert far.state == PolicyVersion.State.REJECTED
    assert far.manifest["rejected"] == "It moved too far."
    assert (update.state, update.policy) == (State.LIVE, nearer.name)
    assert nearer.digest != far.digest
    assert registry.live() == nearer
    assert ledger.check().holds


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


def test_an_engine_that_dies_while_it_samples_fails_the_update(workshop, engine):
    people_have_judged(workshop)
    sample = engine.sample

    def die_at_the_second_step(*asked):
        engine.is_down = len(engine.asked) == 2
        return sample(*asked)

    engine.sample = die_at_the_second_step

    update = run(workshop, engine)

    assert (update.state, update.reason) == (State.FAILED, "No engine answers.")
    assert len(update.metrics) == 1
    assert registry.live().name == "base"
    assert not any(adapters().glob(".training/*"))


def test_an_engine_that_dies_during_the_swap_leaves_the_live_policy(workshop, engine, monkeypatch):
    people_have_judged(workshop)
    examine = updates.examine_version

    def examine_and_die(*args):
        refusal = examine(*args)
        engine.is_down = True
        return refusal

    monkeypatch.setattr(updates, "examine_version", examine_and_die)

    update = run(workshop, engine)

    assert (update.state, update.reason) == (State.FAILED, "No engine answers.")
    assert registry.live().name == "base"
    version = PolicyVersion.objects.get(name=update.policy)
    assert version.state == PolicyVersion.State.REJECTED
    assert version.manifest["rejected"] == "No engine answers."


@pytest.mark.parametrize("left", [0, -1])
def test_a_live_adapter_that_was_truncated_fails_the_next_update(workshop, engine, left):
    people_have_judged(workshop)
    first = run(workshop, engine)
    weights = Path(registry.live().path) / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:left])

    second = run(workshop, engine)

    assert second.state == State.FAILED
    assert "truncated or changed" in second.reason
    assert registry.live().name == first.policy


def test_a_live_adapter_of_another_model_fails_the_next_update(workshop, engine, tmp_path):
    people_have_judged(workshop)
    first = run(workshop, engine)
    weights = Path(registry.live().path) / WEIGHTS
    foreign = {name.replace("layers.0", "h.0"): t for name, t in load_file(weights).items()}
    save_file(foreign, weights)
    PolicyVersion.objects.filter(name=first.policy).update(digest=digest_of(weights.parent))

    second = run(workshop, engine)

    assert second.state == State.FAILED
    assert "weights for another model" in second.reason
    assert registry.live().name == first.policy


def test_an_open_alarm_stops_an_update_before_it_starts(workshop, engine):
    people_have_judged(workshop)
    Alarm.objects.create(
        kind="drift", sentence="People changed their minds.", freezes_training=True
    )

    update = run(workshop, engine)

    assert update.state == State.FAILED
    assert "People changed their minds." in update.reason
    assert engine.asked == []


def test_manifest_and_ledger_say_what_a_version_was_made_from(workshop, engine):
    people_have_judged(workshop)

    update = run(workshop, engine)

    version = PolicyVersion.objects.get(name=update.policy)
    judged = list(Judgement.objects.all())
    digest = judgements_digest(each.feedback for each in judged)
    assert version.manifest["update"] == str(update.pk)
    assert (version.manifest["judgements"], version.manifest["judgements_digest"]) == (6, digest)
    assert version.manifest["first_judgement"] == min(each.pk for each in judged)
    assert version.manifest["last_judgement"] == max(each.pk for each in judged)
    assert version.manifest["reward"]["version"] == 6
    assert version.manifest["revision"] == revision()
    [entry] = [e for e in ledger.of(version.name) if e.kind == ledger.Kind.TRAINED]
    assert entry.body["digest"] == version.digest == digest_of(Path(version.path))
    assert (entry.body["judgements"], entry.body["judgements_digest"]) == (6, digest)
    assert (entry.body["parent"], entry.body["reward_version"]) == ("base", 6)
    assert lineage.of(version).digest_holds is True
    assert ledger.check().holds


def test_adapters_travel_through_an_object_store(workshop, tmp_path, monkeypatch):
    people_have_judged(workshop)
    with s3.running() as server:
        monkeypatch.setattr(django_settings, "STORAGE", "s3://danas/adapters")
        monkeypatch.setattr(django_settings, "STORAGE_OPTIONS", server.options)
        elsewhere = Storage("s3://danas", tmp_path / "elsewhere", server.options)
        engine = EngineElsewhere(elsewhere)

        first, second = run(workshop, engine), run(workshop, engine)

        assert (first.state, second.state) == (State.LIVE, State.LIVE)
        live = registry.live()
        assert live.path == f"s3://danas/adapters/{live.digest[:16]}"
        assert second.parent == first.policy
        # Those of steps were taken back, and nobody's prompts are left.
        left = s3.names(server, "danas")
        assert {name.split("/")[1] for name in left} == {
            version.digest[:16] for version in PolicyVersion.objects.exclude(path="")
        }
    assert not any(path for path in adapters().glob("*") if path.name != ".training")


class EngineElsewhere(tiny.Engine):
    """An engine that sees none of the learner's folders, and fetches what it is told to load."""

    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage

    def sample(self, prompts, sampling, policy, samples):
        return super().sample(prompts, sampling, self._fetched(policy), samples)

    def _logprobs(self, data, policy):
        return super()._logprobs(data, self._fetched(policy))

    def _fetched(self, policy):
        if policy.path is None:
            return policy
        assert policy.path.startswith("s3://")
        return replace(policy, path=str(self._storage.fetch(policy.path, policy.digest)))


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


def killed_in_the_second_step(workshop, engine) -> Update:
    """An update whose learner is gone without a word, and for long enough to be missed."""
    update = intake.request_update("Ada", canary=False)
    sample = engine.sample

    def die(*asked):
        if len(engine.asked) == 2:
            raise SystemExit
        return sample(*asked)

    engine.sample = die
    with pytest.raises(SystemExit):
        updates.run(update.pk, workshop, engine)
    engine.sample = sample
    Update.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    update.refresh_from_db()
    return update


def test_an_update_goes_on_from_its_last_saved_step(workshop, engine):
    people_have_judged(workshop)
    update = killed_in_the_second_step(workshop, engine)
    assert (update.state, update.saved_step) == (State.TRAINING, 1)
    first_step = update.metrics

    updates.run(update.pk, workshop, engine)

    update.refresh_from_db()
    assert (update.state, update.attempts, update.saved_step) == (State.LIVE, 2, 2)
    assert [step["step"] for step in update.metrics] == [1, 2]
    assert update.metrics[:1] == first_step
    # The first attempt sampled the first step, the second only what was missing; both asked the
    # base first what it is held to.
    assert engine.asked[:4] == ["base", "base", "base", f"training-{update.pk.hex}-2-1"]
    assert nothing_is_left(workshop, engine)


def test_what_was_withdrawn_meanwhile_is_not_gone_on_from(workshop, engine):
    people_have_judged(workshop)
    update = killed_in_the_second_step(workshop, engine)
    intake.revoke(Judgement.objects.latest("pk").feedback)
    rewards.catch_up(workshop.extractor, workshop.answer_ids)

    updates.run(update.pk, workshop, engine)

    update.refresh_from_db()
    assert (update.state, update.used.count()) == (State.LIVE, 5)
    # It started anew: the first step was sampled from the parent once more.
    assert engine.asked[:4] == ["base"] * 4


def test_kto_learns_from_the_answers_as_they_were_judged(workshop, engine):
    people_have_judged(workshop)
    update = intake.request_update("Ada", canary=False, algorithm="kto")

    updates.run(update.pk, workshop, engine)

    update.refresh_from_db()
    assert (update.state, update.reason) == (State.LIVE, "It passed its gates and is live.")
    assert PolicyVersion.objects.get(name=update.policy).manifest["algorithm"] == "kto"
    # Nothing was sampled to learn from: the engine was only asked by the gates.
    assert set(engine.asked) <= {"base", update.policy}
    assert all(step["sample_s"] == 0 for step in update.metrics)


def test_a_persons_own_adapter_learns_from_them_alone_and_answers_nobody_else(workshop, engine):
    people_have_judged(workshop)
    for number in range(10, 16):
        answer = remembered(number, person=BEN, prompt=workshop.prompt_ids(f"Ben's {number}?"))
        judged(answer, FeedbackKind.UP if number % 2 else FeedbackKind.DOWN, person=BEN)
    rewards.catch_up(workshop.extractor, workshop.answer_ids)

    made = []
    for _ in range(2):
        update = Update.objects.create(requested_by="Ben", person=BEN)
        updates.run(update.pk, workshop, engine)
        update.refresh_from_db()
        made.append(update)

    first, second = made
    assert first.reason == "It passed its gates and answers the person it was made for."
    assert {used.judgement.person for used in first.used.all()} == {BEN}
    assert registry.live().name == "base"
    version = PersonalAlias.objects.get(person=BEN).policy
    assert (version.name, version.person) == (second.policy, BEN)
    # The second goes on from the first.
    assert (first.parent, second.parent) == ("base", first.policy)


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
