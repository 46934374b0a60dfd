"""What can be asked for as `model`."""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from ninja import Router

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.models import Scope, User
from inference import registry, routing
from inference.errors import UnknownPolicy
from inference.models import PolicyVersion
from inference.profiles import profile_of, what_is_off

router = Router(tags=["chat"])


class Model(Out):
    """OpenAI's shape and more. `danas` is whichever version answers the caller now.

    `profile` names the family of the base model, `images` says how many a request may have at
    most, and `off`, in sentences, what the model is not asked for.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "danas"
    profile: str
    images: int
    reasoning: bool
    tools: bool
    off: list[str]


class Models(Out):
    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models", response=Models, auth=Needs(Scope.CHAT), summary="List models")
def index(request: ApiRequest) -> Models:
    return Models(data=_servable(request.auth.person))


@router.get("/models/{name}", response=Model, auth=Needs(Scope.CHAT), summary="One model")
def show(request: ApiRequest, name: str) -> Any:
    servable = _servable(request.auth.person)
    found = next((model for model in servable if model.id == name), None)
    if found is None:
        raise UnknownPolicy(f"There is no model {name!r}.")
    return found


def _servable(person: User) -> list[Model]:
    """`danas`, which is whichever version answers this person now, and those with a name."""
    answers = routing.policy_for(person.pk, registry.LIVE_ALIAS)
    named = (_model(version.name, version) for version in routing.usable(person.pk))
    return [_model(registry.LIVE_ALIAS, answers), *named]


def _model(name: str, version: PolicyVersion) -> Model:
    served = profile_of(settings.MODEL_PATH)
    return Model(
        id=name,
        created=int(version.created_at.timestamp()),
        profile=served.name,
        images=served.images,
        reasoning=bool(served.reasoning_parser),
        tools=bool(served.tool_parser),
        off=what_is_off(served),
    )
