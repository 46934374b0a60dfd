"""Which tools there are for a person, and which of them an answer may use.

Reads the database and nothing else: what a server offers was asked before (`servers.listing`),
since the first token waits for this.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from assistant.errors import NotFound
from assistant.memory import profile
from assistant.models import Allowance, Conversation, ToolPermission, ToolServer, User
from assistant.tools import builtin
from assistant.tools.builtin import Builtin
from assistant.tools.servers import names
from inference.contracts import ToolSpec


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool for one person. `server` is the one that it belongs to, None for a built-in one.

    `schema` is what arguments have to fit, `digest` of what the tool says of itself; where that
    changes, an earlier yes is void.
    """

    key: str
    spec: ToolSpec
    schema: dict[str, Any]
    allowance: Allowance
    digest: str
    server: ToolServer | None = None
    knows: bool = False

    @property
    def needs_confirmation(self) -> bool:
        return self.allowance == Allowance.ASK


def offered(person: User, conversation: Conversation) -> tuple[Offer, ...]:
    """The tools of the next answer in this conversation. A temporary chat, or one whose memory is
    off, gets none that read what is known of the person."""
    knows = not conversation.is_temporary and profile.is_on(conversation)
    return tuple(
        offer
        for offer in all_of(person)
        if offer.allowance != Allowance.NEVER and (knows or not offer.knows)
    )


def all_of(person: User) -> list[Offer]:
    """Every tool there is, also those that this person never allows."""
    chosen = {each.key: each for each in ToolPermission.objects.filter(person=person)}
    found = [*_builtin(), *_of_servers()]
    return [_as_chosen(offer, chosen.get(offer.key)) for offer in found]


def choose(person: User, key: str, choice: Allowance) -> Offer:
    """Say what is to be done when the policy wants to use a tool.

    Raises:
        NotFound: no such tool.
    """
    offer = next((each for each in all_of(person) if each.key == key), None)
    if offer is None:
        raise NotFound("There is no such tool.")
    remember(person, offer, choice)
    return next(each for each in all_of(person) if each.key == key)


def remember(person: User, offer: Offer, choice: Allowance) -> None:
    ToolPermission.objects.update_or_create(
        person=person, key=offer.key, defaults={"choice": choice, "digest": offer.digest}
    )


def _as_chosen(offer: Offer, chosen: ToolPermission | None) -> Offer:
    if chosen is None:
        return offer
    choice = Allowance(chosen.choice)
    if choice == Allowance.ALWAYS and chosen.digest != offer.digest:
        choice = Allowance.ASK
    return replace(offer, allowance=choice)


def _builtin() -> list[Offer]:
    return [_of_builtin(tool) for tool in builtin.ALL.values()]


def _of_builtin(tool: Builtin) -> Offer:
    spec = ToolSpec(tool.name, tool.description, tool.parameters)
    allowance = Allowance.ASK if tool.writes else Allowance.ALWAYS
    # What it says of itself changes with a release of ours, which asks nobody anew.
    return Offer(tool.name, spec, tool.schema, allowance, digest="", knows=tool.knows)


def _of_servers() -> list[Offer]:
    taken = set(builtin.ALL)
    found = []
    for server in ToolServer.objects.filter(is_enabled=True, problem=""):
        for tool in server.listing:
            name = names.offered_as(server.name, tool["name"], taken)
            taken.add(name)
            spec = ToolSpec(name, tool["description"], tool["parameters"])
            key = names.key_of(server.pk, tool["name"])
            allowance = Allowance(server.allowance)
            found.append(Offer(key, spec, tool["parameters"], allowance, _digest(tool), server))
    return found


def _digest(tool: object) -> str:
    return hashlib.sha256(json.dumps(tool, sort_keys=True).encode()).hexdigest()
