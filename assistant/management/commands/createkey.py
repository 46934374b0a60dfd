"""`createkey NAME`: make an API key and print it, alone, on standard output."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.accounts import keys
from assistant.errors import AssistantError
from assistant.models import Scope, User


class Command(BaseCommand):
    help = "Make an API key for a person and print it. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--scope",
            nargs="+",
            action="extend",
            choices=Scope.values,
            default=[],
            help="what the key may do; all that the role may when left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(username=options["name"]).first()
        if owner is None:
            raise CommandError(f"There is no account named {options['name']!r}.")
        try:
            key = keys.create(owner, options["scope"])
        except AssistantError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(key)
