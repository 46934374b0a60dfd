"""Room on the engines: which adapters they need not hold, and which have to be deleted for good.

An engine takes any number of names, but keeps only so many adapters in its memory, so that each
one more makes another slower to come by. What is unloaded here and asked for again is loaded again
by the generation worker; an answer in the making goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from django.conf import settings

from inference import registry, shelf
from inference.client import EngineClient
from inference.contracts import Policy
from inference.models import PersonalAlias, PolicyVersion

State = PolicyVersion.State


def make_room() -> list[str]:
    """Unload what the engines need not hold; returns the names.

    Raises: as `EngineClient.unload`.
    """
    policies = [registry.as_policy(version) for version in surplus(asyncio.run(_loaded()))]
    asyncio.run(_unload(policies))
    return [policy.name for policy in policies]


def surplus(loaded: Collection[str]) -> list[PolicyVersion]:
    """Of the loaded versions, those withdrawn, and the personal ones beyond the cap.

    The personal adapters that were used last stay, `DANAS_PERSONAL_LOADED` of them.
    """
    held = PolicyVersion.objects.filter(name__in=loaded).exclude(path="")
    withdrawn = held.filter(state__in=[State.REJECTED, State.RETIRED])
    used_last = PersonalAlias.objects.order_by("-used_at").values_list("policy", flat=True)
    personal = held.filter(state=State.READY).exclude(person=None)
    kept = list(used_last[: settings.PERSONAL_LOADED])
    return [*withdrawn, *personal.exclude(pk__in=kept)]


def delete_forgotten() -> None:
    """Delete the files of adapters whose owners withdrew; what fails is tried again next time.

    Raises:
        StorageUnavailable: the store cannot be reached.
    """
    for version in PolicyVersion.objects.filter(manifest__deleted=True).exclude(path=""):
        shelf.remove(version.path)
        PolicyVersion.objects.filter(pk=version.pk).update(path="")


async def _loaded() -> set[str]:
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        found = await asyncio.gather(*map(client.loaded, client.addresses))
    return set().union(*found)


async def _unload(policies: Collection[Policy]) -> None:
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        for policy in policies:
            await client.unload(policy)
