"""Signing in and out, making an account, and the consent switches."""

from __future__ import annotations

from typing import Literal

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from ninja import Router
from pydantic import Field

from assistant.accounts import people
from assistant.accounts.keys import Caller
from assistant.api.auth import ApiRequest, Needs, caller_of
from assistant.api.bodies import Body, Out
from assistant.errors import NotAllowed, SignupClosed
from assistant.texts import Text

router = Router(tags=["account"])


class ModelOut(Out):
    """The model that answers, and its limits."""

    name: str
    window_tokens: int
    answer_tokens: int
    images: bool


class Me(Out):
    """The caller. Consent is null until the person has been asked."""

    id: int
    name: str
    role: str
    training: bool | None
    research: bool | None
    scopes: list[str]
    signup: Literal["open", "closed"]
    model: ModelOut


class SignIn(Body):
    name: Text
    password: Text


class NewAccount(SignIn):
    training: bool | None = None
    research: bool | None = None


class Consent(Body):
    """A switch that is left out stays as it is."""

    training: bool | None = Field(None, description="may my chats train the policy?")
    research: bool | None = Field(None, description="may researchers pull my chats?")


@router.get("/session", response=Me, summary="Who am I")
def show(request: HttpRequest) -> Me:
    """Also sets the CSRF cookie, signed in or not."""
    get_token(request)
    return me(caller_of(request))


@router.post("/session", response=Me, summary="Sign in")
def sign_in(request: HttpRequest, body: SignIn) -> Me:
    person = people.recognise(body.name, body.password)
    login(request, person)
    return me(Caller(person, person.scopes))


@router.delete("/session", response={204: None}, summary="Sign out")
def sign_out(request: HttpRequest) -> HttpResponse:
    """Signing out twice is as good as once."""
    if request.user.is_authenticated:
        caller_of(request)
        logout(request)
    return HttpResponse(status=204)


@router.patch("/session", response=Me, auth=Needs(), summary="Change consent")
def change(request: ApiRequest, body: Consent) -> Me:
    """Takes effect at once; switching training off deletes what learning holds of you."""
    caller = request.auth
    if not caller.is_unrestricted:
        raise NotAllowed("Consent is changed in the browser, or with a key of full scope.")
    person = people.change_consent(caller.person, training=body.training, research=body.research)
    return me(Caller(person, caller.scopes))


@router.post("/accounts", response=Me, summary="Make an account")
def sign_up(request: HttpRequest, body: NewAccount) -> Me:
    """Open only where the owner of the installation opened it; signs in as well."""
    if settings.SIGNUP != "open":
        raise SignupClosed("Ask the owner of this installation for an account.")
    person = people.create(body.name, body.password, training=body.training, research=body.research)
    login(request, person)
    return me(Caller(person, person.scopes))


def me(caller: Caller) -> Me:
    person = caller.person
    return Me(
        id=person.pk,
        name=person.username,
        role=person.role,
        training=person.training_consent,
        research=person.research_consent,
        scopes=sorted(caller.scopes),
        signup=settings.SIGNUP,
        model=ModelOut(
            name=settings.MODEL_PATH.name,
            window_tokens=settings.WINDOW_TOKENS,
            answer_tokens=settings.ANSWER_TOKENS,
            images=False,
        ),
    )
