"""A file of JSON lines, one for each finished part of a long run, from which it can go on."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """What was done is not done again: `once` finds its result in the file.

    Without a path, everything is done and nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._done: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}
        if path is not None and path.exists():
            whole, _, torn = path.read_text().rpartition("\n")
            if torn:
                # A run was killed while it wrote its last line.
                path.write_text(f"{whole}\n" if whole else "")
            for line in whole.splitlines():
                self._take(line)

    def _take(self, line: str) -> None:
        entry = json.loads(line)
        self._done[entry["key"]] = entry["result"]
        self.seconds[entry["key"]] = entry["seconds"]

    def __contains__(self, key: str) -> bool:
        return key in self._done

    def __getitem__(self, key: str) -> Any:
        return self._done[key]

    def claim(self, plan: dict[str, Any]) -> None:
        """Write down what the run is.

        Raises:
            ValueError: the file is of a run with another plan.
        """
        before = self._done.get("plan")
        if before is not None and before != plan:
            raise ValueError(f"{self._path} is the journal of another run: {before}")
        if before is None:
            self.note("plan", plan)

    def note(self, key: str, result: Any, seconds: float = 0.0) -> None:
        self._done[key], self.seconds[key] = result, seconds
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"key": key, "at": at, "seconds": round(seconds, 1), "result": result}
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    async def once(self, key: str, act: Callable[[], Awaitable[Any]]) -> Any:
        if key not in self._done:
            started = time.monotonic()
            result = await act()
            self.note(key, result, time.monotonic() - started)
        return self._done[key]
