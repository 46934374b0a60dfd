"""Rows to a table on standard output and a JSON file that says what machine made them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Row = Mapping[str, Any]


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows that share their keys as a table."""
    print(f"\n{title}\n")
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for number, line in enumerate(cells):
        print("| " + " | ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def save(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Write `name`.json with the rows, the time, the machine and the revision."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "benchmark": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
        "revision": _revision(),
        "rows": list(rows),
    }
    (folder / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _revision() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
