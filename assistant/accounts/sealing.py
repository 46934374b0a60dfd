"""Secrets of second factors and of tool servers, encrypted in the database with keys made from the
installation's."""

from __future__ import annotations

import base64
import hashlib

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings

FACTORS = "second factors"


def seal(text: str, purpose: str) -> str:
    """What is sealed for one purpose can't be opened for another."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """
    Raises:
        cryptography.fernet.InvalidToken: the installation's key is another one by now.
    """
    return _box(purpose).decrypt(sealed.encode()).decode()


class SealedSecrets(DefaultMFAAdapter):  # type: ignore[misc]
    """Whoever has a copy of the database alone can't make codes from it."""

    def encrypt(self, text: str) -> str:
        return seal(text, FACTORS)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, FACTORS)


def _box(purpose: str) -> Fernet:
    key = hashlib.sha256(f"danas {purpose} {settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
