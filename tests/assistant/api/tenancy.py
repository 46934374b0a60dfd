"""What Ada owns, and every request that names some of it.

Whoever adds an operation or a socket command that takes an id adds rows here, and to `world` what
they name; test_tenancy.py fails until then and tries each as a stranger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from django.utils import timezone

from assistant.accounts import invitations, keys
from assistant.chat.wire import COMMAND
from assistant.images import uploads
from assistant.library import deletion
from assistant.management.commands.exportschema import document
from assistant.memory import forgetting
from assistant.models import (
    ApiKey,
    BrowserSession,
    Bulk,
    Decision,
    Folder,
    Message,
    Snapshot,
    User,
)
from assistant.mydata import exports
from assistant.sharing import links
from assistant.tools.servers import configuring
from inference import registry
from inference.models import PolicyVersion
from learning.models import Alarm, Participant, Update
from tests import factories
from tests.pictures import picture

World = dict[str, str]
# Properties that name a row, beside everything that is a UUID.
NAMES = {"conversation", "message", "answer", "folder", "image", "share", "session", "person"}
DIGEST = "ab" * 32


def world(owner: User) -> World:
    """Rows of this person, by the names that the calls below use; also what all have in common."""
    answer = factories.served(owner)
    sibling = factories.answer(answer.parent, "Good evening.")
    policy = registry.accept(registry.stage("/adapters/x", DIGEST, registry.base(), {}))
    PolicyVersion.objects.filter(pk=policy.pk).update(person=owner.pk)
    update = Update.objects.create(requested_by=owner.username, state="live", person=owner.pk)
    rows = {
        "conversation": answer.conversation_id,
        "question": answer.parent_id,
        "answer": answer.pk,
        "sibling": sibling.pk,
        "feedback": factories.feedback(answer).pk,
        "waiting": factories.answer(answer.parent, status="queued").pk,
        "deleted": _deleted(owner),
        "hidden": _hidden(owner),
        "note": factories.note(owner).pk,
        "gone_note": factories.note(owner, deleted_at=timezone.now()).pk,
        "remembered": factories.served(owner).pk,
        "folder": Folder.objects.create(owner=owner, name="Work").pk,
        "export": _export(owner),
        "share": links.share(owner, answer.conversation_id, answer.pk, with_name=False).pk,
        "reminder": factories.reminder(owner).pk,
        "call": factories.tool_call(owner).pk,
        "server": _server(),
        "image": uploads.take_in(owner, picture()).pk,
        "person": owner.pk,
        "key": _key(owner),
        "session": _session(owner),
        "invitation": invitations.make(owner, role="member", note="", days=1)[0].pk,
        "alarm": Alarm.objects.create(kind=Alarm.Kind.DRIFT, sentence="It drifts.").pk,
        "participant": Participant.objects.create(person=owner.pk, number=7).number,
        "update": update.pk,
        "snapshot": _snapshot(factories.rho()),
        **_reviews(answer),
    }
    return {"policy": policy.name, **{name: str(value) for name, value in rows.items()}}


def _hidden(owner: User) -> UUID:
    row = factories.conversation(owner)
    deletion.delete(owner, [row.pk])
    return row.pk


def _deleted(owner: User) -> UUID:
    answer = factories.served(owner)
    forgetting.delete_message(owner, answer.pk)
    return answer.pk


def _reviews(answer: Message) -> dict[str, UUID]:
    """A claimed item, a decided one, and many in one, new and done; all in Rae's hands."""
    rae, token = factories.rae(), uuid4()
    held = factories.review_item(answer, holder=rae, token=token)
    done = factories.review_item(answer, state="accepted")
    Decision.objects.create(item=done, by=rae, verdict="accept", token=uuid4())
    made = Bulk.objects.create(by=rae, verdict="accept", items=[])
    applied = Bulk.objects.create(by=rae, verdict="accept", items=[], applied_at=timezone.now())
    return {
        "item": held.pk,
        "token": token,
        "decided": done.pk,
        "bulk": made.pk,
        "applied": applied.pk,
    }


def _snapshot(owner: User) -> UUID:
    ends = timezone.now() + timedelta(days=1)
    manifest = {"files": []}
    return Snapshot.objects.create(
        owner=owner, format="native", state="ready", manifest=manifest, expires_at=ends
    ).pk


def _key(owner: User) -> int:
    keys.create(owner, [])
    return ApiKey.objects.filter(owner=owner).latest("pk").pk


def _export(owner: User) -> UUID:
    export = exports.ask(owner)
    exports.build(export.pk)
    return export.pk


def _server() -> UUID:
    """One that nobody is to reach; trying it says so."""
    values = {"name": "far", "transport": "http", "may_use_network": True}
    return configuring.add(factories.ann(), {**values, "url": "http://127.0.0.1:1/mcp"}, {}).pk


def _session(owner: User) -> int:
    Client().force_login(owner)
    return BrowserSession.objects.get(person=owner).pk


def nothing(ada: World) -> World:
    """Ids and names of the same shape that are nobody's."""
    return {
        name: "danas-v9-" + "f" * 8
        if name == "policy"
        else "999999"
        if value.isdigit()
        else str(uuid4())
        for name, value in ada.items()
    }


@dataclass(frozen=True)
class Call:
    """A request; `$name` stands for what the world has under that name.

    `owner`: its owner is let in with it (a role, where it takes one), which shows that the ids
    are the right ones. Not so where an engine would have to answer.
    """

    operation: str
    ids: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    owner: str | None = "ada"

    def __str__(self) -> str:
        return " ".join([self.operation, *self.ids, *(self.body or {})])

    @property
    def method(self) -> str:
        return self.operation.split()[0].lower()

    def path(self, named: World) -> str:
        path = self.operation.split()[1]
        query = {key: value for key, value in self.ids.items() if f"{{{key}}}" not in path}
        for key, value in self.ids.items():
            path = path.replace(f"{{{key}}}", filled(value, named))
        asked = "&".join(f"{key}={filled(value, named)}" for key, value in query.items())
        return f"{path}?{asked}" if asked else path


def filled(value: Any, named: World) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return named[value[1:]]
    if isinstance(value, dict):
        return {key: filled(each, named) for key, each in value.items()}
    return [filled(each, named) for each in value] if isinstance(value, list) else value


HELLO = [{"role": "user", "content": "Hello"}]
CALLS = [
    Call("GET /v1/conversations", {"before": "$conversation"}),
    Call("GET /v1/conversations/{pk}", {"pk": "$conversation"}),
    Call("GET /v1/conversations/{pk}", {"pk": "$conversation", "limit": "5", "before": "$answer"}),
    Call("GET /v1/conversations/{pk}", {"pk": "$conversation", "limit": "5", "through": "$answer"}),
    Call("PATCH /v1/conversations/{pk}", {"pk": "$conversation"}, {"title": "Mine"}),
    Call("DELETE /v1/conversations/{pk}", {"pk": "$conversation"}),
    Call("GET /v1/conversations", {"folder": "$folder"}),
    Call("PATCH /v1/conversations/{pk}", {"pk": "$conversation"}, {"folder": "$folder"}),
    Call("POST /v1/conversations/{pk}/restore", {"pk": "$hidden"}),
    Call(
        "POST /v1/conversations/several",
        body={"conversations": ["$conversation"], "act": "move", "folder": "$folder"},
    ),
    Call("PATCH /v1/folders/{pk}", {"pk": "$folder"}, {"name": "Mine"}),
    Call("DELETE /v1/folders/{pk}", {"pk": "$folder"}),
    Call("GET /v1/search", {"q": "Hello", "folder": "$folder"}),
    Call("GET /v1/messages/{pk}/window", {"pk": "$answer"}),
    Call("PATCH /v1/conversations/{pk}", {"pk": "$conversation"}, {"uses_memory": False}),
    Call("PATCH /v1/memory/notes/{pk}", {"pk": "$note"}, {"is_pinned": True}),
    Call("DELETE /v1/memory/notes/{pk}", {"pk": "$note"}),
    Call("POST /v1/memory/notes/{pk}/restore", {"pk": "$gone_note"}),
    # Tokens are counted, for which there is no model here.
    Call("POST /v1/messages/{pk}/memory", {"pk": "$remembered"}, {"text": "Hi"}, owner=None),
    Call(
        "PATCH /v1/messages/{pk}/memory/{block}",
        {"pk": "$remembered", "block": "0"},
        {"is_pinned": True},
    ),
    Call("DELETE /v1/messages/{pk}/memory/{block}", {"pk": "$remembered", "block": "0"}),
    # Nothing was forgotten there.
    Call(
        "POST /v1/messages/{pk}/memory/{block}/missed",
        {"pk": "$remembered", "block": "0"},
        owner=None,
    ),
    Call("DELETE /v1/messages/{pk}/memory/{block}/missed", {"pk": "$remembered", "block": "0"}),
    Call("GET /v1/messages/{pk}/details", {"pk": "$answer"}),
    Call("DELETE /v1/messages/{pk}", {"pk": "$answer"}),
    Call("POST /v1/messages/{pk}/restore", {"pk": "$deleted"}),
    Call("POST /v1/messages/{pk}/branch", {"pk": "$answer"}, {"title": "Mine"}),
    Call(
        "POST /v1/conversations/{pk}/shares",
        {"pk": "$conversation"},
        {"leaf": "$answer", "with_name": True},
    ),
    Call("GET /v1/conversations/{pk}/shares", {"pk": "$conversation"}),
    Call("GET /v1/exports/{pk}/download", {"pk": "$export"}),
    Call("DELETE /v1/shares/{pk}", {"pk": "$share"}),
    Call("DELETE /v1/reminders/{pk}", {"pk": "$reminder"}),
    Call("POST /v1/tool-calls/{pk}/decision", {"pk": "$call"}, {"decision": "once"}),
    Call("PATCH /v1/tools/servers/{pk}", {"pk": "$server"}, {"is_enabled": False}, owner="ann"),
    Call("POST /v1/tools/servers/{pk}/try", {"pk": "$server"}, owner="ann"),
    Call("DELETE /v1/tools/servers/{pk}", {"pk": "$server"}, owner="ann"),
    Call("GET /v1/conversations/{pk}/export", {"pk": "$conversation", "format": "json"}),
    Call("GET /v1/images/{pk}", {"pk": "$image"}),
    Call("DELETE /v1/images/{pk}", {"pk": "$image"}),
    Call("POST /v1/feedback", body={"message": "$answer", "kind": "up"}),
    Call(
        "POST /v1/feedback", body={"message": "$answer", "kind": "preference", "over": "$sibling"}
    ),
    Call("DELETE /v1/feedback/{pk}", {"pk": "$feedback"}),
    Call("GET /v1/learning/receipts/{feedback}", {"feedback": "$feedback"}),
    Call("GET /v1/updates/{pk}", {"pk": "$update"}),
    Call("GET /v1/models/{name}", {"name": "$policy"}),
    Call("GET /v1/policies/{name}", {"name": "$policy"}),
    Call("PUT /v1/me/policy", body={"choice": "$policy"}),
    Call("POST /v1/policies/{name}/activate", {"name": "$policy"}, owner=None),
    Call(
        "POST /v1/chat/completions",
        body={"model": "danas", "messages": HELLO, "conversation": "$conversation"},
        owner=None,
    ),
    Call("POST /v1/chat/completions", body={"model": "$policy", "messages": HELLO}, owner=None),
    Call("POST /v1/operations/answers/{answer}/stop", {"answer": "$waiting"}, owner="ann"),
    Call("POST /v1/operations/adapters/{name}/unload", {"name": "$policy"}, owner=None),
    Call("GET /v1/trajectories/{pk}", {"pk": "$answer"}, owner="rho"),
    Call("POST /v1/review/next", body={"skip": ["$item"]}, owner="rae"),
    *(
        Call(f"GET /v1/review/items/{{pk}}{part}", {"pk": "$item"}, owner="rae")
        for part in ("", "/similar", "/audit")
    ),
    Call("POST /v1/review/items/{pk}/claim", {"pk": "$item"}, owner="rae"),
    *(
        Call(f"POST /v1/review/items/{{pk}}/{act}", {"pk": "$item"}, {"token": "$token"}, "rae")
        for act in ("renew", "release")
    ),
    Call(
        "POST /v1/review/items/{pk}/decide",
        {"pk": "$item"},
        {"token": "$token", "verdict": "accept"},
        owner="rae",
    ),
    Call("POST /v1/review/items/{pk}/undo", {"pk": "$decided"}, owner="rae"),
    Call("POST /v1/review/bulk", body={"verdict": "accept", "filters": {}}, owner="rae"),
    Call("POST /v1/review/bulk/{pk}/apply", {"pk": "$bulk"}, owner="rae"),
    Call("POST /v1/review/bulk/{pk}/undo", {"pk": "$applied"}, owner="rae"),
    Call("GET /v1/snapshots/{pk}", {"pk": "$snapshot"}, owner="rho"),
    Call("DELETE /v1/snapshots/{pk}", {"pk": "$snapshot"}, owner="rho"),
    Call("GET /v1/snapshots/{pk}/withdrawn", {"pk": "$snapshot"}, owner="rho"),
    Call("GET /v1/snapshots/{pk}/files/manifest.json", {"pk": "$snapshot"}, owner="rho"),
    Call(
        "GET /v1/snapshots/{pk}/files/{name}",
        {"pk": "$snapshot", "name": "part-00000.parquet"},
        owner=None,
    ),
    Call("DELETE /v1/keys/{key}", {"key": "$key"}),
    Call("DELETE /v1/sessions/{session}", {"session": "$session"}),
    Call("PATCH /v1/people/{person}", {"person": "$person"}, {"is_active": False}, owner="ann"),
    Call("POST /v1/people/{person}/reset-link", {"person": "$person"}, owner="ann"),
    Call("DELETE /v1/invitations/{invitation}", {"invitation": "$invitation"}, owner="ann"),
    Call(
        "POST /v1/learning/alarms/{pk}/close", {"pk": "$alarm"}, {"note": "Looked at"}, owner="rae"
    ),
    Call(
        "POST /v1/learning/participants/{number}/leave-out",
        {"number": "$participant"},
        {"because": "It is odd"},
        owner="rae",
    ),
    Call(
        "POST /v1/learning/participants/{number}/take-back",
        {"number": "$participant"},
        owner="rae",
    ),
]
# Paths with an id that is nobody's secret, or that proves itself.
# A name that the policy gave its call, and that the caller's history brings along; nobody's row.
CHOSEN_BY_POLICY = {"tool_call_id"}
OPEN: set[str] = {
    "GET /v1/shared/{token}",
    "GET /v1/shared/{token}/images/{pk}",
}

MINE, TEXT = str(uuid4()), [{"type": "text", "text": "Hello"}]
SEND = {"type": "send", "conversation": MINE, "parent": None, "parts": TEXT}
NEW = {"message": str(uuid4()), "answer": str(uuid4())}
# For each command, each of its ids in turn.
COMMANDS: list[dict[str, Any]] = [
    {**SEND, **NEW, "conversation": "$conversation"},
    {**SEND, **NEW, "parts": [{"type": "image", "image": "$image"}]},
    {**SEND, **NEW, "conversation": "$conversation", "parent": "$answer"},
    {**SEND, **NEW, "parent": "$answer"},
    {**SEND, **NEW, "message": "$question"},
    {**SEND, **NEW, "answer": "$answer"},
    {"type": "regenerate", "parent": "$question", "answer": str(uuid4())},
    {"type": "regenerate", "parent": "$question", "answer": "$answer"},
    {
        "type": "regenerate",
        "parent": "$question",
        "answer": str(uuid4()),
        "without": {"notes": ["$note"]},
    },
    {"type": "stop", "answer": "$answer"},
    {"type": "watch", "conversation": "$conversation"},
    {"type": "replay", "answer": "$answer", "after": 0},
]
# Ids of commands that lie deeper: a part's, and those of what is left out.
PARTS_TESTED_ELSEWHERE = {"image", "notes"}


def places() -> Iterator[tuple[str, str]]:
    """Every place of an id in the API: ("GET /v1/conversations/{pk}", "pk")."""
    openapi = document()
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" or _is_id(parameter["name"], parameter["schema"]):
                    yield name, parameter["name"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for property_name in _ids(content["schema"], openapi["components"]["schemas"]):
                    yield name, property_name


def places_of_commands() -> Iterator[tuple[str, str]]:
    """Every id in a command: ("stop", "answer")."""
    schema = COMMAND.json_schema()
    for kind, reference in schema["discriminator"]["mapping"].items():
        for name in _ids({"$ref": reference}, schema["$defs"]):
            if name not in PARTS_TESTED_ELSEWHERE:
                yield kind, name


def _ids(schema: dict[str, Any], known: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = known[schema["$ref"].rsplit("/", 1)[1]]
    for kind in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(kind, []):
            yield from _ids(option, known)
    if "items" in schema:
        yield from _ids(schema["items"], known)
    for name, inner in schema.get("properties", {}).items():
        if _is_id(name, inner):
            yield name
        yield from _ids(inner, known)


def _is_id(name: str, schema: dict[str, Any]) -> bool:
    options = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    is_uuid = any(option.get("format") == "uuid" for option in options)
    is_row = name.rstrip("s") in NAMES and any(
        option.get("type") in {"integer", "string"} for option in options
    )
    is_named = name.endswith(("_id", "_ids")) and name not in CHOSEN_BY_POLICY
    return is_uuid or is_row or is_named
