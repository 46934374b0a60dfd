"""The researchers' pull over HTTP against PostgreSQL's own COPY of the same rows as JSON.

On a database of its own with 20,000 trajectories. Turn about, in one run: `GET /v1/trajectories`
from the first byte sent to the last one read, what is new or gone in the feed looked up first; and
psql with `COPY (SELECT row_to_json …) TO STDOUT` of the same lines in one statement, or of the
columns that they are made from. Both run on the machine's own cores, PostgreSQL's work included.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg

from assistant.home import Home
from assistant.processes import postgres
from tests.system.light import LightStack

TRAJECTORIES = 20_000
ROUNDS = 5
FORMATS = ("native", "trl-sft")
CHUNK = 1 << 18
Row = dict[str, Any]

# A conversation, a question and an answer each: a prompt of 300 tokens, an answer of 120. One in
# four has a thumb, one in sixteen a correction.
FILL = """
    CREATE TEMP TABLE made AS
    SELECT n, gen_random_uuid() AS conversation, gen_random_uuid() AS question,
           gen_random_uuid() AS answer FROM generate_series(1, %(count)s) AS n;
    INSERT INTO assistant_conversation (id, owner_id, title, system_text, is_listed, is_temporary,
                                        created_at, updated_at)
    SELECT conversation, %(owner)s, 'A walk', 'You are Danas.', false, false, now(), now()
      FROM made;
    INSERT INTO assistant_message (id, conversation_id, parent_id, role, parts, created_at)
    SELECT question, conversation, NULL::uuid, 'user', jsonb_build_array(jsonb_build_object(
               'type', 'text', 'text', repeat('What is "rain"? ', 75))), now() FROM made
     UNION ALL
    SELECT answer, conversation, question, 'assistant', jsonb_build_array(jsonb_build_object(
               'type', 'text', 'text', repeat('Rain is water. ', 34) || n)), now() FROM made;
    INSERT INTO assistant_generation (message_id, status, model, policy, digest, sampling, worker,
                                      last_seq, stop_requested, error_code, created_at)
    SELECT answer, 'done', 'danas', 'base', '', '{}', '', 0, false, '', now() FROM made;
    INSERT INTO assistant_trajectory (generation_id, messages, prompt_token_ids, sampled_token_ids,
               logprobs, sampling, policy, digest, base_model, finish_reason, queued_ms,
               first_token_ms, total_ms, created_at)
    SELECT answer, jsonb_build_array(
               jsonb_build_object('role', 'system', 'content', 'You are Danas.'),
               jsonb_build_object('role', 'user', 'content', repeat('What is "rain"? ', 75))),
           (SELECT array_agg((n * 7919 + i * i * 31) %% 49152) FROM generate_series(1, 300) AS i),
           (SELECT array_agg((n * 104729 + i * i * 17) %% 49152) FROM generate_series(1, 120) AS i),
           (SELECT array_agg(ln(random()::float + 1e-9) - (n + i) / 1e9::float)
              FROM generate_series(1, 120) AS i),
           '{"temperature": 0.2, "top_p": 0.9, "max_tokens": 512, "seed": null, "stop": []}',
           'base', '', 'embedded', 'stop', 1.5, 80.25, 2000.125, now()
      FROM made;
    INSERT INTO assistant_feedback (id, message_id, person_id, kind, text, tags, idempotency_key,
                                    created_at)
    SELECT gen_random_uuid(), answer, %(owner)s, 'up', '', '{}'::varchar[], '', now()
      FROM made WHERE n %% 4 = 0
     UNION ALL
    SELECT gen_random_uuid(), answer, %(owner)s, 'correction', repeat('Rain falls. ', 40),
           '{}'::varchar[], '', now() FROM made WHERE n %% 16 = 1;
"""
# What the lines are made from, without making them: no pseudonyms, no provenance, no format.
COLUMNS = """
    SELECT row_to_json(raw) FROM (
        SELECT t.*, m.parts, c.owner_id FROM assistant_release r
          JOIN assistant_trajectory t ON t.generation_id = r.trajectory_id
          JOIN assistant_message m ON m.id = t.generation_id
          JOIN assistant_conversation c ON c.id = m.conversation_id
          JOIN assistant_user u ON u.id = c.owner_id AND u.research_consent) AS raw
"""


def run() -> list[tuple[str, list[Row]]]:
    stack = LightStack(programs=(), DANAS_RATES='{"exports": "off"}')
    try:
        stack.start()
        return _measured(stack)
    finally:
        stack.remove()


def _measured(stack: LightStack) -> list[tuple[str, list[Row]]]:
    home = Home(stack.home)
    key = stack.create_user("rho", "--role", "researcher", "--research", "on")
    with psycopg.connect(
        _address(home), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as db:
        _fill(db)
        first_s, _ = _timed(lambda: _pull(stack.url, key, "native"))
        rows = [_compared(stack, home, db, key, form) for form in FORMATS]
    first = {"format": "native", "rows": TRAJECTORIES, "seconds": round(first_s, 2)}
    return [
        ("Export: the pull against COPY of the same rows as JSON", rows),
        ("Export first: a pull that gives all rows their places", [first]),
    ]


def _compared(
    stack: LightStack, home: Home, db: psycopg.Connection[Any], key: str, form: str
) -> Row:
    lines = _statement(stack, db, form)
    sides: dict[str, Callable[[], int]] = {
        "pull": lambda: _pull(stack.url, key, form),
        "copy": lambda: _copy(home, lines),
        "columns": lambda: _copy(home, COLUMNS),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    size = 0
    for _ in range(ROUNDS):
        for name, side in sides.items():
            took, read = _timed(side)
            seconds[name].append(took)
            size = read if name == "pull" else size
    pull, copy, columns = (statistics.median(seconds[name]) for name in sides)
    return {
        "format": form,
        "rows": TRAJECTORIES,
        "MB": round(size / 1e6, 1),
        "pull rows/s": round(TRAJECTORIES / pull),
        "pull MB/s": round(size / 1e6 / pull, 1),
        "COPY rows/s": round(TRAJECTORIES / copy),
        "COPY MB/s": round(size / 1e6 / copy, 1),
        "ratio": round(copy / pull, 2),
        "COPY of columns rows/s": round(TRAJECTORIES / columns),
        "ratio to columns": round(columns / pull, 2),
    }


def _fill(db: psycopg.Connection[Any]) -> None:
    (owner,) = db.execute("SELECT id FROM assistant_user WHERE username = 'rho'").fetchone() or ()
    db.execute(FILL, {"count": TRAJECTORIES, "owner": owner})
    db.execute("VACUUM ANALYZE")


def _statement(stack: LightStack, db: psycopg.Connection[Any], form: str) -> str:
    """What the website asks PostgreSQL for, for the whole feed at once."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    os.environ["DANAS_SECRET_KEY"] = (stack.home / "secrets" / "django").read_text().strip()
    from assistant.trajectories.filters import Filter
    from assistant.trajectories.lines import Reading

    reading = Reading(form, Filter())
    where = {**reading.parameters, "after": 0, "last": 2**62}
    return psycopg.ClientCursor(db).mogrify(reading.sql, where)


def _pull(url: str, key: str, form: str) -> int:
    asked = urllib.request.Request(
        f"{url}/v1/trajectories?format={form}&since=0", headers={"Authorization": f"Bearer {key}"}
    )
    size, lines = 0, 0
    with urllib.request.urlopen(asked, timeout=600) as answer:
        while chunk := answer.read1(CHUNK):
            size += len(chunk)
            lines += chunk.count(b"\n")
    assert lines == TRAJECTORIES, f"{lines} rows came"
    return size


def _copy(home: Home, query: str) -> int:
    command = [postgres.binary("psql"), _address(home), "-qc", f"COPY ({query}) TO STDOUT"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return 0


def _address(home: Home) -> str:
    return f"host={home.sockets} user={postgres.NAME} dbname={postgres.NAME}"


def _timed(act: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    result = act()
    return time.perf_counter() - started, result
