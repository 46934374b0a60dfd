"""What comes between a reviewer's look and their decision: others, the person, a worker."""

from __future__ import annotations

import threading
import time
from datetime import date

import pytest
from django.db import OperationalError, connection, transaction

from assistant.errors import AssistantError, LeaseLost, ReviewInvalid
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from assistant.models import Bulk, Contradiction, ReviewItem, Role, User, Verdict
from assistant.review import bulk, claims, decisions, describing, items, redaction
from assistant.review.decisions import Ruling
from assistant.review.filters import Filters, matching
from assistant.review.redaction import Span
from learning import intake
from learning.contracts import FeedbackKind
from learning.models import Experience
from tests import factories
from tests.system.stack import MODEL

State = ReviewItem.State
NUMBER = "+63 917 123 4567"


@pytest.fixture(autouse=True)
def _nobody_twice(settings):
    settings.REVIEW_TWICE = 0
    settings.REVIEW_THUMBS_UP = 100


def rob():
    return factories.person("rob", Role.REVIEWER)


def rated(answer, kind=FeedbackKind.DOWN, text=""):
    who = answer.conversation.owner
    feedback = ratings.rate(who, Opinion(answer.pk, kind, text)).feedback
    return ReviewItem.objects.get(feedback=feedback)


def item(by=None, said="Good morning."):
    return rated(factories.served(by or factories.ada(), said))


def decided(reviewer, row, verdict, **values):
    held = claims.claim(reviewer, row.pk)
    return decisions.decide(reviewer, row.pk, held.token, Ruling(verdict, **values))


def two_in_one_conversation(first, second):
    """Items about two answers to one message."""
    answer = factories.served(factories.ada(), first)
    return rated(answer), rated(factories.answer(answer.parent, second))


@pytest.mark.django_db
def test_spans_marked_before_another_redaction_moved_the_text_are_refused():
    row, other = two_in_one_conversation(f"Call {NUMBER}.", f"{NUMBER} is Maria Cruz.")
    held = claims.claim(factories.rae(), other.pk)
    place = held.answer.index("Maria")

    decided(rob(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])

    spans = [Span("answer", place, place + len("Maria Cruz"))]
    with pytest.raises(LeaseLost, match="changed"):
        decisions.decide(factories.rae(), other.pk, held.token, Ruling(Verdict.REDACT, spans=spans))


@pytest.mark.django_db
def test_a_redaction_that_changes_nothing_of_an_item_leaves_its_holder_alone():
    row, other = two_in_one_conversation(f"Call {NUMBER}.", "No idea.")
    held = claims.claim(factories.rae(), other.pk)

    decided(rob(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])

    done = decisions.decide(factories.rae(), other.pk, held.token, Ruling(Verdict.ACCEPT))
    assert done.state == "accepted"


@pytest.mark.django_db
def test_what_stands_around_a_redaction_can_be_blacked_out_too():
    row, other = two_in_one_conversation(f"Call {NUMBER}.", f"Ask {NUMBER} or Maria.")
    decided(rob(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])
    assert claims.find(other.pk).answer == "Ask [redacted] or Maria."

    # From the mask on to the end of the name.
    done = decided(factories.rae(), other, Verdict.REDACT, spans=[Span("answer", 4, 23)])

    assert done.answer == "Ask [redacted] [redacted]."


@pytest.mark.django_db
def test_a_mask_alone_is_nothing_to_black_out():
    with pytest.raises(ReviewInvalid, match="at least 3"):
        redaction.marked({"answer": "Ask [redacted]."}, [Span("answer", 4, 14)])


@pytest.mark.django_db
def test_a_correction_loses_what_is_blacked_out_later_and_gets_it_back(settings):
    settings.MODEL_PATH = MODEL
    row, other = two_in_one_conversation("No idea.", f"Call {NUMBER}.")
    decided(factories.rae(), row, Verdict.CORRECT, text=f"Call {NUMBER}, please.")

    decided(rob(), other, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])
    learned = Experience.objects.get().text
    decisions.undo(rob(), other.pk)

    assert learned == "Call [redacted], please."
    assert Experience.objects.get().text == f"Call {NUMBER}, please."


@pytest.mark.django_db
def test_bulk_is_undone_but_for_what_somebody_holds_by_now():
    rows = [item() for _ in range(3)]
    made = bulk.preview(factories.rae(), Filters(kind="down"), Verdict.ESCALATE)
    bulk.apply(factories.rae(), made.bulk.pk)
    claims.claim(factories.ann(), rows[0].pk)

    outcome = bulk.undo(factories.rae(), made.bulk.pk)

    assert (outcome.done, outcome.skipped) == (2, 1)
    rows[0].refresh_from_db()
    assert rows[0].state == "escalated"


@pytest.mark.django_db
def test_previews_that_nobody_applied_are_forgotten():
    item()
    bulk.preview(factories.rae(), Filters(), Verdict.REJECT)
    old = Bulk.objects.get()
    done = bulk.preview(factories.rae(), Filters(), Verdict.ACCEPT).bulk
    bulk.apply(factories.rae(), done.pk)
    Bulk.objects.update(made_at=old.made_at - 2 * bulk.PREVIEWS_KEPT)

    describing.describe_all()
    bulk.forget_previews()

    assert Bulk.objects.get() == done


@pytest.mark.django_db
def test_the_last_day_that_there_is_can_be_asked_for():
    row = item()

    assert list(matching(Filters(until=date.max))) == [row]
    assert not matching(Filters(since=date.max)).exists()


@pytest.mark.django_db
def test_marks_of_a_text_that_was_redacted_meanwhile_are_not_kept(monkeypatch):
    answer = factories.served(factories.ada(), "Hello.")
    row = rated(factories.answer(factories.said(answer.conversation, "More?", answer), "No."))
    real = describing.embed

    def embed_and_redact(texts):
        # What changes is far up the path, not in the words that are searched.
        answer.conversation.redactions.create(words="Hello")
        items.retell(answer.conversation_id)
        monkeypatch.setattr(describing, "embed", real)
        return real(texts)

    ReviewItem.objects.filter(pk=row.pk).update(
        path=[{"role": "user", "text": "a@example.com"}, *row.path[1:]]
    )
    monkeypatch.setattr(describing, "embed", embed_and_redact)
    describing.describe_all()

    row.refresh_from_db()
    assert row.described_at is not None
    assert row.pii == []


@pytest.mark.django_db
def test_an_item_whose_contradictions_were_not_noted_is_described_again(monkeypatch):
    said = "The tides rise and fall because the Moon pulls at the sea."
    liked = rated(factories.served(factories.ada(), said), FeedbackKind.UP)
    rated(factories.served(factories.ben(), said))

    def die(*_):
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(describing, "similar", die)
        with pytest.raises(ConnectionError):
            describing.describe_all()
    describing.describe_all()

    assert Contradiction.objects.filter(item=liked).exists()


@pytest.mark.django_db
def test_somebody_s_own_first_decision_is_never_theirs_to_second(settings):
    settings.REVIEW_TWICE = 100
    rob()
    row = item()
    decided(factories.rae(), row, Verdict.ACCEPT)

    # As a second tab does that looked at the queue before the first one decided.
    assert not claims._take(factories.rae(), row.pk, State.PENDING)
    assert claims._take(rob(), row.pk, State.PENDING)


@pytest.mark.django_db(transaction=True)
def test_somebody_who_judges_during_a_bulk_waits_and_is_not_refused():
    rows = [item(by=who) for who in (factories.ada(), factories.ben())]
    made = bulk.preview(factories.rae(), Filters(), Verdict.REJECT)
    assert made.bulk.items == [row.pk for row in rows]
    holds_ben = threading.Event()
    refused = []

    def take_back_slowly():
        try:
            with transaction.atomic():
                User.objects.select_for_update(no_key=True).get(pk=rows[1].person_id)
                holds_ben.set()
                _wait_for(1)
                intake.lock_reward()
        except (AssistantError, OperationalError) as error:
            refused.append(error)
        connection.close()

    person = threading.Thread(target=take_back_slowly)
    person.start()
    holds_ben.wait(10)
    outcome = bulk.apply(factories.rae(), made.bulk.pk)
    person.join()

    assert refused == []
    assert outcome.done == 2


@pytest.mark.django_db(transaction=True)
def test_a_decision_that_is_sent_twice_at_once_is_made_once():
    row = item()
    held = claims.claim(factories.rae(), row.pk)
    found = []

    def decide():
        try:
            found.append(
                decisions.decide(factories.rae(), row.pk, held.token, Ruling(Verdict.ACCEPT)).state
            )
        except (AssistantError, OperationalError) as error:
            found.append(error)
        connection.close()

    with transaction.atomic():
        User.objects.select_for_update().get(pk=row.person_id)
        threads = [threading.Thread(target=decide) for _ in range(2)]
        for each in threads:
            each.start()
        # Both have read the item by now, and wait for the person.
        _wait_for(2)
    for each in threads:
        each.join()

    assert found == ["accepted", "accepted"]


@pytest.mark.django_db(transaction=True)
def test_an_undo_that_is_sent_twice_at_once_takes_back_one_decision(settings):
    settings.REVIEW_TWICE = 100
    row, rae = item(), factories.rae()
    decided(rob(), row, Verdict.ACCEPT)
    decided(rae, row, Verdict.ACCEPT)
    found, ann = [], factories.ann()

    def undo():
        try:
            found.append(decisions.undo(ann, row.pk).state)
        except (AssistantError, OperationalError) as error:
            found.append(type(error))
        connection.close()

    with transaction.atomic():
        User.objects.select_for_update().get(pk=row.person_id)
        threads = [threading.Thread(target=undo) for _ in range(2)]
        for each in threads:
            each.start()
        _wait_for(2)
    for each in threads:
        each.join()

    assert sorted(map(str, found)) == ["<class 'assistant.errors.NotFound'>", "pending"]
    assert row.decisions.filter(undone_at=None).count() == 1


def _wait_for(number):
    """Until so many connections wait for a lock. pg_stat_activity would be as of the first look."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= number:
                return
