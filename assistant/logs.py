"""What every process writes down: one line an event, as JSON or for people, with the request's id.

Modules log as always; what is bound here (`bound`) goes into each line that is logged meanwhile, in
threads that are started for it too. Nobody's words are ever logged.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import deque
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars
from structlog.stdlib import ProcessorFormatter

REQUEST_ID = "request_id"
SHAPE = re.compile(r"[\w.:-]{1,64}", re.ASCII)
ERRORS_KEPT, LONGEST_ERROR = 100, 300


def request_id(given: str = "") -> str:
    """The id that a client gave its request, or a new one where that is none or no clean one."""
    return given if SHAPE.fullmatch(given) else uuid4().hex


def current() -> str:
    """The id of the request at hand; empty outside any."""
    return str(get_contextvars().get(REQUEST_ID, ""))


def bound(**names: str) -> AbstractContextManager[None]:
    """Put these into every line that is logged inside the block."""
    return bound_contextvars(**names)


def configuration(shape: str) -> dict[str, Any]:
    """Django's LOGGING. Without a `shape`, a terminal gets lines and anything else gets JSON."""
    chosen = shape or ("line" if sys.stderr.isatty() else "json")
    console = {"class": "logging.StreamHandler", "formatter": chosen}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "assistant.logs.Lines"},
            "json": {"()": "assistant.logs.json_lines"},
        },
        "handlers": {
            "console": console,
            "errors": {"class": "assistant.logs.Errors", "level": "ERROR"},
        },
        "root": {"handlers": ["console", "errors"], "level": "INFO"},
        "loggers": {
            "django.channels.server": {"level": "WARNING"},
            # uvicorn brings handlers of its own, which know nothing of all this.
            "uvicorn": {"handlers": [], "level": "INFO", "propagate": True},
            "uvicorn.error": {"level": "INFO"},
            # They would log addresses and what tool servers say; our own sentence says enough.
            "httpx2": {"level": "WARNING"},
            "mcp": {"level": "CRITICAL"},
        },
    }


def json_lines() -> logging.Formatter:
    """A JSON object a line: `at`, `level`, `logger`, `event`, what is bound, a traceback if any."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


class Lines(logging.Formatter):
    """For people: time, level, logger, what happened, and what is bound in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s%(bound)s")

    def format(self, record: logging.LogRecord) -> str:
        names = " ".join(f"{name}={value}" for name, value in get_contextvars().items())
        record.bound = f" [{names}]" if names else ""
        return super().format(record)


class Errors(logging.Handler):
    """Holds the newest errors until the process's sign of life takes them to Valkey."""

    waiting: ClassVar[deque[dict[str, str]]] = deque(maxlen=ERRORS_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            "event": record.getMessage()[:LONGEST_ERROR],
            "error": kind.__name__ if kind else "",
            REQUEST_ID: current(),
        }
        self.waiting.append(entry)

    @classmethod
    def taken(cls) -> list[dict[str, str]]:
        """What waits, oldest first; it waits no longer."""
        found = []
        while cls.waiting:
            found.append(cls.waiting.popleft())
        return found
