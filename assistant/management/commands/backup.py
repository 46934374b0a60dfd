"""`manage.py backup FILE`: everything into one file, while Danas runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from assistant.operations import backup
from assistant.operations.errors import OperationsError

WARNING = (
    "The file holds the secrets too: whoever has it can sign in as anybody and read second"
    " factors. Keep it like a password."
)
WITHOUT = (
    "Secrets are not in the file. Without DANAS_HOME/secrets (or your DANAS_SECRET_KEY) a restored"
    " Danas signs everybody out, asks for second factors anew and gives new pseudonyms."
)


class Command(BaseCommand):
    help = "Save the whole installation into FILE (.tar.zst or .tar.gz). Danas goes on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--secrets", action="store_true", help="the installation's keys too; mind the file then"
        )

    def handle(self, *args: Any, file: Path, secrets: bool, **options: Any) -> None:
        try:
            made = backup.make(file, self._say, with_secrets=secrets)
        except OperationsError as error:
            raise CommandError(str(error)) from None
        except OperationalError as error:
            raise CommandError(f"The database does not answer; is Danas running? {error}") from None
        self.stderr.write(WARNING if secrets else WITHOUT)
        size = f"{made.bytes / 1e6:,.1f} MB"
        self._say(f"Saved {made.rows:,} rows to {file}, {size}, in {made.seconds:.1f} s.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
