"""What was measured, put together over conversations: as rows for a file and as tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from learning.memory.counting import Way
from learning.memory.dialogue import Dialogue
from learning.memory.evaluation import ORACLE, SEEKERS, Measured, ceiling
from learning.memory.measuring import Cell, Plan
from learning.memory.yardsticks import Spread, spread

Key = tuple[Way, str, int]


@dataclass
class Report:
    """What was measured until now. Names are empty where there was no such part.

    `reader` is what told diffusion which sentences will be asked for.
    """

    plan: Plan
    dialogues: Sequence[Dialogue]
    file: str
    model: str = ""
    reader: str = ""
    cells: list[Cell] = field(default_factory=list)
    is_complete: bool = False


def write(path: Path, report: Report) -> None:
    """Write it as JSON, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(json.dumps(document(report), indent=2) + "\n")
    unfinished.replace(path)


def document(report: Report) -> dict[str, Any]:
    """As JSON types."""
    plan = report.plan
    return {
        "file": report.file,
        "conversations": {
            dialogue.name: {"turns": len(dialogue.turns), "questions": len(dialogue.questions)}
            for dialogue in report.dialogues
        },
        "is_complete": report.is_complete,
        "model": report.model or None,
        "reader": report.reader or None,
        "seed": plan.seed,
        "likelihood_questions": plan.questions if plan.judged else 0,
        "answer_words_said": _json(_said(report.dialogues)),
        "rows": [_row(*key, group) for key, group in _groups(report.cells).items()],
    }


def _row(way: Way, policy: str, budget: int, cells: Sequence[Cell]) -> dict[str, Any]:
    spreads = {each.name: _json(_spread(cells, each.name)) for each in fields(Measured)}
    return {
        "counting": str(way),
        "policy": policy,
        "budget": budget,
        "knows": _knows(policy) or None,
        **spreads,
        "peak_tokens": max(cell.measured.peak_tokens for cell in cells),
        "by_conversation": {cell.dialogue: asdict(cell.measured) for cell in cells},
    }


def _said(dialogues: Sequence[Dialogue]) -> Spread | None:
    """The share of the answers' words that were said at all."""
    shares = [share for dialogue in dialogues if (share := ceiling(dialogue)) is not None]
    return spread(shares) if shares else None


def _json(found: Spread | None) -> dict[str, Any] | None:
    return asdict(found) if found else None


def tables(report: Report) -> Iterator[str]:
    """In Markdown: means over conversations, with their standard deviations."""
    for way in dict.fromkeys(cell.way for cell in report.cells):
        groups = _groups([cell for cell in report.cells if cell.way == way])
        for name, (title, shown) in TABLES.items():
            if table := _table(groups, name, shown):
                yield f"{title}. Tokens: {COUNTED[way]}.\n\n{table}"
    yield " ".join(_notes(report))


def _notes(report: Report) -> Iterator[str]:
    """What has to be known to read the tables."""
    measured = len({cell.dialogue for cell in report.cells})
    yield f"{measured} of {len(report.dialogues)} conversations of {report.file};"
    yield "± is the standard deviation over them."
    if said := _said(report.dialogues):
        yield f"Of the answers' words {_share(said)} were said at all."
    if report.plan.judged:
        yield f"Log-likelihoods are {report.model}'s, of {report.plan.questions} questions each."
    if report.plan.asks_needs():
        yield (
            f"What will be asked for was read by {report.reader}."
            if report.reader
            else "Diffusion went by age alone: there is neither a probe of this model nor --memory."
        )


def _table(groups: Mapping[Key, list[Cell]], name: str, shown: Callable[[Spread], str]) -> str:
    """Policies down, budgets across; empty where nothing of it was measured."""
    found = {key: _spread(group, name) for key, group in groups.items()}
    if not any(found.values()):
        return ""
    budgets = sorted({budget for _, _, budget in groups})
    lines = [["policy", *(_short(budget) for budget in budgets)]]
    for way, policy in dict.fromkeys((way, policy) for way, policy, _ in groups):
        spreads = [found.get((way, policy, budget)) for budget in budgets]
        if not any(spreads):
            continue
        knows = f" ({_knows(policy)})" if _knows(policy) else ""
        lines.append([policy + knows, *(shown(each) if each else "" for each in spreads)])
    rule = "|".join("---" for _ in lines[0])
    first, *rest = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([first, f"|{rule}|", *rest])


def _groups(cells: Sequence[Cell]) -> dict[Key, list[Cell]]:
    groups: dict[Key, list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.way, cell.policy, cell.budget), []).append(cell)
    return groups


def _spread(group: Sequence[Cell], name: str) -> Spread | None:
    """None where it was not measured."""
    values = [getattr(cell.measured, name) for cell in group]
    known = [value for value in values if value is not None]
    return spread(known) if known else None


def _knows(policy: str) -> str:
    """What no assistant with a store of fixed size could know or hold."""
    if policy in SEEKERS:
        return "knows the question; storage without bound"
    return "knows what will be asked" if policy == ORACLE else ""


def _short(budget: int) -> str:
    """
    >>> _short(4096), _short(1000)
    ('4k', '1000')
    """
    return f"{budget // 1024}k" if budget % 1024 == 0 else str(budget)


def _share(found: Spread) -> str:
    """As in \".52 ± .04\"."""
    deviation = "" if found.deviation is None else f" ± {_bare(found.deviation)}"
    return _bare(found.mean) + deviation


def _bare(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _nats(found: Spread) -> str:
    deviation = "" if found.deviation is None else f" ± {found.deviation:.2f}"
    return f"{found.mean:.2f}{deviation}"


def _count(found: Spread) -> str:
    return f"{found.mean:,.0f}"


def _ms(found: Spread) -> str:
    return f"{found.mean:.1f}"


COUNTED = {
    Way.WORDS: "words and punctuation, and 4 a turn",
    Way.POLICY: "the policy's, template included",
}
TABLES: Mapping[str, tuple[str, Callable[[Spread], str]]] = {
    "evidence": ("Share of evidence turns that are whole in the window", _share),
    "all_evidence": ("Share of questions all of whose evidence turns are", _share),
    "answer_words": ("Share of the answers' words that are still there", _share),
    "answer_nats": ("Log-likelihood of the answers in nats a token", _nats),
    "forwarded_tokens": ("Tokens of the window that an engine reads anew each turn", _count),
    "read_tokens": ("Tokens read each turn to judge what was said", _count),
    "turn_ms": ("Milliseconds a turn", _ms),
}
