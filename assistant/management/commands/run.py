"""`manage.py run`: all of Danas on one machine, until SIGINT or SIGTERM."""

from __future__ import annotations

import errno
import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from assistant.processes.errors import CannotStart
from assistant.processes.run import run

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(BaseException):
    """Somebody wants everything to stop; nothing below may take it for an error."""


class Command(BaseCommand):
    help = "Start everything on this machine, keep it running, and stop it in order."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        # A single connection, given back between uses; a pool's threads have no use here.
        connection.settings_dict["OPTIONS"].pop("pool", None)
        for signum in STOPPING:
            signal.signal(signum, _ask_to_stop)
        try:
            run(self._say)
        except StopAsked:
            self._say("Danas has stopped.")
        except CannotStart as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise CommandError(f"The disk is full: {error.filename or error}.") from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _ask_to_stop(signum: int, frame: FrameType | None) -> None:
    """Once is enough: a second signal must not break off the orderly end."""
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)
    raise StopAsked
