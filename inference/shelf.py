"""This installation's storage, as the settings say."""

from __future__ import annotations

from django.conf import settings

from inference.storage import Storage


def storage() -> Storage:
    return Storage(settings.STORAGE, settings.HOME.cache / "adapters", settings.STORAGE_OPTIONS)


def remove(address: str) -> None:
    """Delete an adapter's files for good, here and in this machine's cache.

    Raises:
        StorageUnavailable: the store cannot be reached.
    """
    shelf = storage()
    shelf.delete(address)
    shelf.forget(address)
