"""What can be asked for as `model`."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Router

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.models import Scope, User
from inference import registry, routing
from inference.errors import UnknownPolicy
from inference.models import PolicyVersion

router = Router(tags=["chat"])


class Model(Out):
    """OpenAI's shape. `danas` is whichever version answers the caller now."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "danas"


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
    return Model(id=name, created=int(version.created_at.timestamp()))
