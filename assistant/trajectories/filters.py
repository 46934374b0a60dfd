"""What a researcher asks for, and the cursors that belong to it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from assistant.errors import CursorInvalid
from assistant.moments import Moment
from learning.contracts import FeedbackKind

# 16 digits, so that cursors sort as texts too, and 12 of the digest of what was asked for.
_CURSOR = re.compile(r"(\d{16})-([0-9a-f]{12})")
_LARGEST = 2**63 - 1


class Filter(BaseModel):
    """Which trajectories. All that is given has to hold; of several kinds of feedback, one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None
    policy: Annotated[str, Field(max_length=80)] = ""
    feedback: tuple[FeedbackKind, ...] = ()
    tag: Annotated[str, Field(max_length=40)] = ""
    update: Annotated[str, Field(max_length=80)] = ""

    def written(self) -> dict[str, Any]:
        """What was given, as JSON types and under the names of the API."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @property
    def sql(self) -> str:
        """Conditions on the aliases of `consent.SHOWN`, each begun with AND."""
        given = self.model_dump(exclude_defaults=True)
        return " ".join(f"AND {condition}" for name, condition in _SQL.items() if name in given)

    @property
    def parameters(self) -> dict[str, Any]:
        kinds = [str(kind) for kind in self.feedback]
        return {**self.model_dump(exclude={"feedback"}), "feedback": kinds}


_FEEDBACK = "SELECT FROM assistant_feedback f WHERE f.message_id = m.id AND f.revoked_at IS NULL"
_SQL = {
    "since": "t.created_at >= %(since)s",
    "until": "t.created_at < %(until)s",
    "policy": "t.policy = %(policy)s",
    "feedback": f"EXISTS ({_FEEDBACK} AND f.kind = ANY(%(feedback)s))",
    "tag": f"EXISTS ({_FEEDBACK} AND %(tag)s = ANY(f.tags))",
    "update": """EXISTS (
        SELECT FROM learning_judgement j
          JOIN learning_updatejudgement used ON used.judgement_id = j.id
          JOIN learning_update up ON up.id = used.update_id
         WHERE (j.answer_id = m.id OR j.over_id = m.id)
           AND %(update)s IN (up.id::text, up.policy))""",
}


def mark(form: str, filter_: Filter) -> str:
    """What a cursor carries of the format and filter that it belongs to."""
    asked = json.dumps([form, filter_.written()], sort_keys=True)
    return f"-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"


def cursor(position: int, form: str, filter_: Filter) -> str:
    return f"{position:016d}{mark(form, filter_)}"


def position(cursor: str, form: str, filter_: Filter) -> int:
    """The place that a cursor stands for. A bare number is one of the time before filters.

    Raises:
        CursorInvalid: it is none, or belongs to another format or filter.
    """
    if cursor.isascii() and cursor.isdigit() and int(cursor) <= _LARGEST:
        return int(cursor)
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise CursorInvalid(
            "since: not a cursor. Send the `cursor` of the last row that you have, or 0."
        )
    if f"-{found[2]}" != mark(form, filter_):
        raise CursorInvalid(
            "since: this cursor belongs to another format or filter. Going on with it would leave"
            " rows out: send the same format and filter as before, or begin anew with since=0."
        )
    return int(found[1])
