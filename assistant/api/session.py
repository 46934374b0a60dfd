"""Signing in and out, making an account, and the consent switches."""

from __future__ import annotations

from typing import Literal

from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from ninja import Router
from pydantic import Field

from assistant.abilities import of_model
from assistant.accounts import attempts, entering, first_steps, people, sessions, signup
from assistant.accounts.keys import Caller
from assistant.api.auth import ApiRequest, Needs, WholeAccount, caller_of
from assistant.api.bodies import Body, Out
from assistant.errors import NotAllowed
from assistant.models import SignUp, User
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
    signup: Literal["open", "invitation", "closed"]
    must_set_up: bool = Field(description="is this the account that the installation made?")
    model: ModelOut


class SignIn(Body):
    name: Text
    password: Text


class SignInWithCode(SignIn):
    code: Text = Field("", description="of the second factor, where the account has one")


class SecondStep(Body):
    code: Text


class NewAccount(SignIn):
    training: bool | None = None
    research: bool | None = None
    invitation: Text = Field("", description="the token at the end of an invitation's link")


class FirstSteps(Body):
    name: Text
    password: Text
    signup: SignUp | None = None


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
def sign_in(request: HttpRequest, body: SignInWithCode) -> Me:
    """Answers 401 with the code `second_factor_needed` when only the code is missing."""
    return _entered(entering.by_password(request, body.name, body.password, body.code))


@router.post("/session/second-step", response=Me, summary="Finish a sign-in by OpenID Connect")
def second_step(request: HttpRequest, body: SecondStep) -> Me:
    """For an account with a second factor, after the other site has recognised its owner."""
    return _entered(entering.by_code(request, body.code))


@router.delete("/session", response={204: None}, summary="Sign out")
def sign_out(request: HttpRequest) -> HttpResponse:
    """Signing out twice is as good as once."""
    if isinstance(request.user, User):
        caller_of(request)
        sessions.forget(request.user, request.session.session_key)
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
    """Where it is open, or with an invitation; signs in as well."""
    person = signup.sign_up(
        body.name,
        body.password,
        training=body.training,
        research=body.research,
        invitation=body.invitation,
        address=attempts.address_of(request),
    )
    return _entered(entering.let_in(request, person))


@router.post("/setup", response=Me, auth=WholeAccount(), summary="Set the installation up")
def set_up(request: ApiRequest, body: FirstSteps) -> Me:
    """The first administrator's own name and password, and who may make an account."""
    person = first_steps.take(
        request.auth.person,
        name=body.name,
        password=body.password,
        mode=body.signup,
        this=request.session.session_key,
    )
    update_session_auth_hash(request, person)
    return _entered(person)


def _entered(person: User) -> Me:
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
        signup=signup.mode().value,
        must_set_up=person.must_set_up,
        model=ModelOut(
            name=settings.MODEL_PATH.name,
            window_tokens=settings.WINDOW_TOKENS,
            answer_tokens=settings.ANSWER_TOKENS,
            images=bool(of_model().images),
        ),
    )
