import pytest

from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from inference import registry
from learning import ledger, lineage, queue
from learning.contracts import FeedbackKind
from learning.ledger import Kind
from learning.models import Judgement, LedgerEntry, Update, UpdateJudgement
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch):
    monkeypatch.setattr(queue, "ask_catch_up", lambda: None)


def said(person, kind=FeedbackKind.UP, text=""):
    answer = factories.served(person, "Rain is water that falls.")
    return ratings.rate(person, Opinion(answer.pk, kind, text)).feedback


def learned(feedback):
    """As the workers leave it: taken in as version 12, trained with, live; all in the ledger."""
    Judgement.objects.filter(feedback=feedback.pk).update(use="learned", weight=1.0, version=12)
    ledger.record(Kind.JUDGED, str(feedback.pk), {"version": 12, "use": "learned", "weight": 1.0})
    version = registry.accept(registry.stage("/adapters/x", "ab" * 32, registry.base(), {}))
    update = Update.objects.create(
        requested_by="rho", state="live", policy=version.name, reward_version=12
    )
    judgement = Judgement.objects.get(feedback=feedback.pk)
    UpdateJudgement.objects.create(update=update, judgement=judgement)
    digest = lineage.judgements_digest([feedback.pk])
    body = {"reward_version": 12, "judgements": 1, "judgements_digest": digest}
    ledger.record(Kind.TRAINED, version.name, body)
    registry.activate(version.name, by="schedule")
    return version


def test_a_receipt_says_what_was_said_of_what_and_what_became_of_it():
    ada = factories.ada()
    feedback = said(ada, FeedbackKind.CORRECTION, "Rain falls.")
    version = learned(feedback)

    (receipt,) = factories.caller(ada).get("/v1/learning/receipts").json()["data"]

    assert receipt["feedback"] == str(feedback.pk)
    assert (receipt["kind"], receipt["text"]) == ("correction", "Rain falls.")
    assert (receipt["question"], receipt["answer"]) == ("Hello", "Rain is water that falls.")
    assert receipt["message"] == str(feedback.message_id)
    assert receipt["conversation"] == str(feedback.message.conversation_id)
    assert (receipt["use"], receipt["weight"], receipt["reward_version"]) == ("learned", 1.0, 12)
    says = f"Taken in as version 12; {version.name} was trained with it and is live."
    assert receipt["sentence"] == says
    assert receipt["policies"] == [
        {"name": version.name, "state": "ready", "is_live": True, "is_in_live": True}
    ]


def test_pages_go_on_before_the_last_one_read():
    ada = factories.ada()
    ids = [str(said(ada).pk) for _ in range(3)]
    client = factories.caller(ada)

    first = client.get("/v1/learning/receipts?limit=2").json()["data"]
    rest = client.get("/v1/learning/receipts", {"before": first[-1]["at"]}).json()["data"]

    assert [each["feedback"] for each in first] == [ids[2], ids[1]]
    assert [each["feedback"] for each in rest] == [ids[0]]


def test_a_receipt_leads_to_the_version_and_the_version_back_to_the_feedback():
    ada = factories.ada()
    feedback = said(ada)
    version = learned(feedback)
    client = factories.caller(ada)

    proof = client.get(f"/v1/learning/receipts/{feedback.pk}").json()
    (policy,) = proof["receipt"]["policies"]
    made_of = client.get(f"/v1/policies/{policy['name']}").json()

    assert (proof["holds"], proof["break"]) == (True, "")
    assert [entry["kind"] for entry in proof["entries"]][:2] == ["judged", "trained"]
    assert made_of["name"] == version.name
    assert [each["feedback"] for each in made_of["judgements"]] == [str(feedback.pk)]
    assert made_of["reward_version"] == proof["receipt"]["reward_version"] == 12
    trained = next(entry for entry in made_of["entries"] if entry["kind"] == "trained")
    assert trained in proof["entries"]
    assert trained["body"]["judgements_digest"] == lineage.judgements_digest([feedback.pk])
    assert made_of["digest_holds"] is True


def test_a_broken_chain_shows_in_the_receipt():
    ada = factories.ada()
    feedback = said(ada)
    learned(feedback)
    LedgerEntry.objects.filter(kind=Kind.TRAINED).update(body={})

    proof = factories.caller(ada).get(f"/v1/learning/receipts/{feedback.pk}").json()

    assert (proof["holds"], proof["break"]) == (False, "Entry 2 was altered.")


def test_somebody_elses_receipt_does_not_exist():
    feedback = said(factories.ada())

    response = factories.caller(factories.ann()).get(f"/v1/learning/receipts/{feedback.pk}")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert factories.caller(factories.ann()).get("/v1/learning/receipts").json() == {"data": []}
