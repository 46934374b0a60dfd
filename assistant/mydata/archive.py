"""Everything of one person as a zip: conversations with all branches, images, judgements and what
became of them, links, notes, tools, keys' names, consent. Temporary chats are in nothing that is
kept."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet

from assistant import files
from assistant.accounts import email
from assistant.feedback import receipts
from assistant.models import ApiKey, Conversation, Image, Message, Note, Share, User
from assistant.models.conversation import owned_by
from assistant.mydata import tools, writing
from learning import ledger, wishes

PAGE_ROWS = 200
README = """# What Danas has of you

- `account.json`: your account, what you agreed to, and the names of your API keys
- `conversations/`: each conversation as Markdown to read and as JSON with every branch
- `requests.ndjson`: what programs asked with your keys, a conversation a line
- `images/`: your images as they are kept
- `feedback.json`: your judgements, what became of each, and what the ledger says of it
- `sharing.json`: links that you made
- `memory.json`: whether memory is on, the notes about you, and what you showed should have been
  kept: its texts until learning has only numbers of them, and the versions that learned from it
- `tools.json`: your reminders, the tools that you allowed, and what they were called with and said

Temporary chats are not kept and not in here. Versions of the model that were trained before keep
what they learned; `feedback.json` names them.
"""


def conversations_of(person: User) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(owner=person, is_temporary=False)
    return rows.order_by("created_at", "pk")


def write(person: User, path: Path, progress: Callable[[int], None]) -> None:
    """Write the zip to `path`; `progress` is told how many conversations are in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("README.md", README)
        zipped.writestr("account.json", _json(_account(person)))
        _write_conversations(person, zipped, progress)
        _write_images(person, zipped)
        zipped.writestr("feedback.json", _json(list(_feedback(person))))
        zipped.writestr("sharing.json", _json(list(_shares(person))))
        zipped.writestr("memory.json", _json(_memory(person)))
        zipped.writestr("tools.json", _json(tools.of(person)))


def messages_of(conversation: Conversation) -> list[Message]:
    """All branches, oldest first, without what was deleted."""
    return list(conversation.messages.select_related("generation").order_by("created_at", "role"))


def _write_conversations(
    person: User, zipped: zipfile.ZipFile, progress: Callable[[int], None]
) -> None:
    names = {image.pk: image.file_name for image in Image.objects.filter(owner=person)}
    requests: list[str] = []
    rows = conversations_of(person)
    for done, conversation in enumerate(_paged(rows), start=1):
        messages = messages_of(conversation)
        whole = writing.as_json(conversation, messages)
        if conversation.is_listed:
            name = f"conversations/{_file_name(conversation)}"
            text = writing.as_markdown(conversation, messages, images="../images/{}")
            for pk, file_name in names.items():
                text = text.replace(f"(../images/{pk})", f"(../images/{file_name})")
            zipped.writestr(f"{name}.json", _json(whole))
            zipped.writestr(f"{name}.md", text)
        else:
            requests.append(json.dumps(whole, ensure_ascii=False))
        progress(done)
    zipped.writestr("requests.ndjson", "".join(f"{line}\n" for line in requests))


def _write_images(person: User, zipped: zipfile.ZipFile) -> None:
    said = Q(conversation__is_temporary=False, conversation__deleted_at=None)
    kept = Image.objects.filter(Q(conversation=None) | said, owner=person)
    for image in kept.iterator():
        if (content := files.shelf().read(image.address)) is not None:
            entry = zipfile.ZipInfo(f"images/{image.file_name}")
            zipped.writestr(entry, content, zipfile.ZIP_STORED)


def _account(person: User) -> dict[str, Any]:
    address = email.of(person)
    return {
        "name": person.username,
        "email": address.email if address else "",
        "role": person.role,
        "joined_at": _moment(person.date_joined),
        "training": person.training_consent,
        "research": person.research_consent,
        "consent_changed_at": _moment(person.consent_changed_at),
        "keys": [
            {
                "name": key.name,
                "begins": key.prefix,
                "scopes": key.scopes,
                "created_at": _moment(key.created_at),
                "revoked_at": _moment(key.revoked_at),
            }
            for key in ApiKey.objects.filter(owner=person)
        ],
    }


def _feedback(person: User) -> Iterator[dict[str, Any]]:
    before: datetime | None = None
    while page := receipts.newest(person, limit=PAGE_ROWS, before=before):
        subjects = [str(each.feedback.pk) for each in page]
        entries = list(ledger.of(*subjects))
        for each in page:
            row = each.feedback
            if row.message.conversation.is_temporary:
                continue
            yield {
                "id": str(row.pk),
                "message": str(row.message_id),
                "kind": row.kind,
                "text": row.text,
                "tags": row.tags,
                "over": str(row.over_id) if row.over_id else None,
                "at": _moment(row.created_at),
                "taken_back_at": _moment(row.revoked_at),
                "became": each.sentence,
                "versions": [descent.version.name for descent in each.descents],
                "ledger": [
                    {"seq": one.seq, "kind": one.kind, "digest": one.digest}
                    for one in entries
                    if one.subject == str(row.pk)
                ],
            }
        before = page[-1].feedback.created_at


def _shares(person: User) -> Iterator[dict[str, Any]]:
    for share in Share.objects.filter(owned_by(person), owner=person):
        yield {
            "path": f"/s/{share.token}",
            "conversation": str(share.conversation_id),
            "messages": [str(pk) for pk in share.messages],
            "has_name": share.has_name,
            "created_at": _moment(share.created_at),
        }


def _memory(person: User) -> dict[str, Any]:
    return {
        "is_on": person.uses_memory,
        "notes": [
            {
                "text": note.text,
                "kind": note.kind,
                "pinned": note.is_pinned,
                "message": str(note.source_id) if note.source_id else None,
                "created_at": _moment(note.created_at),
                "changed_at": _moment(note.changed_at),
            }
            for note in Note.objects.filter(owner=person)
        ],
        "should_have_been_kept": list(wishes.handed_over(person.pk)),
    }


def _paged(rows: QuerySet[Conversation]) -> Iterator[Conversation]:
    """Page by page, since a cursor would hold a transaction open for minutes."""
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), PAGE_ROWS):
        yield from rows.filter(pk__in=ids[start : start + PAGE_ROWS])


def _file_name(conversation: Conversation) -> str:
    words = re.sub(r"[^\w-]+", "-", conversation.title).strip("-").lower()[:50]
    parts = [f"{conversation.created_at:%Y-%m-%d}", words, str(conversation.pk)[:8]]
    return "-".join(filter(None, parts))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
