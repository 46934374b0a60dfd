"""A version on trial on the real processes: beat widens the share, thumbs take the version back."""

from __future__ import annotations

import hashlib
import time

import pytest

from tests.inference.lora import WEIGHTS, make_adapter
from tests.system.stack import MODEL, Stack, wait_until
from tests.system.test_loop import Person

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(600)]

# Twelve bad words against twelve good ones; ten would do.
THUMBS = 12
BEGIN = """
from inference import registry
from learning import canary
from learning.models import Update
update = Update.objects.create(requested_by="test", canary=True, state=Update.State.CANARY)
version = registry.accept(registry.stage({path!r}, {digest!r}, registry.base(), {{}}))
Update.objects.filter(pk=update.pk).update(policy=version.name)
canary.begin(update, version, registry.live())
print(update.pk, version.name)
"""


@pytest.fixture
def tom(stack: Stack) -> Person:
    person = Person(stack, "--role", "admin", "--training", "on")
    person.post("/v1/policies/base/activate").raise_for_status()
    return person


def test_a_version_that_people_dislike_is_taken_back_within_seconds(stack: Stack, tom: Person):
    for _ in range(THUMBS):
        judge(tom, "up", expected="base")
    update, name = begin_a_trial(stack)

    # Few people have talked here; a share that none of them falls into is widened by beat.
    wait_until(lambda: ask(tom).model == name, 120, "answer by the version on trial")
    for _ in range(THUMBS):
        if tom.get(f"/v1/updates/{update}").json()["state"] != "canary":
            break
        judge(tom, "down")
    judged_at = time.monotonic()
    wait_until(lambda: state_of(tom, update) == "rejected", 30, "rollback")
    took_s = time.monotonic() - judged_at

    ended = tom.get(f"/v1/updates/{update}").json()
    assert ask(tom).model == "base"
    assert "people disliked" in ended["reason"]
    assert took_s < 20
    alarms = tom.get("/v1/learning/alarms").json()["data"]
    assert any(name in alarm["sentence"] for alarm in alarms)
    entries = tom.get("/v1/ledger").json()["data"]
    tried = [entry["body"]["state"] for entry in entries if entry["subject"] == name]
    assert tried[0] == "running"
    assert tried[-1] == "rolled_back"


def begin_a_trial(stack: Stack) -> list[str]:
    """The update's id and the version's name; the adapter does next to nothing."""
    folder = make_adapter(stack.home / "adapters" / "on-trial", MODEL, scale=0.01)
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    code = BEGIN.format(path=str(folder), digest=digest)
    return stack.manage("shell", "-c", code).split()[-2:]


def ask(person: Person):
    return person.ask("What is rain?")


def judge(person: Person, kind: str, expected: str = "") -> None:
    answer = ask(person)
    assert not expected or answer.model == expected
    person.post("/v1/feedback", message=answer.id, kind=kind).raise_for_status()


def state_of(person: Person, update: str) -> str:
    return person.get(f"/v1/updates/{update}").json()["state"]
