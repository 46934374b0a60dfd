"""The review queue: Ada and Ben say things, Rae and Rob review them, Ann administers."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from assistant.accounts import people
from assistant.errors import ItemTaken, LeaseLost, NotAllowed, NotFound, PreviewStale
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from assistant.models import (
    AuditEntry,
    Contradiction,
    Feedback,
    Message,
    Redaction,
    ReviewItem,
    Role,
    Trajectory,
    Verdict,
    Window,
)
from assistant.review import audit, bulk, claims, decisions, describing, listing, redaction
from assistant.review.agreement import agreement
from assistant.review.decisions import Ruling
from assistant.review.filters import Filters, matching
from assistant.review.redaction import Span
from assistant.tokens import tokenizer
from learning import ledger
from learning.contracts import FeedbackKind
from learning.models import Answer, Experience, Judgement, RewardVersion
from tests import factories
from tests.system.stack import MODEL, make_model

pytestmark = pytest.mark.django_db
NUMBER = "+63 917 123 4567"


@pytest.fixture(autouse=True)
def _nobody_twice(settings):
    settings.REVIEW_TWICE = 0
    settings.REVIEW_THUMBS_UP = 100


def rob():
    return factories.person("rob", Role.REVIEWER)


def item(kind=FeedbackKind.DOWN, *, by=None, answer=None, text="", tags=(), said="Good morning."):
    by = by or factories.ada()
    answer = answer or factories.served(by, said)
    feedback = ratings.rate(by, Opinion(answer.pk, kind, text, tags=tags)).feedback
    return ReviewItem.objects.get(feedback=feedback)


def decided(reviewer, row, verdict, **values):
    held = claims.claim(reviewer, row.pk)
    return decisions.decide(reviewer, row.pk, held.token, Ruling(verdict, **values))


def judgement(row):
    return Judgement.objects.get(feedback=row.feedback_id)


def test_feedback_becomes_an_item_with_prompt_and_answer_as_they_were():
    row = item(FeedbackKind.DOWN, text="Too short.", tags=("too_short",))

    assert row.path == [{"role": "user", "text": "Hello"}]
    assert (row.answer, row.said, row.tags) == ("Good morning.", "Too short.", ["too_short"])
    assert row.state == "pending"
    assert row.polarity == -1


def test_without_consent_to_training_there_is_no_item():
    answer = factories.served(factories.ben(training=False))

    ratings.rate(factories.ben(), Opinion(answer.pk, FeedbackKind.DOWN))

    assert not ReviewItem.objects.exists()


def test_only_a_share_of_bare_thumbs_up_is_looked_at(settings):
    settings.REVIEW_THUMBS_UP = 0
    answer, other = factories.served(factories.ada()), factories.served(factories.ada())

    ratings.rate(factories.ada(), Opinion(answer.pk, FeedbackKind.UP))
    ratings.rate(factories.ada(), Opinion(other.pk, FeedbackKind.UP, "Just right."))

    assert ReviewItem.objects.get().said == "Just right."


def test_what_is_taken_back_withdrawn_or_deleted_leaves_the_queue():
    taken_back, deleted = item(), item()
    withdrawn = item(by=factories.ben())

    ratings.take_back(factories.ada(), taken_back.feedback_id)
    people.change_consent(factories.ben(), training=False, research=None)
    deleted.conversation.delete()

    left = ReviewItem.objects.filter(pk__in=[taken_back.pk, deleted.pk, withdrawn.pk])
    assert not left.exists()


def test_two_reviewers_never_hold_one_item():
    row = item()

    first = claims.claim_next(factories.rae(), Filters())

    assert first is not None
    assert first.pk == row.pk
    assert claims.claim_next(rob(), Filters()) is None
    with pytest.raises(ItemTaken, match="rae is looking"):
        claims.claim(rob(), row.pk)


def test_a_lease_that_ended_is_lost_to_whoever_takes_the_item():
    row = item()
    mine = claims.claim(factories.rae(), row.pk)
    ReviewItem.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    claims.claim(rob(), row.pk)

    with pytest.raises(LeaseLost, match="rob has it now"):
        claims.renew(factories.rae(), row.pk, mine.token)
    with pytest.raises(LeaseLost, match="rob has it now"):
        decisions.decide(factories.rae(), row.pk, mine.token, Ruling(Verdict.ACCEPT))


def test_a_lease_that_ended_and_that_nobody_took_goes_on():
    row = item()
    mine = claims.claim(factories.rae(), row.pk)
    ReviewItem.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    again = claims.renew(factories.rae(), row.pk, mine.token)

    assert again.lease_until > timezone.now()


def test_nobody_reviews_what_they_said_themselves_unless_alone():
    own = item(by=factories.ann())

    assert claims.claim_next(factories.ann(), Filters()).pk == own.pk
    claims.release(factories.ann(), own.pk, ReviewItem.objects.get().token)
    factories.rae()
    assert claims.claim_next(factories.ann(), Filters()) is None
    with pytest.raises(NotAllowed, match="your own feedback"):
        claims.claim(factories.ann(), own.pk)


def test_the_most_telling_item_comes_first_and_skipped_ones_do_not():
    late, telling = item(), item()
    Judgement.objects.filter(feedback=telling.feedback_id).update(influence=0.5, predicted=0.5)

    changed = describing.refresh()

    # 0.5 x 4 x 0.5 x 0.5 = 0.5, and nothing is known of the other.
    telling.refresh_from_db()
    assert (changed, telling.priority, telling.unsure) == (1, 0.5, 1.0)
    assert claims.claim_next(factories.rae(), Filters()).pk == telling.pk
    assert claims.claim_next(rob(), Filters(), [telling.pk]).pk == late.pk


def test_an_accepted_item_is_an_experience_until_that_is_undone():
    row = item(FeedbackKind.CORRECTION, text="Good evening.")

    done = decided(factories.rae(), row, Verdict.ACCEPT)

    assert done.state == "accepted"
    assert Experience.objects.get().judgement == judgement(row)
    assert [each.body for each in ledger.of(str(row.feedback_id))] == [
        {"verdict": "accepted", "reviewers": 1}
    ]
    undone = decisions.undo(factories.rae(), row.pk)
    assert undone.state == "pending"
    assert undone.holder == factories.rae()
    assert not Experience.objects.exists()


def test_a_reviewer_s_correction_stays_apart_from_what_the_person_said():
    row = item(FeedbackKind.CORRECTION, text="Good evning.")

    decided(factories.rae(), row, Verdict.CORRECT, text="Good evening.")

    assert Experience.objects.get().text == "Good evening."
    assert judgement(row).text == Feedback.objects.get().text == "Good evning."


def test_a_rejected_item_counts_for_the_reward_model_no_more_until_undone():
    row = item()
    Judgement.objects.update(version=1, use=Judgement.Use.LEARNED)
    RewardVersion.objects.create(number=1, head=b"head")

    decided(factories.rae(), row, Verdict.REJECT)

    assert judgement(row).rejected_at is not None
    assert RewardVersion.objects.get().head is None
    decisions.undo(factories.rae(), row.pk)
    assert judgement(row).rejected_at is None


def test_deciding_twice_under_one_claim_is_deciding_once():
    row = item()
    held = claims.claim(factories.rae(), row.pk)

    for _ in range(2):
        decisions.decide(factories.rae(), row.pk, held.token, Ruling(Verdict.ACCEPT))

    assert row.decisions.count() == 1


def test_redacted_words_are_left_to_their_owner_alone():
    ada = factories.ada()
    answer = factories.served(ada, f"Your number is {NUMBER}.")
    row = item(FeedbackKind.COMMENT, by=ada, answer=answer, text=f"Yes, {NUMBER}!")
    # "Your number is " has 15 characters.
    span = Span("answer", 15, 15 + len(NUMBER))

    done = decided(factories.rae(), row, Verdict.REDACT, spans=[span])

    assert (done.state, done.answer) == ("redacted", "Your number is [redacted].")
    assert done.said == "Yes, [redacted]!"
    assert Feedback.objects.get().text == f"Yes, {NUMBER}!"
    answer.refresh_from_db()
    assert answer.text == f"Your number is {NUMBER}."


def test_a_redaction_can_be_undone():
    row = item(said=f"Call {NUMBER}.")

    decided(factories.rae(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])
    undone = decisions.undo(factories.rae(), row.pk)

    assert undone.answer == f"Call {NUMBER}."
    assert redaction.words_of(row.conversation_id) == []
    assert Redaction.objects.get().is_undone


def test_an_escalated_item_waits_for_an_administrator():
    row = item()

    decided(factories.rae(), row, Verdict.ESCALATE)

    with pytest.raises(NotAllowed, match="administrator"):
        claims.claim(rob(), row.pk)
    assert decided(factories.ann(), row, Verdict.ACCEPT).state == "accepted"


def test_a_second_reviewer_looks_blind_and_agreement_counts(settings):
    settings.REVIEW_TWICE = 100
    rae, second = factories.rae(), rob()
    row = item()

    first = decided(rae, row, Verdict.ACCEPT)

    assert first.state == "pending"
    assert not Experience.objects.exists()
    assert audit.visible_to(second, first) == audit.decisions_for(second, first) == []
    with pytest.raises(NotAllowed, match="second reviewer"):
        claims.claim(rae, row.pk)
    assert decided(second, row, Verdict.ACCEPT).state == "accepted"
    assert Experience.objects.get().reviewers == 2


def test_two_reviewers_who_disagree_leave_it_to_an_administrator(settings):
    settings.REVIEW_TWICE = 100
    factories.rae(), rob()
    row = item()

    decided(factories.rae(), row, Verdict.ACCEPT)
    disputed = decided(rob(), row, Verdict.REJECT)

    assert disputed.state == "escalated"
    assert judgement(row).rejected_at is None
    assert not Experience.objects.exists()


def test_a_lone_reviewer_waits_for_nobody(settings):
    settings.REVIEW_TWICE = 100

    assert decided(factories.rae(), item(), Verdict.ACCEPT).state == "accepted"


def test_agreement_is_what_is_beyond_chance():
    pairs = [("accept", "accept")] * 3 + [("reject", "reject")] + [("accept", "reject")]

    found = agreement(pairs)

    # Observed 4/5; by chance 4/5 x 3/5 + 1/5 x 2/5 = 14/25; (20 - 14) / (25 - 14) = 6/11.
    assert (found.pairs, found.percent) == (5, 80)
    assert found.kappa == pytest.approx(6 / 11)


def test_somebody_who_said_the_opposite_of_a_similar_answer_is_found():
    said = "The tides rise and fall because the Moon pulls at the sea."
    liked = item(FeedbackKind.UP, said=said)
    disliked = item(FeedbackKind.DOWN, by=factories.ben(), said=said)
    item(FeedbackKind.DOWN, by=factories.cy(), said="Boil the rice for twenty minutes.")

    describing.describe_all()

    assert [row.pk for row, _ in describing.similar(liked)] == [disliked.pk]
    assert listing.opposed(liked) == listing.opposed(disliked) == 1
    assert set(matching(Filters(contradiction=True))) == {liked, disliked}
    ratings.take_back(factories.ben(), disliked.feedback_id)
    assert not Contradiction.objects.exists()


def test_items_of_people_who_withdrew_are_not_neighbours():
    row, other = item(), item(by=factories.ben())
    describing.describe_all()

    # Written past the rules, as by hand: the statement itself has to look.
    type(factories.ben()).objects.filter(pk=other.person_id).update(training_consent=False)

    assert describing.similar(row) == []
    with pytest.raises(NotFound):
        claims.find(other.pk)


def test_filters_find_words_marks_tags_people_and_days():
    row = item(text="Write to ada@example.com", tags=("wrong",))
    item(by=factories.ben())
    describing.describe_all()
    today = timezone.now().date()

    for filters in (
        Filters(q="write ada@example.com"),
        Filters(pii=True),
        Filters(tag="wrong"),
        Filters(pseudonym=row.pseudonym[:8]),
    ):
        assert [each.pk for each in matching(filters)] == [row.pk]
    assert matching(Filters(since=today, until=today)).count() == 2
    assert matching(Filters(until=today - timedelta(days=1))).count() == 0


def test_bulk_does_what_was_previewed_and_nothing_else():
    rows = [item() for _ in range(3)]
    made = bulk.preview(factories.rae(), Filters(kind="down"), Verdict.ACCEPT)
    late = item()
    claims.claim(rob(), rows[0].pk)

    outcome = bulk.apply(factories.rae(), made.bulk.pk)

    assert (outcome.done, outcome.skipped) == (2, 1)
    late.refresh_from_db()
    assert late.state == "pending"
    with pytest.raises(PreviewStale):
        bulk.apply(factories.rae(), made.bulk.pk)
    assert bulk.undo(factories.rae(), made.bulk.pk).done == 2
    assert not ReviewItem.objects.exclude(state="pending").exists()


def test_the_audit_holds_no_words_and_cannot_be_changed():
    decided(factories.rae(), item(), Verdict.CORRECT, text="A secret answer.")

    (entry,) = AuditEntry.objects.all()

    assert (entry.by_name, entry.act, entry.before) == ("rae", "decide", {"state": "pending"})
    assert "secret" not in str(entry.after)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        AuditEntry.objects.update(by_name="rob")
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_the_next_of_twenty_thousand_items_is_found_by_the_index():
    row = item()
    feedback = Feedback.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO assistant_feedback (id, message_id, person_id, kind, text, tags,"
            " idempotency_key, created_at) SELECT gen_random_uuid(), message_id, person_id,"
            " 'comment', 'x', '{}', '', created_at FROM assistant_feedback,"
            " generate_series(1, 20000) WHERE id = %s",
            [feedback.pk],
        )
        columns = ", ".join(
            field.column
            for field in ReviewItem._meta.local_fields
            if field.column not in {"id", "feedback_id", "document", "priority"}
        )
        names = ", ".join(f"i.{column}" for column in columns.split(", "))
        cursor.execute(
            f"INSERT INTO assistant_reviewitem (id, feedback_id, priority, {columns})"
            f" SELECT gen_random_uuid(), f.id, random(), {names} FROM assistant_feedback f,"
            " assistant_reviewitem i WHERE f.kind = 'comment'"
        )
        cursor.execute("ANALYZE")
    free = claims.free_for(factories.rae(), matching(Filters(state="pending")))

    plan = claims.most_telling_first(free).values_list("pk")[:20].explain()

    assert "review_queue" in plan
    assert "Sort" not in plan
    assert claims.claim_next(factories.rae(), Filters()).pk != row.pk


def test_who_is_not_there_has_no_item():
    with pytest.raises(NotFound):
        claims.claim(factories.rae(), uuid4())


def test_learning_keeps_the_other_tokens_where_the_tokenizer_is_there(settings):
    make_model()
    settings.MODEL_PATH = MODEL
    words = tokenizer()
    row = item(said=f"Call {NUMBER}.")
    Trajectory.objects.update(sampled_token_ids=words.encode(f"Call {NUMBER}."))

    decided(factories.rae(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])

    kept = Answer.objects.get()
    assert words.decode(kept.response_token_ids) == "Call [redacted]."
    assert kept.logprobs == []
    assert judgement(row).version is None


def test_what_is_blacked_out_is_so_where_a_note_of_it_was_read():
    ada = factories.ada()
    row = item(said=f"Call {NUMBER}.")
    source = Message.objects.get(conversation=row.conversation_id, role="user")
    note = factories.note(ada, f"My number is {NUMBER}.", source=source)
    reader, other = factories.served(ada), factories.served(ada)
    window = Window.objects.get(message=reader)
    window.shown["notes"] = [note.text]
    window.notes = [{"id": str(note.pk), "source": str(source.pk)}]
    window.save()

    decided(factories.rae(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])

    assert redaction.words_of(reader.conversation_id) == [NUMBER]
    assert redaction.words_of(other.conversation_id) == []


def test_learning_keeps_no_tokens_that_it_cannot_black_out():
    row = item(said=f"Call {NUMBER}.")

    decided(factories.rae(), row, Verdict.REDACT, spans=[Span("answer", 5, 5 + len(NUMBER))])

    assert not Answer.objects.exists()
