"""The client."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from danas.checkpoint import Checkpoint
from danas.errors import DanasError
from danas.rows import Row, newest

if TYPE_CHECKING:
    from datasets import Dataset

ANEW = "0"
CURSOR = re.compile(r"\d+|\d{16}-[0-9a-f]+")
# Writing a file costs a trip to the disk; what comes between is pulled again after a crash.
CHECKPOINT_ROWS = 500
TRIES = 5
LONGEST_PAUSE_S = 30.0
READ_TIMEOUT_S = 120.0
OVERLOADED = (429, 502, 503, 504)


class Client:
    """One Danas, and a key with the scope `research`."""

    def __init__(self, url: str, key: str, *, pause_s: float = 0.5) -> None:
        """`pause_s` is waited after a first failure, and twice as long after each further one."""
        self.url, self._pause_s = url.rstrip("/"), pause_s
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(30.0, read=READ_TIMEOUT_S),
        )

    def iter_trajectories(
        self,
        format: str = "native",
        *,
        since: str | os.PathLike[str] = ANEW,
        start: date | str | None = None,
        until: date | str | None = None,
        policy: str = "",
        feedback: Sequence[str] = (),
        tag: str = "",
        update: str = "",
    ) -> Iterator[Row]:
        """Rows in the order of the feed, tombstones included when it is gone on with.

        `since` is a cursor, or the path of a checkpoint file that is read at the beginning and kept
        while rows are handled. `start` is the API's `from`.

        Raises:
            DanasError: the server refuses, or cannot be reached after several tries.
        """
        asked = {
            "format": format,
            "from": _moment(start),
            "until": _moment(until),
            "policy": policy,
            "feedback": list(feedback),
            "tag": tag,
            "update": update,
        }
        asked = {name: value for name, value in asked.items() if value}
        if isinstance(since, str) and CURSOR.fullmatch(since):
            return self._rows(asked, since)
        return self._remembered(asked, Checkpoint(Path(since), {"url": self.url, **asked}))

    def to_dataset(self, format: str = "native", **filter: Any) -> Dataset:
        """All that the filter finds as a `datasets.Dataset`; takes what the method above takes."""
        from datasets import Dataset

        return Dataset.from_list(list(newest(self.iter_trajectories(format, **filter))))

    def load(self, month: str, format: str = "native", **filter: Any) -> Dataset:
        """What was made in a month, such as "2026-11", as a `datasets.Dataset`."""
        first = date.fromisoformat(f"{month}-01")
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return self.to_dataset(format, start=first, until=after, **filter)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _remembered(self, asked: dict[str, Any], checkpoint: Checkpoint) -> Iterator[Row]:
        """A trajectory is done with when the next one is asked for after its last row."""
        done = current = checkpoint.read()
        unwritten = 0
        try:
            for row in self._rows(asked, done):
                if row["cursor"] != current:
                    is_first = done == ANEW
                    done, current = _begun(current, row["cursor"]), row["cursor"]
                    unwritten += 1
                    if is_first or unwritten >= CHECKPOINT_ROWS:
                        checkpoint.write(done)
                        unwritten = 0
                yield row
            done = current
        finally:
            checkpoint.write(done)

    def _rows(self, asked: dict[str, Any], since: str) -> Iterator[Row]:
        """The stream, made again where it broke: no row is left out, and none comes twice.

        A trajectory may have several rows with one cursor. It is whole when another follows, so a
        new connection begins before it, and what had come of it is passed over.
        """
        whole, current, seen, failures = since, "", 0, 0
        while True:
            to_pass = seen
            try:
                for row in self._lines({**asked, "since": whole}):
                    if row["cursor"] != current:
                        whole = current or _begun(whole, row["cursor"])
                        current, seen, to_pass = row["cursor"], 0, 0
                    if to_pass:
                        to_pass -= 1
                        continue
                    failures = 0
                    seen += 1
                    yield row
                return
            except httpx.TransportError as error:
                failures += 1
                if failures >= TRIES:
                    raise DanasError(f"{self.url} cannot be reached: {error}") from error
                self._pause(failures)

    def _lines(self, query: dict[str, Any]) -> Iterator[Row]:
        with self._http.stream("GET", "/v1/trajectories", params=query) as response:
            if response.status_code in OVERLOADED:
                time.sleep(_asked_pause_s(response))
                raise httpx.RemoteProtocolError(f"the server answered {response.status_code}")
            if response.status_code != 200:
                raise _refusal(response)
            # Not iter_lines: that also breaks at characters which JSON leaves as they are.
            rest = b""
            for chunk in response.iter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                yield from map(json.loads, lines)

    def _pause(self, failures: int) -> None:
        time.sleep(min(self._pause_s * 2 ** (failures - 1), LONGEST_PAUSE_S))


def _begun(since: str, cursor: str) -> str:
    """Where to go on before a first trajectory is done with: no more than a new pull has seen, but
    unlike that one told of what is gone. `cursor` is any of the same pull."""
    return f"{0:016d}{cursor[16:]}" if since == ANEW else since


def _asked_pause_s(response: httpx.Response) -> float:
    """A proxy may name a date; then the pauses that grow have to do."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE_S) if asked.isdecimal() else 0.0


def _moment(value: date | str | None) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if value is not None else ""


def _refusal(response: httpx.Response) -> DanasError:
    response.read()
    try:
        error = response.json()["error"]
        return DanasError(error["message"], code=error["code"], status=response.status_code)
    except (ValueError, KeyError):
        return DanasError(
            f"The server answered {response.status_code}.", status=response.status_code
        )
