"""What can be asked for as `model`."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Router

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Out
from assistant.models import Scope, User
from inference import registry
from inference.errors import UnknownPolicy
from inference.models import PolicyVersion

router = Router(tags=["chat"])


class Model(Out):
    """OpenAI's shape. `danas` is whichever version is live."""

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
    """All ready versions, and of the personal ones this person's."""
    ready = [
        version
        for version in registry.versions()
        if version.state == PolicyVersion.State.READY and version.person in (None, person.pk)
    ]
    live = _model(registry.LIVE_ALIAS, registry.live())
    return [live, *(_model(version.name, version) for version in ready)]


def _model(name: str, version: PolicyVersion) -> Model:
    return Model(id=name, created=int(version.created_at.timestamp()))
