"""Words that a reviewer blacked out are in nothing that researchers get."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from pyarrow import parquet

from assistant.models import Conversation, Message, Redaction, Release, Trajectory
from assistant.search import meaning
from assistant.trajectories import building, feed, snapshots
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.lines import Reading
from learning.contracts import FeedbackKind
from tests import factories

pytestmark = pytest.mark.django_db

NUMBER = "0917 555 1234"


@pytest.fixture
def answer() -> Message:
    """One that says Ada's number, as do the question, a correction, and a sibling it is preferred
    to, in a conversation of its own."""
    where = factories.conversation(factories.ada())
    given = factories.answer(factories.said(where, f"I am at {NUMBER}."), f"Noted: {NUMBER}.")
    factories.feedback(given, FeedbackKind.CORRECTION, text=f"Written down: {NUMBER}.")
    factories.feedback(given, FeedbackKind.UP)
    sibling = factories.served(factories.ada(), f"Kept {NUMBER}.")
    factories.feedback(given, FeedbackKind.PREFERENCE, over=sibling)
    return given


def redact(where: Conversation, words: str = NUMBER) -> Redaction:
    return Redaction.objects.create(conversation=where, words=words)


def content(form: str) -> str:
    feed.give_places()
    pages = Reading(form, Filter()).pages(0, feed.head(), 100)
    return b"".join(page.content for page in pages).decode()


def row_of(answer: Message) -> dict:
    lines = [json.loads(line) for line in content("native").splitlines()]
    return next(line for line in lines if line["trajectory_id"] == str(answer.pk))


def hidden(text: str, *words: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT danas_hidden(%s, %s)", [text, list(words)])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_has_them_and_none_leaves_the_row_out(form, answer):
    whole = content(form)

    for where in Conversation.objects.all():
        redact(where)

    redacted = content(form)
    assert NUMBER in whole
    assert NUMBER not in redacted
    assert "[redacted]" in redacted
    assert len(redacted.splitlines()) == len(whole.splitlines())


def test_a_sibling_in_another_conversation_is_read_without_the_words_of_both(answer):
    redact(answer.conversation)

    rows = [json.loads(line) for line in content("trl-dpo").splitlines()]

    assert rows[-1]["rejected"][0]["content"] == "Kept [redacted]."


def test_the_native_row_has_its_texts_without_them_and_no_tokens(answer):
    redact(answer.conversation)

    row = row_of(answer)

    assert row["messages"][-1]["content"] == "I am at [redacted]."
    assert row["response"] == "Noted: [redacted]."
    assert row["feedback"][0]["text"] == "Written down: [redacted]."
    assert row["prompt_token_ids"] == row["sampled_token_ids"] == row["logprobs"] == []


def test_atif_says_still_how_many_tokens_there_were(answer):
    redact(answer.conversation)

    lines = [json.loads(line) for line in content("atif").splitlines()]
    row = next(line for line in lines if line["trajectory_id"] == str(answer.pk))

    # The factory's answers have a prompt of three tokens and two sampled ones.
    assert row["final_metrics"]["total_completion_tokens"] == 2
    assert row["steps"][-1]["metrics"]["completion_token_ids"] == []


def test_it_is_a_new_revision_and_another_one_when_it_is_undone(answer):
    feed.give_places()
    words = redact(answer.conversation)
    redacted = row_of(answer)
    words.is_undone = True
    words.save()

    again = row_of(answer)

    assert (redacted["op"], redacted["revision"]) == ("upsert", 2)
    assert again["revision"] == 3
    assert again["response"] == f"Noted: {NUMBER}."
    assert again["sampled_token_ids"] == [4, 5]


def test_a_redaction_beside_a_sibling_is_a_new_revision_too(answer):
    feed.give_places()
    sibling = Message.objects.get(parts=factories.parts(f"Kept {NUMBER}."))

    redact(sibling.conversation)

    assert row_of(answer)["revision"] == 2


def test_a_snapshot_made_before_is_refused_and_the_next_one_is_without_them(answer, settings):
    first = snapshots.ask(factories.rho(), "trl-sft", Filter())
    building.build(first.pk)

    for where in Conversation.objects.all():
        redact(where)
    second = snapshots.ask(factories.rho(), "trl-sft", Filter())
    building.build(second.pk)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (answer.pk, "redacted") in snapshots.withdrawn(first)
    assert snapshots.withdrawn(second) == []
    folder = settings.HOME.adapters.parent
    parts = [part for part in folder.rglob("*.parquet") if str(second.pk) in str(part)]
    said = [json.dumps(parquet.read_table(part).to_pylist()) for part in parts]
    assert "[redacted]" in said[0]
    assert not any(NUMBER in each for each in said)


def test_what_is_redacted_while_a_snapshot_is_built_is_found_to_have_changed(answer):
    row = snapshots.ask(factories.rho(), "native", Filter())
    feed.give_places()
    before = snapshots.redactions()
    redact(answer.conversation)
    feed.give_places()

    snapshots.keep_rows(row, [str(answer.pk)], 1, before)

    assert snapshots.withdrawn(row) == [(answer.pk, "redacted")]


def test_no_query_finds_the_conversation_any_more(answer):
    meaning.fill_in()
    redact(answer.conversation)
    rho = factories.caller(factories.rho())

    def found(query: str) -> list[str]:
        rows = rho.get(f"/v1/trajectories/found?{query}").json()["data"]
        return [row["trajectory_id"] for row in rows]

    assert str(answer.pk) in found("")
    assert str(answer.pk) not in found("q=0917")
    assert str(answer.pk) not in found("q=number&by=meaning")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Call Juan dela Cruz now.", "Call [redacted] now."),
        # Memory kept the end of what was said.
        ("Cruz is his name.", "[redacted]"),
        ("and juan's", "[redacted]"),
        ("A walk by the sea", "A walk by the sea"),
    ],
)
def test_a_text_with_a_piece_of_them_left_is_hidden_whole(text, left):
    assert hidden(text, "Juan dela Cruz") == left


def test_the_longer_words_go_before_those_they_contain(answer):
    redact(answer.conversation, "555")
    redact(answer.conversation)

    assert row_of(answer)["response"] == "Noted: [redacted]."


def test_what_is_stored_stays_whole(answer):
    redact(answer.conversation)
    feed.give_places()

    assert NUMBER in Trajectory.objects.get(pk=answer.pk).messages[-1]["content"]
    assert not Release.objects.get(trajectory=answer.pk).is_tombstone
