"""Which part of a conversation's tree is read: one branch of it, the newest part first.

At a fork the branch leads to the newest message, unless it is asked to go through another. Beside
each message of the part come its siblings, so that a page can say how many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from assistant.errors import NotFound


class Place(NamedTuple):
    """A message's place in its tree."""

    id: UUID
    parent: UUID | None


@dataclass(frozen=True, slots=True)
class Part:
    """`messages` are those to read; of those in `cut`, what follows them is left out."""

    messages: frozenset[UUID]
    has_more: bool
    cut: tuple[UUID, ...]


def part(
    places: Sequence[Place],
    limit: int,
    *,
    before: UUID | None = None,
    through: UUID | None = None,
) -> Part:
    """The last `limit` messages of the branch; with `before`, of what leads up to that message.

    With `through`, the branch goes through that message, and the part begins at half a limit above
    it and reaches to the branch's end. `places` are oldest first.

    Raises:
        NotFound: `before` or `through` is not among the places.
    """
    parents = {place.id: place.parent for place in places}
    if not parents:
        return Part(frozenset(), has_more=False, cut=())
    if before is not None:
        branch = _down_to(_known(parents, before), parents)[:-1]
        start = len(branch) - limit
    elif through is not None:
        branch = _down_to(_newest_below(places)[_known(parents, through)], parents)
        start = min(branch.index(through) - limit // 2, len(branch) - limit)
    else:
        branch = _down_to(places[-1].id, parents)
        start = len(branch) - limit
    start = max(0, start)
    return _with_siblings(places, branch[start:], has_more=start > 0)


def path_to(places: Sequence[Place], leaf: UUID) -> list[UUID]:
    """From the first message to `leaf`.

    Raises:
        NotFound: it is not among the places.
    """
    parents = {place.id: place.parent for place in places}
    return _down_to(_known(parents, leaf), parents)


def _known(parents: dict[UUID, UUID | None], message: UUID) -> UUID:
    if message not in parents:
        raise NotFound("There is no such message in this conversation.")
    return message


def _down_to(leaf: UUID, parents: dict[UUID, UUID | None]) -> list[UUID]:
    branch = []
    at: UUID | None = leaf
    while at is not None:
        branch.append(at)
        at = parents.get(at)
    return branch[::-1]


def _newest_below(places: Sequence[Place]) -> dict[UUID, UUID]:
    """For each message the newest one at or below it; a message is newer than its parent."""
    newest: dict[UUID, UUID] = {}
    for place in reversed(places):
        last = newest.setdefault(place.id, place.id)
        if place.parent is not None:
            newest.setdefault(place.parent, last)
    return newest


def _with_siblings(places: Sequence[Place], shown: list[UUID], *, has_more: bool) -> Part:
    children: dict[UUID | None, list[UUID]] = defaultdict(list)
    for place in places:
        children[place.parent].append(place.id)
    on_branch = set(shown)
    above = {place.parent for place in places if place.id in on_branch}
    messages = frozenset(one for parent in above for one in children[parent])
    cut = tuple(place.id for place in places if place.id in messages - on_branch)
    return Part(messages, has_more, tuple(one for one in cut if one in children))
