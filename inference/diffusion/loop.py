"""The loop: mask, allocate, refill, until the prompt fits. A pure function of its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from inference.contracts import ChatMessage
from inference.diffusion.allocate import MOST_REWRITES, allocate
from inference.diffusion.importance import importance, recencies
from inference.diffusion.mask import mask, newest
from inference.diffusion.prompt import SYSTEM, to_messages
from inference.diffusion.refill import refill
from inference.diffusion.window import USER, Action, Block, Change, Diffusion, Tokenizer, Window
from inference.errors import MessageTooLong, SystemTextTooLong

# Of the room, freed beyond what is needed: the next turns then leave the past as it is, and the
# engine finds it in its prefix cache in place of reading it again while somebody waits.
SLACK = 1 / 16
# The last turns get at most this share of the room beside the newest message.
LAST_TURNS_SHARE = 2
# So do pinned blocks: what is being talked about needs the rest.
PINNED_SHARE = 2
# Tokens of blocks don't add up exactly to the prompt's: a round that misses is done again with
# that much more to free. The later rounds no longer spare the last turns.
ROUNDS = 6


def diffuse(
    window: Window,
    limit: int,
    tokenizer: Tokenizer,
    *,
    rewritten: Mapping[int, str] | None = None,
    whole: bool = False,
    slack: float = SLACK,
) -> Diffusion:
    """Make the window's prompt, template and separators included, at most `limit` tokens long.

    The system text and the newest message of a person stay as they are, whatever it takes. The
    whole window is tokenised at most ROUNDS + 4 times, however long the conversation is.

    `rewritten` are blocks worded anew by a model, by id: taken where they keep to the budget and
    the copy guard, else whole sentences are left out. With `whole` nothing is shortened: blocks
    stay as they are or go. What had been done ahead of time comes first among the changes.

    Raises:
        SystemTextTooLong: the system text alone is longer.
        MessageTooLong: the system text and the newest message are longer.
    """
    window, earlier = replace(window, changes=()), window.changes
    prompt = tokenizer.prompt_ids(to_messages(window))
    if len(prompt) <= limit:
        return Diffusion(window, earlier, tuple(prompt))
    before = window
    fixed = _fixed_tokens(replace(window, notes=()), limit, tokenizer)
    window, noted = _with_notes_that_fit(window, (limit - fixed) // 2, tokenizer)
    room = limit - fixed - noted
    excess = len(tokenizer.prompt_ids(to_messages(window))) - limit + int(slack * room)
    worth, overhead = importance(window), _message_overhead(tokenizer)
    for attempt in range(ROUNDS):
        is_early = attempt < ROUNDS // 2
        touchable = mask(
            window,
            room // LAST_TURNS_SHARE if is_early else 0,
            room // PINNED_SHARE if is_early else 0,
        )
        blocks = [block for block in window.blocks if block.id in touchable]
        budgets = allocate(blocks, worth, excess, room, overhead, tokenizer, whole=whole)
        left = replace(window, blocks=refill(window.blocks, budgets, tokenizer, rewritten))
        prompt = tokenizer.prompt_ids(to_messages(left))
        if len(prompt) <= limit:
            break
        excess += len(prompt) - limit + overhead
    else:
        left, touchable = _only_newest(window), frozenset()
        prompt = tokenizer.prompt_ids(to_messages(left))
    changes = _changes(before, left, touchable, rewritten or {})
    return Diffusion(left, _one_after_the_other(earlier, changes), tuple(prompt))


def _only_newest(window: Window) -> Window:
    fixed = newest(window)
    blocks = tuple(block for block in window.blocks if block.id in fixed)
    return replace(window, blocks=blocks, notes=())


def _with_notes_that_fit(window: Window, room: int, tokenizer: Tokenizer) -> tuple[Window, int]:
    """The window with as many of its first notes as fit in `room` tokens, and their tokens."""
    bare = len(tokenizer.prompt_ids([ChatMessage(SYSTEM, window.system_text)]))
    for count in range(len(window.notes), 0, -1):
        noted = replace(window, notes=window.notes[:count])
        tokens = len(tokenizer.prompt_ids(to_messages(replace(noted, blocks=())))) - bare
        if tokens <= room:
            return noted, tokens
    return replace(window, notes=()), 0


def _fixed_tokens(window: Window, limit: int, tokenizer: Tokenizer) -> int:
    """The tokens of a prompt with nothing in it but what must not be touched."""
    fixed = len(tokenizer.prompt_ids(to_messages(_only_newest(window))))
    if fixed <= limit:
        return fixed
    system = len(tokenizer.prompt_ids([ChatMessage(SYSTEM, window.system_text)]))
    if system > limit:
        raise SystemTextTooLong(
            f"The system text takes {system:,} tokens; the window holds {limit:,}."
        )
    raise MessageTooLong(
        f"The message takes {fixed - system:,} tokens; the window holds {limit:,},"
        f" of which {system:,} are the system text's."
    )


def _message_overhead(tokenizer: Tokenizer) -> int:
    """What the template adds to a message's text, rounded up."""
    system, short = ChatMessage(SYSTEM, "a"), ChatMessage(USER, "a")
    alone, both = ([system], [system, short])
    return len(tokenizer.prompt_ids(both)) - len(tokenizer.prompt_ids(alone))


def _one_after_the_other(
    earlier: tuple[Change, ...], later: tuple[Change, ...]
) -> tuple[Change, ...]:
    """Both, but of a block that was kept and touched or kept again only the later."""
    again = {change.block for change in later}
    still = (c for c in earlier if c.action != Action.KEPT or c.block not in again)
    return (*still, *later)


def _changes(
    before: Window, after: Window, touchable: frozenset[int], rewritten: Mapping[int, str]
) -> tuple[Change, ...]:
    """What was done to each block, and which old ones were spared for what they say."""
    left = {block.id: block for block in after.blocks}
    age = {block_id: -recency for block_id, recency in recencies(before).items()}
    worth = importance(before)
    touched = [block for block in before.blocks if left.get(block.id) != block]
    youngest = min((age[block.id] for block in touched), default=0.0)
    changes = [
        _change(block, left.get(block.id), worth[block.id], rewritten.get(block.id, ""))
        for block in before.blocks
        if left.get(block.id) != block or (block.id in touchable and age[block.id] > youngest)
    ]
    return tuple(changes)


def _change(block: Block, after: Block | None, worth: float, rewritten: str) -> Change:
    if after is None:
        action, reason = Action.FORGOTTEN, _why_forgotten(block, worth)
    elif after == block:
        action, reason = Action.KEPT, "old, but worth its place"
    elif after.kind != block.kind:
        action = Action.REWRITTEN
        reason = f"the picture made room; what it shows is kept in {after.tokens} tokens"
    elif after.text == rewritten.strip():
        action = Action.REWRITTEN
        reason = f"said anew by the model, in {after.tokens} tokens in place of {block.tokens}"
    else:
        action = Action.EXTRACTED
        reason = "the sentences that are likeliest to be asked for were kept"
    return Change(
        action=action,
        block=block.id,
        message=block.message,
        role=block.role,
        text_before=block.text,
        text_after=after.text if after else "",
        tokens_before=block.tokens,
        tokens_after=after.tokens if after else 0,
        reason=reason,
    )


def _why_forgotten(block: Block, worth: float) -> str:
    if not block.needs:
        return "among the oldest"
    likely = (
        f"likely to be asked for at {worth:.0%}, less for its {block.tokens} tokens than others"
    )
    if block.rewrites >= MOST_REWRITES:
        return f"{likely}; it had been shortened {MOST_REWRITES} times"
    return likely
