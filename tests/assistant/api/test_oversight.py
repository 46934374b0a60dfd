"""Alarms, the most influential feedback, and leaving somebody out."""

from uuid import uuid4

import pytest

from assistant.api import oversight
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from inference import registry
from learning import queue
from learning.contracts import FeedbackKind
from learning.models import Alarm, Judgement, Participant, RewardVersion, Update, UpdateJudgement
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture
def rae():
    return factories.caller(factories.rae())


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    asked = []
    monkeypatch.setattr(queue, "ask_catch_up", lambda: asked.append("catch up"))
    monkeypatch.setattr(oversight, "REBUILD_PATIENCE_S", 0.0)
    return asked


def said(person, *, influence=None, number=1):
    """Feedback that was taken in, by a participant with a number."""
    answer = factories.served(person)
    feedback = ratings.rate(person, Opinion(answer.pk, FeedbackKind.UP)).feedback
    Participant.objects.update_or_create(person=person.pk, defaults={"number": number})
    version = RewardVersion.objects.count() + 1
    Judgement.objects.filter(feedback=feedback.pk).update(
        use="learned", weight=1.0, version=version, influence=influence
    )
    RewardVersion.objects.update(head=None)
    RewardVersion.objects.create(number=version, head=b"head")
    return feedback


def alarm(**values):
    return Alarm.objects.create(kind="drift", sentence="The reward model got worse.", **values)


def test_open_alarms_come_before_closed_ones(rae):
    first, second, third = alarm(), alarm(freezes_training=True), alarm()
    rae.post(f"/v1/learning/alarms/{third.pk}/close", {"note": "Seen."}, content_type=JSON)

    found = rae.get("/v1/learning/alarms").json()["data"]

    assert [each["id"] for each in found] == [str(each.pk) for each in (second, first, third)]
    assert found[0]["freezes_training"] is True
    assert [each["closed_by"] for each in found] == ["", "", "rae"]


def test_an_alarm_is_closed_once_and_the_first_note_stays(rae):
    opened = alarm(freezes_training=True)
    where = f"/v1/learning/alarms/{opened.pk}/close"

    first = rae.post(where, {"note": "A spam wave."}, content_type=JSON).json()
    again = rae.post(where, {"note": "Never mind."}, content_type=JSON).json()

    assert first["closed_at"] is not None
    assert first["note"] == "A spam wave."
    assert again == first


def test_an_unknown_alarm_is_a_404(rae):
    where = f"/v1/learning/alarms/{uuid4()}/close"

    assert rae.post(where, {}, content_type=JSON).status_code == 404


def test_the_most_influential_feedback_comes_first_and_names_nobody(rae):
    said(factories.ada(), influence=0.1, number=1)
    most = said(factories.ben(), influence=0.4, number=2)
    said(factories.cy(), number=3)

    found = rae.get("/v1/learning/influential").json()["data"]

    assert [(each["participant"], each["influence"]) for each in found] == [(2, 0.4), (1, 0.1)]
    assert found[0]["feedback"] == str(most.pk)
    assert "ben" not in str(found)


def test_whoever_is_left_out_is_forgotten_and_may_be_taken_back(
    rae, asked, django_capture_on_commit_callbacks
):
    feedback = said(factories.ben(), influence=0.4, number=2)
    version = registry.stage("/adapters/x", "ab" * 32, registry.base(), {})
    update = Update.objects.create(requested_by="rho", state="live", policy=version.name)
    judgement = Judgement.objects.get(feedback=feedback.pk)
    UpdateJudgement.objects.create(update=update, judgement=judgement)
    asked.clear()

    with django_capture_on_commit_callbacks(execute=True):
        left = rae.post(
            "/v1/learning/participants/2/leave-out", {"because": "A bot."}, content_type=JSON
        ).json()

    ben = Participant.objects.get(number=2)
    assert left == {
        "participant": 2,
        "is_left_out": True,
        "version": None,
        "policies": [version.name],
    }
    assert (ben.left_out_by, ben.left_out_because) == ("rae", "A bot.")
    assert asked
    assert rae.get("/v1/learning/influential").json()["data"][0]["is_left_out"] is True

    RewardVersion.objects.create(number=9, head=b"head without them")
    taken = rae.post("/v1/learning/participants/2/take-back", {}, content_type=JSON).json()

    assert taken["is_left_out"] is False


def test_an_unknown_participant_is_a_404(rae):
    for what in ("leave-out", "take-back"):
        response = rae.post(f"/v1/learning/participants/99/{what}", {}, content_type=JSON)

        assert response.status_code == 404
        assert response.json()["error"]["code"] == "participant_unknown"
