"""`manage.py restore FILE`: a backup into an empty home, while Danas is stopped."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.operations import restore
from assistant.operations.errors import OperationsError


class Command(BaseCommand):
    help = "Put a backup back into DANAS_HOME (or DATABASE_URL). Danas has to be stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="replace what is there")

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        try:
            check = restore.put_back(file, self._say, force=force)
        except OperationsError as error:
            raise CommandError(str(error)) from None
        self._say(f"The ledger: {check.sentence}")
        if not check.holds:
            raise CommandError("Everything was restored, but the ledger's chain is broken.")
        self._say("Restored. Start Danas with `make run`.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
