"""`/v1/me/policy`: by whom one is answered, and the choice to change it."""

from __future__ import annotations

from ninja import Router
from pydantic import Field

from assistant.api.auth import ApiRequest, Needs
from assistant.api.bodies import Body, Out
from assistant.models import Scope, User
from assistant.texts import Text
from learning import scopes

router = Router(tags=["chat"], auth=Needs(Scope.CHAT))


class PersonalAdapter(Out):
    """The caller's own adapter, if there is one; it takes `needed` judgements to make it, of which
    there are `judgements`."""

    policy: str | None
    judgements: int
    needed: int


class MyPolicy(Out):
    """`answers` is the version that answers the caller now, `versions` those that may be chosen."""

    choice: str = Field(description="live, base, personal, or a version's name")
    answers: str
    personal: PersonalAdapter
    versions: list[str]


class Choice(Body):
    choice: Text = Field(
        min_length=1, max_length=80, description="live, base, personal, or a version's name"
    )


@router.get("/me/policy", response=MyPolicy, summary="Who answers me?")
def show(request: ApiRequest) -> MyPolicy:
    return _standing(request.auth.person)


@router.put("/me/policy", response=MyPolicy, summary="Choose who answers me")
def choose(request: ApiRequest, body: Choice) -> MyPolicy:
    """`live` follows every update; a version's name stays at that version."""
    scopes.choose(request.auth.person.pk, body.choice)
    return _standing(request.auth.person)


def _standing(person: User) -> MyPolicy:
    found = scopes.standing(person.pk)
    return MyPolicy(
        choice=found.choice,
        answers=found.answers,
        personal=PersonalAdapter(
            policy=found.policy, judgements=found.judgements, needed=found.needed
        ),
        versions=found.versions,
    )
