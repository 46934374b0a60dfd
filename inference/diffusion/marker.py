"""What the model is shown of sentences that are to be judged, and where it says yes or no to each.

A reading is one sequence of tokens: a question, a few lines said before for context, and the lines
to be judged, with a mark after each sentence. Whether what a sentence says will be asked for can be
read from the model's own head at the mark, as log-odds of yes against no, so that one pass judges
many sentences; the adapter that is trained to answer there is `learning.memory`'s. A plain reading
has neither question nor marks: what is read are the model's states (`learning.memory.probe`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block, Encoder

QUESTION = "Which of this will be asked about later?\n"
MARK = " ->"
# The second pair is for tokenizers in which a space is a token of its own.
WORDS = ((" yes", " no"), ("yes", "no"))
CONTEXT_TOKENS = 160
READING_TOKENS = 768


@dataclass(slots=True)
class Reading:
    """`asked[i]` is a sentence, by its block's id and number, and `spans[i]` where its tokens
    begin and end; `places[i]` is the index of the mark that judges it, or of its last token."""

    token_ids: list[int]
    asked: list[tuple[int, int]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """One block as it is read: its tokens, and where in them its sentences and marks are."""

    block: Block
    token_ids: list[int]
    spans: list[tuple[int, int]]
    places: list[int]


def answers(encode: Encoder) -> tuple[int, int]:
    """The tokens of yes and no: the first of each, if it has several.

    Raises:
        ValueError: they begin with the same token, so they can't be told apart by one.
    """
    for yes, no in ((encode(yes)[0], encode(no)[0]) for yes, no in WORDS):
        if yes != no:
            return yes, no
    raise ValueError("This tokenizer begins yes and no with the same token.")


def readings(
    blocks: Sequence[Block], unread: Collection[int], encode: Encoder, *, plain: bool = False
) -> list[Reading]:
    """The sequences that judge the blocks with these ids, in order, as few as they fit in.

    A reading has at most `READING_TOKENS` tokens and a block more, of which `CONTEXT_TOKENS` are
    of what was said before; so its cost depends on what is unread and not on the dialogue.
    """
    question = [] if plain else encode(QUESTION)
    mark = [] if plain else encode(MARK)
    lines = [_line(block, mark, encode) for block in needed(blocks, unread)]
    done: list[Reading] = []
    start = 0
    while (start := _next(lines, unread, start)) < len(lines):
        reading = Reading([*question])
        for line in _context(lines[:start]):
            reading.token_ids += line.token_ids
        while start < len(lines) and len(reading.token_ids) < READING_TOKENS:
            _add(reading, lines[start], unread)
            start += 1
        done.append(reading)
    return done


def needed(blocks: Sequence[Block], unread: Collection[int]) -> Sequence[Block]:
    """The blocks that `readings` looks at: from far enough before the first unread one on."""
    # A mark a sentence is not yet counted.
    first = next((i for i, block in enumerate(blocks) if block.id in unread), len(blocks))
    return blocks[_reach([block.tokens for block in blocks[:first]]) :]


def gathered(
    done: Sequence[tuple[Reading, Sequence[float]]],
) -> dict[int, list[float]]:
    """The log-odds of each block's sentences, from those at each reading's places."""
    needs: dict[int, list[float]] = {}
    for reading, log_odds in done:
        for (block, _), value in zip(reading.asked, log_odds, strict=True):
            needs.setdefault(block, []).append(value)
    return needs


def _line(block: Block, mark: list[int], encode: Encoder) -> _Line:
    token_ids = encode(f"{block.role}:")
    spans, places = [], []
    for sentence in sentences(block.text):
        # A space at least, so that a sentence of nothing else has a token too.
        said = encode(" " + " ".join(sentence.split()))
        spans.append((len(token_ids), len(token_ids) + len(said)))
        token_ids += said + mark
        places.append(len(token_ids) - 1)
    return _Line(block, token_ids + encode("\n"), spans, places)


def _next(lines: Sequence[_Line], unread: Collection[int], start: int) -> int:
    rest = range(start, len(lines))
    return next((place for place in rest if lines[place].block.id in unread), len(lines))


def _context(before: Sequence[_Line]) -> Sequence[_Line]:
    return before[_reach([len(line.token_ids) for line in before]) :]


def _reach(tokens: Sequence[int]) -> int:
    """From which place on the last of them are at most `CONTEXT_TOKENS` together."""
    room, first = CONTEXT_TOKENS, len(tokens)
    while first and (room := room - tokens[first - 1]) >= 0:
        first -= 1
    return first


def _add(reading: Reading, line: _Line, unread: Collection[int]) -> None:
    if line.block.id in unread:
        start = len(reading.token_ids)
        reading.places += [start + place for place in line.places]
        reading.spans += [(start + begin, start + end) for begin, end in line.spans]
        reading.asked += [(line.block.id, number) for number in range(len(line.places))]
    reading.token_ids += line.token_ids
