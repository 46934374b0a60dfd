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
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from assistant.errors import NotFound
from assistant.models import Pull, Release, User
from assistant.search.embedding import embed
from assistant.trajectories import feed, pseudonyms, pulls
from assistant.trajectories.consent import SHOWN
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import NATIVE, PERSON
from assistant.trajectories.lines import Reading
from inference.tokenizer import ChatTokenizer

EXCERPT = 280
LONGEST_QUERY = 500
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class By(StrEnum):
    """How a query is read: as words, or for what it means."""

    WORDS = "words"
    MEANING = "meaning"


_FOUND = {
    By.WORDS: """
        JOIN LATERAL (
            SELECT max(ts_rank(e.words, websearch_to_tsquery('simple', %(query)s))) AS nearness
              FROM assistant_searchentry e WHERE e.message_id IN (m.id, m.parent_id)
               AND e.words @@ websearch_to_tsquery('simple', %(query)s)
               AND hidden.words IS NULL
        ) AS found ON found.nearness IS NOT NULL
    """,
    By.MEANING: """
        JOIN LATERAL (
            SELECT 1 - min(v.vector <=> %(vector)s::halfvec) AS nearness
              FROM assistant_searchmeaning v
             WHERE v.entry_id IN (m.id, m.parent_id) AND v.vector IS NOT NULL
               AND hidden.words IS NULL
        ) AS found ON found.nearness IS NOT NULL
    """,
}
_ALL = "CROSS JOIN LATERAL (SELECT 0.0::float AS nearness) AS found"

COLUMNS = f"""
    r.trajectory_id, r.position, t.created_at, {PERSON.sql}, t.policy,
    left((SELECT turn ->> 'content' FROM jsonb_array_elements(t.messages) WITH ORDINALITY
                 AS turns (turn, number) WHERE turn ->> 'role' = 'user'
           ORDER BY number DESC LIMIT 1), {EXCERPT}),
    left(said.text, {EXCERPT}),
    ARRAY(SELECT f.kind FROM assistant_feedback f WHERE f.message_id = m.id
             AND f.revoked_at IS NULL ORDER BY f.created_at),
    t.sampled_tokens, found.nearness
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
    """Rows of `COLUMNS`: the nearest first, or without a query the latest."""
    feed.give_places()
    with connection.cursor() as cursor:
        cursor.execute(_statement(wanted), _parameters(wanted))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    pulls.note(person, Pull.How.SEARCH, len(rows), filter_=wanted.filter)
    return rows


def _statement(wanted: Wanted) -> str:
    found = _FOUND[wanted.by] if wanted.query else _ALL
    before = "" if wanted.before is None else "AND r.position < %(before)s"
    return f"""
        SELECT {COLUMNS} {SHOWN} {found} WHERE true {wanted.filter.sql} {before}
         ORDER BY found.nearness DESC, r.position DESC LIMIT %(limit)s
    """


def _parameters(wanted: Wanted) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        **pseudonyms.parameters(),
        **wanted.filter.parameters,
        "query": wanted.query,
        "before": wanted.before,
        "limit": wanted.limit,
    }
    if wanted.query and wanted.by == By.MEANING:
        parameters["vector"] = json.dumps(embed([wanted.query])[0].tolist())
    return parameters


def look(person: User, pk: UUID) -> tuple[dict[str, Any], list[str]]:
    """One trajectory as its native row, and the text of each sampled token.

    The texts are empty where this machine has no tokenizer.

    Raises:
        NotFound: there is none that researchers may see.
    """
    feed.give_places()
    place = Release.objects.filter(trajectory=pk, is_tombstone=False).first()
    lines = Reading(NATIVE.name, Filter()).at(place.position) if place else b""
    if not lines:
        raise NotFound("There is no such trajectory, or its person does not share it.")
    row: dict[str, Any] = json.loads(lines)
    pulls.note(person, Pull.How.LOOK, 1, form=NATIVE.name, filter_=Filter())
    return row, pieces(row["sampled_token_ids"])


def pieces(ids: list[int]) -> list[str]:
    """The text that each token adds; one that ends within a character adds none yet."""
    if not (settings.MODEL_PATH / "tokenizer.json").exists():
        return [""] * len(ids)
    tokenizer, told, texts = _tokenizer(), 0, []
    for count in range(1, len(ids) + 1):
        text = tokenizer.decode(ids[:count])
        whole = text.rstrip(_UNFINISHED) if count < len(ids) else text
        texts.append(whole[told:])
        told = max(told, len(whole))
    return texts


@cache
def _tokenizer() -> ChatTokenizer:
    return ChatTokenizer.from_folder(settings.MODEL_PATH)
