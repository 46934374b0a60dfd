import pytest

from assistant.feedback import experiences
from learning.models import Alarm, Judgement, RewardMetrics, Update
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return factories.caller(factories.ada())


def test_the_newest_points_come_oldest_first(ada):
    for version in (8, 16, 24):
        RewardMetrics.objects.create(version=version, events=version, people=2, auc=0.7)

    points = ada.get("/v1/learning/metrics?limit=2").json()["points"]

    assert [point["version"] for point in points] == [16, 24]
    assert (points[0]["auc"], points[0]["held_out_auc"]) == (0.7, None)


def test_it_says_what_the_next_update_waits_for(ada, settings):
    settings.UPDATE_EVENTS = 32
    experiences.judge(factories.feedback(factories.served(factories.ada())))
    Judgement.objects.update(use="learned", weight=0.5, version=1)

    found = ada.get("/v1/learning/metrics").json()

    assert (found["effective_events"], found["needed_events"]) == (0.5, 32)
    assert found["frozen"] == ""
    assert found["next_reason"]


def test_an_update_that_runs_is_what_is_waited_for(ada):
    Update.objects.create(requested_by="rho")

    assert ada.get("/v1/learning/metrics").json()["next_reason"] == "An update is running."


def test_an_alarm_freezes_until_a_reviewer_closes_it(ada):
    alarm = Alarm.objects.create(kind="drift", sentence="People changed.", freezes_training=True)

    assert "People changed." in ada.get("/v1/learning/metrics").json()["frozen"]

    factories.caller(factories.rae()).post(
        f"/v1/learning/alarms/{alarm.pk}/close", {"note": "Seen."}, content_type="application/json"
    )

    assert ada.get("/v1/learning/metrics").json()["frozen"] == ""
