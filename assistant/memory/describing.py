"""What an answer was made from and what is remembered after it, as people are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assistant.memory import editing, profile, wishes
from assistant.models import Generation, Note, Window
from inference.diffusion import Block, from_json, importance
from inference.diffusion import Window as Memory


def describe(row: Window) -> dict[str, Any]:
    """The window of one answer; `memory` is what goes on from it, where nothing later does."""
    shown, carried = from_json(row.shown), from_json(row.blocks)
    is_current = editing.is_current(row)
    pins = editing.pins(row)
    return {
        "limit_tokens": row.limit_tokens,
        "used_tokens": row.used_tokens,
        "system_text": shown.system_text,
        "notes": [
            {"id": named["id"], "text": text}
            for named, text in zip(row.notes, shown.notes, strict=True)
        ],
        "blocks": list(_blocks(shown)),
        "changes": list(_changes(row)),
        "left_out": list(_left_out(row, carried)),
        "is_current": is_current,
        "memory": list(_blocks(carried)) if is_current else [],
        "pinned_tokens": pins.tokens,
        "pinned_limit": pins.limit,
        "uses_memory": row.message.conversation.uses_memory,
        "is_on": profile.is_on(row.message.conversation),
    }


def _changes(row: Window) -> Iterator[dict[str, Any]]:
    missed = wishes.missed(row)
    for change in row.changes:
        yield {**change, "is_missed": change["block"] in missed}


def _blocks(window: Memory) -> Iterator[dict[str, Any]]:
    weights = importance(window)
    for block in window.blocks:
        yield _block(block, weights[block.id])


def _block(block: Block, weight: float) -> dict[str, Any]:
    return {
        "id": block.id,
        "message": block.message,
        "role": block.role,
        "text": block.text,
        "tokens": block.tokens,
        "importance": round(weight, 3),
        "is_read": bool(block.needs),
        "rewrites": block.rewrites,
        "is_pinned": block.is_pinned,
    }


def _left_out(row: Window, carried: Memory) -> Iterator[str]:
    """What the answer was to do without, as far as it is still there to be told."""
    asked = Generation.objects.filter(pk=row.pk).values_list("left_out", flat=True).first()
    if not asked:
        return
    for block in carried.blocks:
        if block.id in asked["blocks"]:
            yield block.text
    notes = Note.objects.filter(owner=row.message.conversation.owner_id, pk__in=asked["notes"])
    yield from notes.values_list("text", flat=True)
