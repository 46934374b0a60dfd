"""What administrators do with servers: add, change, remove. Each is written down.

A program runs as Danas itself does, so whether there may be any is for whoever starts Danas to say
(`DANAS_TOOL_PROGRAMS`). Its address is an administrator's own choice, inside their network or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import IntegrityError, transaction

from assistant.accounts import acts, sealing
from assistant.errors import NotFound, ToolServerInvalid
from assistant.models import Act, ToolPermission, ToolServer, User
from assistant.tools.errors import ServerUnreachable
from assistant.tools.servers import names

PURPOSE = "tool servers"
NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
MOST_SERVERS = 32
MOST_WORDS = 50
Transport = ToolServer.Transport


def all_of() -> Sequence[ToolServer]:
    return list(ToolServer.objects.all())


def one(pk: UUID) -> ToolServer:
    """
    Raises:
        NotFound
    """
    if (server := ToolServer.objects.filter(pk=pk).first()) is None:
        raise NotFound("There is no such tool server.")
    return server


@transaction.atomic
def add(by: User, values: Mapping[str, Any], secrets: Mapping[str, str]) -> ToolServer:
    """
    Raises:
        ToolServerInvalid: says what is wrong.
    """
    if ToolServer.objects.count() >= MOST_SERVERS:
        raise ToolServerInvalid(f"There are {MOST_SERVERS} tool servers, as many as there may be.")
    server = ToolServer(**values)
    _seal(server, secrets)
    _save(server)
    acts.note(by, Act.Kind.TOOLS_ADDED, server.name)
    return server


@transaction.atomic
def change(
    by: User, pk: UUID, values: Mapping[str, Any], secrets: Mapping[str, str] | None
) -> ToolServer:
    """What is left out stays. What was listed is forgotten, where it may be another server now.

    Raises:
        NotFound
        ToolServerInvalid
    """
    server = ToolServer.objects.select_for_update().filter(pk=pk).first()
    if server is None:
        raise NotFound("There is no such tool server.")
    was = _target(server)
    for name, value in values.items():
        setattr(server, name, value)
    if _target(server) != was:
        server.listing, server.listed_at = [], None
        if server.sealed and secrets is None:
            raise ToolServerInvalid("Enter its secrets anew: they were meant for another server.")
    if secrets is not None:
        _seal(server, secrets)
    server.tried_at = None
    _save(server)
    acts.note(by, Act.Kind.TOOLS_CHANGED, server.name)
    return server


@transaction.atomic
def remove(by: User, pk: UUID) -> None:
    """
    Raises:
        NotFound
    """
    server = one(pk)
    ToolPermission.objects.filter(key__startswith=names.key_of(pk, "")).delete()
    server.delete()
    acts.note(by, Act.Kind.TOOLS_REMOVED, server.name)


def secrets_of(server: ToolServer) -> dict[str, str]:
    """Headers, or variables of the environment.

    Raises:
        ServerUnreachable: they were sealed with another key of the installation.
    """
    if not server.sealed:
        return {}
    try:
        found: dict[str, str] = json.loads(sealing.unseal(server.sealed, PURPOSE))
    except InvalidToken:
        raise ServerUnreachable(
            "The server's secrets can't be read any more. An administrator has to enter them anew."
        ) from None
    return found


def names_of_secrets(server: ToolServer) -> list[str]:
    try:
        return sorted(secrets_of(server))
    except ServerUnreachable:
        return []


def _target(server: ToolServer) -> tuple[str, list[str], str]:
    return server.transport, list(server.command), server.url


def _seal(server: ToolServer, secrets: Mapping[str, str]) -> None:
    is_http = server.transport == Transport.HTTP
    rule = HEADER if is_http else VARIABLE
    for name, value in secrets.items():
        if not rule.fullmatch(name):
            kind = "header" if is_http else "variable of the environment"
            raise ToolServerInvalid(f"{name[:100]!r} is no name of a {kind}.")
        if not value.isprintable():
            raise ToolServerInvalid(f"The value of {name} has characters that it can't have.")
    server.sealed = sealing.seal(json.dumps(dict(secrets)), PURPOSE) if secrets else ""


def _save(server: ToolServer) -> None:
    _check(server)
    try:
        with transaction.atomic():
            server.save()
    except IntegrityError:
        raise ToolServerInvalid(f"There is a tool server {server.name!r} already.") from None


def _check(server: ToolServer) -> None:
    if not NAME.fullmatch(server.name):
        raise ToolServerInvalid(
            "A name has up to 24 small letters, digits and hyphens, and begins with a letter."
        )
    if server.transport == Transport.HTTP:
        _check_address(server)
    else:
        _check_program(server)


def _check_address(server: ToolServer) -> None:
    try:
        parts = urlsplit(server.url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or server.command:
        raise ToolServerInvalid("Give the address of the server, like https://example.org/mcp.")
    if parts.username or parts.password:
        raise ToolServerInvalid("Give passwords as a secret header, not in the address.")
    if not server.may_use_network:
        raise ToolServerInvalid("A server at an address needs the network: allow it.")


def _check_program(server: ToolServer) -> None:
    if not settings.TOOL_PROGRAMS:
        raise ToolServerInvalid(
            "Programs as tool servers are switched off here: whoever starts Danas can set"
            " DANAS_TOOL_PROGRAMS=on."
        )
    if not server.command or not server.command[0] or server.url:
        raise ToolServerInvalid("Give the command that starts the server.")
    if len(server.command) > MOST_WORDS or any("\0" in word for word in server.command):
        raise ToolServerInvalid("The command is too long, or has characters that it can't have.")
