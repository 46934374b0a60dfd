"""The API put together: its routes, its errors, and an answer for every address under /v1."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from assistant.api import (
    account,
    choices,
    completions,
    conversations,
    feedback,
    images,
    keys,
    ledger,
    library,
    memory,
    messages,
    metrics,
    models,
    mydata,
    operations,
    oversight,
    people,
    policies,
    receipts,
    review,
    rewards,
    search,
    session,
    sharing,
    snapshots,
    tool_servers,
    tools,
    trajectories,
    updates,
)
from assistant.api.bodies import JsonParser
from assistant.api.errors import refusal, speak_openai


class Api(NinjaAPI):
    """Ninja with its last two plain-text answers, 404 and 405, in OpenAI's shape too."""

    @property
    def urls(self) -> tuple[list[URLPattern | URLResolver], str, str]:
        *routes, _ = self._get_urls()
        for route in routes:
            if route.callback is not None:
                route.callback = _worded(route.callback)
        # The name is how Ninja finds the prefix for the OpenAPI document.
        routes += [path("", unknown, name="api-root"), path("<path:rest>", unknown)]
        return routes, "ninja", self.urls_namespace


def _worded(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    async def async_view(request: HttpRequest, **where: Any) -> HttpResponseBase:
        return _say_method(request, await view(request, **where))

    @functools.wraps(view)
    def sync_view(request: HttpRequest, **where: Any) -> HttpResponseBase:
        return _say_method(request, view(request, **where))

    return async_view if iscoroutinefunction(view) else sync_view


def _say_method(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code != 405:
        return response
    allowed = response["Allow"]
    message = f"{request.method} is not possible here; {allowed} is."
    worded = refusal(405, message, code="method_not_allowed")
    worded["Allow"] = allowed
    return worded


@csrf_exempt
def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Every address that is none of ours."""
    return refusal(404, f"There is nothing at {request.path}.", code="unknown_address")


api = Api(
    title="Danas",
    version="1",
    description="Chat with a policy that learns, tell it what you think, and watch it learn.",
    docs_url=None,
    parser=JsonParser(),
)
speak_openai(api)
for router in (
    account.router,
    choices.router,
    completions.router,
    conversations.router,
    feedback.router,
    keys.router,
    images.router,
    ledger.router,
    library.router,
    memory.router,
    messages.router,
    metrics.router,
    models.router,
    mydata.router,
    sharing.router,
    operations.router,
    people.router,
    policies.router,
    receipts.router,
    review.router,
    oversight.router,
    rewards.router,
    search.router,
    session.router,
    snapshots.router,
    tool_servers.router,
    tools.router,
    trajectories.router,
    updates.router,
):
    api.add_router("", router)
