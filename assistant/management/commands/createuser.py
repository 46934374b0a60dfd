"""`createuser NAME --password PW`: make an account from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.accounts import people
from assistant.errors import AssistantError
from assistant.models import Role

SWITCH = {"on": True, "off": False}


class Command(BaseCommand):
    help = "Make an account. Fails, and changes nothing, when the name is taken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--password", required=True)
        parser.add_argument("--role", choices=Role.values, default=Role.MEMBER)
        parser.add_argument(
            "--training", choices=SWITCH, default="on", help="may the chats train the policy?"
        )
        parser.add_argument(
            "--research", choices=SWITCH, default="off", help="may researchers pull the chats?"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = people.create(
                options["name"],
                options["password"],
                role=options["role"],
                training=SWITCH[options["training"]],
                research=SWITCH[options["research"]],
            )
        except AssistantError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Made the account {person.username!r} ({person.role}).")
