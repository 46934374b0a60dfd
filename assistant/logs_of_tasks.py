"""The id of a request goes along with the tasks that it asks for, as a header of their messages."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun

from assistant import logs

HEADER = "danas_request_id"
_OPEN = "_danas_logs"


def carry_request_ids() -> None:
    """For every task that this process asks for or runs from now on."""
    before_task_publish.connect(_send, weak=False)
    task_prerun.connect(_begin, weak=False)
    task_postrun.connect(_end, weak=False)


def _send(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None and (name := logs.current()):
        headers.setdefault(HEADER, name)


def _begin(task: Any, task_id: str, **_: Any) -> None:
    """A task that no request asked for, such as one by the clock, goes by its own id."""
    block = ExitStack()
    given = logs.request_id(str(getattr(task.request, HEADER, None) or task_id))
    block.enter_context(logs.bound(request_id=given, task=task.name))
    setattr(task.request, _OPEN, block)


def _end(task: Any, **_: Any) -> None:
    block: ExitStack | None = getattr(task.request, _OPEN, None)
    if block is not None:
        block.close()
