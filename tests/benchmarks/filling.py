"""A full database, made by PostgreSQL itself: one heavy person and many others.

Run in a process of Danas (`manage.py shell`). One row of each kind is made as usual and then
repeated, so a new column needs no change here.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from assistant.models import Message, ReviewItem, User
from tests import factories

CONVERSATIONS = 10_000
HEAVY_CONVERSATIONS = 2_000
PEOPLE = 100
MESSAGES_EACH = 20
LONG_MESSAGES = 500

TEXTS = """(ARRAY['Why are there two tides a day?', 'The Moon pulls at the sea, and most at the
near side.', 'Write a thank-you note to a neighbour who fed the cat.', 'Dear Luz, thank you for
looking after Muning while we were away.', 'What can be done on a rainy Sunday?', 'Bake, read, call
somebody, mend what is torn, and sleep.', 'How do I boil an egg?'])"""


def fill(name: str) -> dict[str, str]:
    """Fill the database for the person `name`; returns ids of theirs to ask for."""
    person = User.objects.get(username=name)
    answer = factories.served(person)
    feedback = factories.feedback(answer)
    item = factories.review_item(answer)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        for statement in _statements(person, answer):
            cursor.execute(statement)
        cursor.execute(_items(person, item))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {
        "conversation": str(answer.conversation_id),
        "message": str(answer.pk),
        "feedback": str(feedback.pk),
    }


def _statements(person: User, answer: Message) -> list[str]:
    long, question = answer.conversation_id, answer.parent_id
    return [
        _repeated(
            "assistant_user",
            f"made_once.id = {person.pk}",
            f"generate_series(1, {PEOPLE - 1}) n",
            "'id', nextval('assistant_user_id_seq'), 'username', 'person-' || n",
        ),
        _repeated(
            "assistant_conversation",
            f"made_once.id = '{long}'",
            f"generate_series(1, {CONVERSATIONS - 1}) n",
            f"""'id', gen_random_uuid(), 'title', {_text("n")} || ' ' || n,
            'owner_id', CASE WHEN n < {HEAVY_CONVERSATIONS} THEN {person.pk}
              ELSE (SELECT min(id) FROM assistant_user WHERE username LIKE 'person-%') + n % 99 END,
            'updated_at', now() - n * interval '7 minutes'""",
        ),
        *_turns(question, "user", f"c.id <> '{long}'", MESSAGES_EACH),
        *_turns(question, "user", f"c.id = '{long}'", LONG_MESSAGES),
        _repeated(
            "assistant_generation",
            f"made_once.message_id = '{answer.pk}'",
            "assistant_message m LEFT JOIN assistant_generation g ON g.message_id = m.id",
            "'message_id', m.id",
            "g.message_id IS NULL AND m.role = 'assistant'",
        ),
        _repeated(
            "assistant_window",
            f"made_once.message_id = '{answer.pk}'",
            f"""assistant_message m JOIN assistant_conversation c ON c.id = m.conversation_id
            AND c.owner_id = {person.pk}""",
            "'message_id', m.id",
            f"m.role = 'assistant' AND m.id <> '{answer.pk}'",
        ),
        _repeated(
            "assistant_feedback",
            f"made_once.message_id = '{answer.pk}'",
            f"""assistant_message m JOIN assistant_conversation c ON c.id = m.conversation_id
            AND c.owner_id = {person.pk}""",
            "'id', gen_random_uuid(), 'message_id', m.id, 'created_at', m.created_at",
            f"m.role = 'assistant' AND m.id <> '{answer.pk}' AND hashtext(m.id::text) % 10 = 0",
        ),
    ]


def _items(person: User, item: ReviewItem) -> str:
    """An item for each piece of feedback, as of somebody else: nobody reviews their own."""
    columns = [field.column for field in ReviewItem._meta.concrete_fields if not field.generated]
    return _repeated(
        "assistant_reviewitem",
        f"made_once.id = '{item.pk}'",
        "assistant_feedback f",
        f"""'id', gen_random_uuid(), 'feedback_id', f.id, 'created_at', f.created_at,
        'priority', random(), 'needs_second', random() < 0.1,
        'person_id', (SELECT max(id) FROM assistant_user WHERE id <> {person.pk})""",
        "f.id <> made_once.feedback_id",
        columns,
    )


def _turns(question: object, role: str, which: str, count: int) -> list[str]:
    """A chain of messages, people's and answers in turn; the ids follow from the conversation's."""
    return [
        _repeated(
            "assistant_message",
            f"made_once.id = '{question}'",
            f"assistant_conversation c, generate_series(1, {count}) k",
            f"""'id', md5(c.id::text || k)::uuid, 'conversation_id', c.id,
            'parent_id', CASE WHEN k > 1 THEN md5(c.id::text || (k - 1))::uuid END,
            'role', CASE k % 2 WHEN 1 THEN '{role}' ELSE 'assistant' END,
            'created_at', c.updated_at + k * interval '1 second',
            'parts', jsonb_build_array(jsonb_build_object('type', 'text', 'text',
              {_text("k + hashtext(c.id::text)")}))""",
            which,
        )
    ]


def _repeated(
    table: str,
    of: str,
    source: str,
    changes: str,
    where: str = "true",
    columns: Sequence[str] = (),
) -> str:
    """Copies of one row for every row of `source`, with `changes`, as pairs of a JSON object.

    `columns` are named where a table has some that PostgreSQL fills in.
    """
    into = f"({', '.join(columns)})" if columns else ""
    shown = ", ".join(f"made.{column}" for column in columns) or "made.*"
    return f"""
        INSERT INTO {table} {into}
        SELECT {shown} FROM {table} made_once CROSS JOIN {source}
          CROSS JOIN LATERAL jsonb_populate_record(made_once, jsonb_build_object({changes})) made
         WHERE {of} AND {where}"""


def _text(number: str) -> str:
    return f"({TEXTS})[1 + abs({number}) % 7]"
