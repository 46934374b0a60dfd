"""Finding again what one person said and heard.

Each way is a statement of its own that begins with the owner: the words themselves (tsvector, the
last one perhaps unfinished), parts of words and misspelled ones (pg_trgm), the meaning (pgvector),
and titles. Their lists are merged by reciprocal rank fusion (Cormack et al. 2009), and each hit
says by which ways it was found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.utils import OperationalError
from pgvector import HalfVector

from assistant.library import folders
from assistant.models import Conversation, SearchEntry, User
from assistant.search import excerpts
from assistant.search.excerpts import Segment
from learning.embedding import embed

# Of each way; the best of the newest hits, so that a word which is everywhere costs little.
CANDIDATES = 200
# Below this cosine the texts have little to do with each other.
LEAST_LIKENESS = 0.25
LIKELIEST = 20
FUSION = 60
# Parts and misspellings of words that are everywhere cost more than they are worth.
PATIENCE_MS = 80
SHORTEST_PART = 3


class Way(StrEnum):
    """Why something was found."""

    WORDS = "words"
    PART = "part"
    SPELLING = "spelling"
    MEANING = "meaning"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None leaves a question open. Dates are of the message, UTC, inclusive."""

    text: str
    role: str | None = None
    is_archived: bool | None = None
    folder: UUID | None = None
    since: date | None = None
    until: date | None = None


@dataclass(slots=True)
class Hit:
    """`message` is null where only the title was found."""

    conversation: Conversation
    message: UUID | None
    role: str
    at: datetime
    ways: list[Way]
    excerpt: Sequence[Segment] = field(default_factory=list)


def find(person: User, wanted: Wanted, *, limit: int = 20) -> list[Hit]:
    """What fits best, first; at most `limit`.

    Raises:
        NotFound: no such folder of this person.
    """
    if wanted.folder is not None:
        folders.mine(person, wanted.folder)
    if not wanted.text.strip():
        return []
    found: dict[Way, list[UUID]] = {}
    with transaction.atomic():
        found[Way.WORDS] = _ask(Way.WORDS, person, wanted)
        if not _is_literal(wanted.text):
            found[Way.MEANING] = _ask(Way.MEANING, person, wanted)
            found[Way.TITLE] = _ask(Way.TITLE, person, wanted)
            if len(found[Way.WORDS]) < limit and len(wanted.text.strip()) >= SHORTEST_PART:
                found[Way.PART] = _ask_briefly(Way.PART, person, wanted)
                if not found[Way.WORDS] and not found[Way.PART]:
                    found[Way.SPELLING] = _ask_briefly(Way.SPELLING, person, wanted)
    best = _fused(found)[:limit]
    return _hits(person, wanted, best)


def _ask(way: Way, person: User, wanted: Wanted) -> list[UUID]:
    sql, values = statement(way, person, wanted)
    if not sql:
        return []
    with connection.cursor() as cursor:
        if way is Way.MEANING:
            cursor.execute("SET LOCAL hnsw.iterative_scan = 'relaxed_order'")
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def _ask_briefly(way: Way, person: User, wanted: Wanted) -> list[UUID]:
    """What is found in time, else nothing."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            found = _ask(way, person, wanted)
            cursor.execute("SET LOCAL statement_timeout = 0")
            return found
    except OperationalError:
        return []


def statement(way: Way, person: User, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """One way's SQL and its values; no SQL where the way can't find anything."""
    limits, values = _limits(person, wanted)
    match way:
        case Way.WORDS:
            values |= {"text": wanted.text, "begun": _begun(wanted.text)}
            return _WORDS.format(limits=limits), values
        case Way.PART:
            values |= {"text": wanted.text.strip(), "like": f"%{_literal(wanted.text.strip())}%"}
            return _PART.format(limits=limits), values
        case Way.SPELLING:
            values |= {"text": wanted.text.strip()}
            return _SPELLING.format(limits=limits), values
        case Way.MEANING:
            (vector,) = embed([wanted.text])
            if not vector.any():
                return "", {}
            values["vector"] = HalfVector(vector).to_text()
            return _MEANING.format(limits=limits), values
        case Way.TITLE:
            if wanted.role or wanted.since or wanted.until:
                return "", {}
            values["like"] = f"%{_literal(wanted.text.strip())}%"
            return _TITLE.format(limits=_of_conversation(wanted)), values


_FROM = """
      FROM assistant_searchentry e
      JOIN assistant_conversation c ON c.id = e.conversation_id AND c.deleted_at IS NULL
      JOIN assistant_message m ON m.id = e.message_id AND m.deleted_at IS NULL
"""
_QUERY = """(
    websearch_to_tsquery('simple', %(text)s) || to_tsquery('simple', %(begun)s)
)"""
_WORDS = f"""
    SELECT id FROM (
        SELECT e.message_id AS id, e.words, e.created_at {_FROM}
         WHERE e.owner_id = %(owner)s AND e.words @@ {_QUERY} {{limits}}
         ORDER BY e.created_at DESC LIMIT {CANDIDATES}
    ) AS newest
     ORDER BY ts_rank_cd(words, {_QUERY}) DESC, created_at DESC
"""
_PART = f"""
    SELECT e.message_id {_FROM}
     WHERE e.owner_id = %(owner)s AND e.text ILIKE %(like)s {{limits}}
     ORDER BY e.created_at DESC LIMIT {LIKELIEST}
"""
_SPELLING = f"""
    SELECT e.message_id {_FROM}
     WHERE e.owner_id = %(owner)s AND e.text %%> %(text)s {{limits}}
     ORDER BY e.text <->> %(text)s, e.created_at DESC LIMIT {LIKELIEST}
"""
_MEANING = f"""
    SELECT id FROM (
        SELECT e.message_id AS id, v.vector <=> %(vector)s::halfvec AS distance
          {_FROM} JOIN assistant_searchmeaning v ON v.entry_id = e.message_id
         WHERE v.owner_id = %(owner)s AND e.owner_id = %(owner)s {{limits}}
         ORDER BY distance LIMIT {LIKELIEST}
    ) AS nearest
     WHERE distance <= {1 - LEAST_LIKENESS} ORDER BY distance
"""
_TITLE = f"""
    SELECT c.id FROM assistant_conversation c
     WHERE c.owner_id = %(owner)s AND c.title ILIKE %(like)s AND c.deleted_at IS NULL
       AND c.is_listed AND NOT c.is_temporary {{limits}}
     ORDER BY c.updated_at DESC LIMIT {LIKELIEST}
"""


def _limits(person: User, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    values = {
        "owner": person.pk,
        "role": wanted.role,
        "archived": wanted.is_archived,
        "folder": wanted.folder,
        "since": wanted.since,
        "until": wanted.until,
    }
    sql = _of_conversation(wanted)
    if wanted.role is not None:
        sql += " AND e.role = %(role)s"
    if wanted.since is not None:
        sql += " AND e.created_at >= %(since)s"
    if wanted.until is not None:
        sql += " AND e.created_at < %(until)s::date + 1"
    return sql, values


def _of_conversation(wanted: Wanted) -> str:
    sql = ""
    if wanted.is_archived is not None:
        sql += " AND c.is_archived = %(archived)s"
    if wanted.folder is not None:
        sql += " AND c.folder_id = %(folder)s"
    return sql


def _begun(text: str) -> str:
    """A tsquery of all words, the last one perhaps unfinished; none where operators are used."""
    words = re.findall(r"\w+", text)
    if not words or _is_literal(text):
        return ""
    return " & ".join(f"'{word}'" for word in words) + ":*"


def _is_literal(text: str) -> bool:
    """Whether it has operators: "these words", -not this one, this or that."""
    return '"' in text or re.search(r"(?:^|\s)-\w|\bor\b", text) is not None


def _literal(text: str) -> str:
    """For LIKE: its own signs mean themselves."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _fused(found: dict[Way, list[UUID]]) -> list[tuple[UUID, list[Way]]]:
    """1 / (60 + rank), added up over the ways."""
    score: dict[UUID, float] = defaultdict(float)
    ways: dict[UUID, list[Way]] = defaultdict(list)
    for way, ids in found.items():
        for rank, pk in enumerate(ids, start=1):
            score[pk] += 1 / (FUSION + rank)
            ways[pk].append(way)
    return [(pk, ways[pk]) for pk in sorted(score, key=lambda pk: -score[pk])]


def _hits(person: User, wanted: Wanted, best: Iterable[tuple[UUID, list[Way]]]) -> list[Hit]:
    ways = dict(best)
    entries = SearchEntry.objects.filter(owner=person, pk__in=ways).select_related("conversation")
    hits = {
        entry.pk: Hit(entry.conversation, entry.pk, entry.role, entry.created_at, ways[entry.pk])
        for entry in entries.defer("text", "words")
    }
    titled = Conversation.objects.filter(owner=person, pk__in=ways)
    hits |= {row.pk: Hit(row, None, "", row.updated_at, ways[row.pk]) for row in titled}
    by_words = {pk for pk in hits if Way.WORDS in ways[pk]}
    others = {pk for pk in hits if hits[pk].message and pk not in by_words}
    marked = excerpts.headlines(by_words, wanted.text, _begun(wanted.text))
    marked |= excerpts.surroundings(others, wanted.text)
    for pk, excerpt in marked.items():
        hits[pk].excerpt = excerpt
    return [hits[pk] for pk in ways if pk in hits]
