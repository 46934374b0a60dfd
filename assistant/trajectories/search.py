"""Trajectories found by their filter, by words and by meaning, for researchers to look at.

Consent stands in the statement, as everywhere. What a person finds of their own is another matter:
see `assistant.search`, whose texts and vectors these are. Requests over the API that brought their
own history have no such texts; the feed has them. Nor is a conversation found by a query that
words were redacted in: that it is found would tell them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from assistant.errors import ModelNotThere, NotFound
from assistant.models import Pull, Release, User
from assistant.tokens import tokenizer
from assistant.trajectories import feed, pseudonyms, pulls
from assistant.trajectories.consent import AGREED, SHOWN
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import NATIVE, PERSON
from assistant.trajectories.lines import Reading
from learning.embedding import embed

EXCERPT = 280
LONGEST_QUERY = 500
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class By(StrEnum):
    """How a query is read: as words, or for what it means."""

    WORDS = "words"
    MEANING = "meaning"


# Which answers a query is nearest to, by their own texts or those of their questions, the nearest
# first. What words were blacked out of is not looked through. A statement of its own begins with
# the index of words or of vectors; beside the columns it would look at every trajectory.
_SEEN = f"""
      {AGREED}
      CROSS JOIN LATERAL (SELECT whole.created_at, whole.policy) AS t
     WHERE NOT EXISTS (SELECT FROM assistant_redaction x
                        WHERE x.conversation_id = c.id AND NOT x.is_undone)
"""
_NEAREST = {
    By.WORDS: f"""
        WITH hit AS MATERIALIZED (
            SELECT e.message_id, ts_rank(e.words, websearch_to_tsquery('simple', %(query)s)) AS rank
              FROM assistant_searchentry e
             WHERE e.words @@ websearch_to_tsquery('simple', %(query)s)
        ), near AS (
            SELECT answer, max(rank) AS nearness FROM (
                SELECT message_id AS answer, rank FROM hit
                 UNION ALL
                SELECT m.id, rank FROM hit JOIN assistant_message m ON m.parent_id = hit.message_id
            ) AS either GROUP BY answer
        )
        SELECT whole.generation_id, near.nearness FROM near
          JOIN assistant_trajectory whole ON whole.generation_id = near.answer {_SEEN}
           {{conditions}} ORDER BY near.nearness DESC, whole.created_at DESC LIMIT %(limit)s
    """,
    # An answer may be found twice: by itself and by its question.
    By.MEANING: f"""
        SELECT whole.generation_id, 1 - (v.vector <=> %(vector)s::halfvec)
          FROM assistant_searchmeaning v
          JOIN assistant_message near ON near.id = v.entry_id OR near.parent_id = v.entry_id
          JOIN assistant_trajectory whole ON whole.generation_id = near.id {_SEEN}
           {{conditions}} ORDER BY v.vector <=> %(vector)s::halfvec LIMIT 2 * %(limit)s
    """,
}

COLUMNS = f"""
    r.trajectory_id, r.position, t.created_at, {PERSON.sql}, t.policy,
    left((SELECT turn ->> 'content' FROM jsonb_array_elements(t.messages) WITH ORDINALITY
                 AS turns (turn, number) WHERE turn ->> 'role' = 'user'
           ORDER BY number DESC LIMIT 1), {EXCERPT}),
    left(said.text, {EXCERPT}),
    ARRAY(SELECT f.kind FROM assistant_feedback f WHERE f.message_id = m.id
             AND f.revoked_at IS NULL ORDER BY f.created_at),
    t.sampled_tokens
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`before` is the place of the last one seen; only without a query, which has a single page."""

    filter: Filter
    query: str = ""
    by: By = By.WORDS
    before: int | None = None
    limit: int = 30


def find(person: User, wanted: Wanted) -> list[tuple[Any, ...]]:
    """Rows of `COLUMNS` and how near each is: the nearest first, or without a query the latest.

    A query finds what has a place in the feed by now; to give places takes a look at everything.
    """
    if wanted.query:
        found = _nearest(wanted)
    else:
        if wanted.before is None:
            feed.give_places()
        found = _latest(wanted)
    pulls.note(person, Pull.How.SEARCH, len(found), filter_=wanted.filter)
    return found


def _latest(wanted: Wanted) -> list[tuple[Any, ...]]:
    before = "" if wanted.before is None else "AND r.position < %(before)s"
    sql = f"""
        SELECT {COLUMNS} {SHOWN} WHERE true {wanted.filter.sql} {before}
         ORDER BY r.position DESC LIMIT %(limit)s
    """
    return [(*row, 0.0) for row in _rows(sql, wanted, before=wanted.before)]


@transaction.atomic
def _nearest(wanted: Wanted) -> list[tuple[Any, ...]]:
    values: dict[str, Any] = {"query": wanted.query}
    if wanted.by == By.MEANING:
        (vector,) = embed([wanted.query])
        if not vector.any():
            return []
        values["vector"] = json.dumps(vector.tolist())
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL hnsw.iterative_scan = 'relaxed_order'")
    nearest = _NEAREST[wanted.by].format(conditions=wanted.filter.sql)
    nearness: dict[UUID, float] = {}
    for pk, near in _rows(nearest, wanted, **values):
        nearness[pk] = max(near, nearness.get(pk, near))
    sql = f"SELECT {COLUMNS} {SHOWN} WHERE r.trajectory_id = ANY(%(found)s) {wanted.filter.sql}"
    rows = [(*row, nearness[row[0]]) for row in _rows(sql, wanted, found=list(nearness))]
    return sorted(rows, key=lambda row: (-row[-1], -row[1]))[: wanted.limit]


def _rows(sql: str, wanted: Wanted, **values: Any) -> list[tuple[Any, ...]]:
    parameters = {**pseudonyms.parameters(), **wanted.filter.parameters, "limit": wanted.limit}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**parameters, **values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def look(person: User, pk: UUID) -> tuple[dict[str, Any], list[str]]:
    """One trajectory as its native row, and the text of each sampled token.

    The texts are empty where this machine has no tokenizer.

    Raises:
        NotFound: there is none that researchers may see.
    """
    line = _line(pk)
    if not line:
        feed.give_places()
        line = _line(pk)
    if not line:
        raise NotFound("There is no such trajectory, or its person does not share it.")
    row: dict[str, Any] = json.loads(line)
    pulls.note(person, Pull.How.LOOK, 1, form=NATIVE.name, filter_=Filter())
    return row, pieces(row["sampled_token_ids"])


def _line(pk: UUID) -> bytes:
    """Its native row where it has a place and may be seen, else nothing."""
    place = Release.objects.filter(trajectory=pk, is_tombstone=False).first()
    return Reading(NATIVE.name, Filter()).at(place.position) if place else b""


def pieces(ids: list[int]) -> list[str]:
    """The text that each token adds; one that ends within a character adds none yet."""
    try:
        words = tokenizer()
    except ModelNotThere:
        return [""] * len(ids)
    told, texts = 0, []
    for count in range(1, len(ids) + 1):
        text = words.decode(ids[:count])
        whole = text.rstrip(_UNFINISHED) if count < len(ids) else text
        texts.append(whole[told:])
        told = max(told, len(whole))
    return texts
