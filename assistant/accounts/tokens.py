"""One-time links: a token that only its holder has, and the digest that is stored of it."""

from __future__ import annotations

import hashlib
import secrets


def new() -> str:
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """SHA-256 without salt or stretching: the token itself has 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
