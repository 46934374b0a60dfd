"""The loop: mask, allocate, refill, until the prompt fits. A pure function of its arguments."""

from __future__ import annotations

from dataclasses import replace

from inference.contracts import ChatMessage
from inference.diffusion.allocate import MOST_REWRITES, allocate
from inference.diffusion.importance import deviations, importance, recencies
from inference.diffusion.mask import mask, newest
from inference.diffusion.prompt import SYSTEM, to_messages
from inference.diffusion.refill import refill
from inference.diffusion.window import USER, Action, Block, Change, Diffusion, Tokenizer, Window
from inference.errors import MessageTooLong, SystemTextTooLong

# A little more is freed than is needed: the next turns then leave the past as it is, and the
# engine finds it in its prefix cache in place of reading it again.
SLACK_SHARE = 8
# The last turns get at most this share of the room beside the newest message.
LAST_TURNS_SHARE = 2
# Tokens of blocks don't add up exactly to the prompt's: a round that misses is done again with
# that much more to free. The later rounds no longer spare the last turns.
ROUNDS = 6


def diffuse(window: Window, limit: int, tokenizer: Tokenizer) -> Diffusion:
    """Make the window's prompt, template and separators included, at most `limit` tokens long.

    The system text and the newest message of a person stay as they are, whatever it takes. The
    whole window is tokenised at most ROUNDS + 3 times, however long the conversation is.

    Raises:
        SystemTextTooLong: the system text alone is longer.
        MessageTooLong: the system text and the newest message are longer.
    """
    prompt = tokenizer.prompt_ids(to_messages(window))
    if len(prompt) <= limit:
        return Diffusion(window, (), tuple(prompt))
    room = limit - _fixed_tokens(window, limit, tokenizer)
    excess = len(prompt) - limit + room // SLACK_SHARE
    worth, overhead = importance(window), _message_overhead(tokenizer)
    for attempt in range(ROUNDS):
        spared = room // LAST_TURNS_SHARE if attempt < ROUNDS // 2 else 0
        touchable = mask(window, spared)
        budgets = allocate(
            [block for block in window.blocks if block.id in touchable], worth, excess, overhead
        )
        left = replace(window, blocks=refill(window.blocks, budgets, tokenizer))
        prompt = tokenizer.prompt_ids(to_messages(left))
        if len(prompt) <= limit:
            return Diffusion(left, _changes(window, left, touchable), tuple(prompt))
        excess += len(prompt) - limit + overhead
    left = _only_newest(window)
    prompt = tokenizer.prompt_ids(to_messages(left))
    return Diffusion(left, _changes(window, left, frozenset()), tuple(prompt))


def _only_newest(window: Window) -> Window:
    pinned = newest(window)
    return replace(window, blocks=tuple(block for block in window.blocks if block.id in pinned))


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


def _changes(before: Window, after: Window, touchable: frozenset[int]) -> tuple[Change, ...]:
    """What was done to each block, and which old ones were spared for what they say."""
    left = {block.id: block for block in after.blocks}
    age = {block_id: -recency for block_id, recency in recencies(before).items()}
    deviation = deviations(before.blocks)
    touched = [block for block in before.blocks if left.get(block.id) != block]
    youngest = min((age[block.id] for block in touched), default=0.0)
    changes = [
        _change(block, left.get(block.id), deviation.get(block.id))
        for block in before.blocks
        if left.get(block.id) != block or (block.id in touchable and age[block.id] > youngest)
    ]
    return tuple(changes)


def _change(block: Block, after: Block | None, deviation: float | None) -> Change:
    if after is None:
        action, reason = Action.FORGOTTEN, _why_forgotten(block, deviation)
    elif after == block:
        action, reason = Action.KEPT, "old, but worth its place"
    else:
        action, reason = Action.EXTRACTED, f"{_why(deviation)}; its rarest sentences were kept"
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


def _why_forgotten(block: Block, deviation: float | None) -> str:
    if block.rewrites >= MOST_REWRITES:
        return f"{_why(deviation)}; it had been shortened {MOST_REWRITES} times"
    return _why(deviation)


def _why(deviation: float | None) -> str:
    if deviation is None:
        return "among the oldest"
    return "old and unsurprising" if deviation < 0 else "older than what was kept"
