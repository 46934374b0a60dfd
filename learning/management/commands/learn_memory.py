"""`manage.py learn_memory`: learn from what people wished had been kept, or go back."""

from __future__ import annotations

from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand

from learning import queue, wishes
from learning.models import MemoryVersion


class Command(BaseCommand):
    help = (
        "Ask the reward worker to learn from what people wished had been kept in memory, as it does"
        " every night, and list what came of it before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--back",
            action="store_true",
            help="have the probe that Danas came with read again, until this command is run anew",
        )
        parser.add_argument("--list", action="store_true", help="only list the versions")

    def handle(self, *_: Any, back: bool, list: bool, **__: Any) -> None:
        if back:
            wishes.go_back(getuser())
        elif not list:
            queue.ask_learn_memory(is_asked=True)
        for row in MemoryVersion.objects.order_by("number"):
            self.stdout.write(f"{row.number} {row.state}: {row.reason}")
