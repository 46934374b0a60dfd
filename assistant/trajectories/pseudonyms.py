"""Pseudonyms: the same for the same person, and worth nothing without this installation's secret.

HMAC-SHA-256, as Django's `salted_hmac` makes it, but computed by PostgreSQL beside the row that it
stands in. The server gets the two halves of the key, which are worth the key.
"""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.utils.crypto import salted_hmac

LENGTH = 32
KINDS = ("person", "conversation")
_BLOCK = 64


def pseudonym(kind: str, key: object) -> str:
    return salted_hmac(_salt(kind), str(key), algorithm="sha256").hexdigest()[:LENGTH]


def sql(kind: str, key: str) -> str:
    """An expression for the pseudonym of the column `key`; `parameters` has to go along."""
    inner = f"sha256(%({kind}_inner)s || convert_to({key}::text, 'UTF8'))"
    return f"left(encode(sha256(%({kind}_outer)s || {inner}), 'hex'), {LENGTH})"


def parameters() -> dict[str, bytes]:
    halves = {}
    for kind in KINDS:
        key = hashlib.sha256(f"{_salt(kind)}{settings.SECRET_KEY}".encode()).digest()
        padded = key.ljust(_BLOCK, b"\0")
        halves[f"{kind}_inner"] = bytes(byte ^ 0x36 for byte in padded)
        halves[f"{kind}_outer"] = bytes(byte ^ 0x5C for byte in padded)
    return halves


def _salt(kind: str) -> str:
    return f"danas.pseudonym.{kind}"
