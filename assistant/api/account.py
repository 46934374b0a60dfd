"""One's own account: password, address of e-mail, second factor; and links to a new password."""

from __future__ import annotations

from typing import Literal

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from pydantic import Field

from assistant.accounts import attempts, email, factors, letters, oidc, passwords
from assistant.api.auth import ApiRequest, WholeAccount
from assistant.api.bodies import Body, Out
from assistant.models import User
from assistant.texts import Text

router = Router(tags=["account"])
own = WholeAccount()
DONE = {204: None}


class AccountOut(Out):
    """How this person signs in."""

    email: str
    email_confirmed: bool
    sends_mail: bool = Field(description="can this installation send e-mail?")
    has_password: bool = Field(description="false for who only ever signed in elsewhere")
    second_factor: bool
    recovery_codes_left: int
    elsewhere: str = Field(description="the other site to sign in at; empty where there is none")
    is_linked: bool = Field(description="is this account known there?")


class Confirmed(Body):
    password: Text = Field("", description="the present one, where there is one")


class NewPassword(Confirmed):
    new: Text


class NewEmail(Confirmed):
    email: Text = Field(description="empty to have none")


class EmailConfirmation(Body):
    token: Text


class Code(Body):
    code: Text


class FactorSetUp(Out):
    """What an authenticator app is told: a picture of the address, or the secret by hand."""

    secret: str
    url: str
    svg: str


class RecoveryCodes(Out):
    """Each is good for one sign-in. They are shown this once."""

    codes: list[str]


class WayOut(Out):
    path: str


class ResetRequest(Body):
    name: Text = Field(description="a name or an address of e-mail")


class ResetAnswer(Out):
    """The same whether or not there is such a person."""

    sent: Literal["if there is such an account"] = "if there is such an account"


class Reset(Body):
    token: Text
    password: Text


@router.get("/account", response=AccountOut, auth=own, summary="How I sign in")
def show(request: ApiRequest) -> AccountOut:
    return _account(request.auth.person)


@router.put("/account/password", response=DONE, auth=own, summary="Change the password")
def change_password(request: ApiRequest, body: NewPassword) -> HttpResponse:
    """Signs out everywhere else."""
    person = request.auth.person
    passwords.confirm(person, body.password)
    passwords.change(person, body.new, this=request.session.session_key)
    update_session_auth_hash(request, person)
    return HttpResponse(status=204)


@router.put("/account/email", response=AccountOut, auth=own, summary="Change the address")
def change_email(request: ApiRequest, body: NewEmail) -> AccountOut:
    """A link is sent to a new address; until it is opened, nothing else is."""
    person = request.auth.person
    passwords.confirm(person, body.password)
    email.change(person, body.email, language=letters.language_of(request))
    return _account(person)


@router.post("/account/email/confirm", response=DONE, summary="Confirm an address")
def confirm_email(request: HttpRequest, body: EmailConfirmation) -> HttpResponse:
    """The link's token is the permission: it may be opened on another device."""
    email.confirm(body.token)
    return HttpResponse(status=204)


@router.post("/account/factor", response=FactorSetUp, auth=own, summary="Begin a second factor")
def begin_factor(request: ApiRequest, body: Confirmed) -> FactorSetUp:
    passwords.confirm(request.auth.person, body.password)
    begun = factors.begin(request.auth.person)
    return FactorSetUp(secret=begun.secret, url=begun.url, svg=begun.svg)


@router.put("/account/factor", response=RecoveryCodes, auth=own, summary="Turn it on")
def turn_factor_on(request: ApiRequest, body: Code) -> RecoveryCodes:
    """The app's code proves that it has the secret."""
    return RecoveryCodes(codes=factors.turn_on(request.auth.person, body.code))


@router.post("/account/factor/remove", response=DONE, auth=own, summary="Turn it off")
def turn_factor_off(request: ApiRequest, body: Confirmed) -> HttpResponse:
    passwords.confirm(request.auth.person, body.password)
    factors.turn_off(request.auth.person, by=request.auth.person)
    return HttpResponse(status=204)


@router.post(
    "/account/recovery-codes", response=RecoveryCodes, auth=own, summary="Make new recovery codes"
)
def renew_recovery_codes(request: ApiRequest, body: Confirmed) -> RecoveryCodes:
    passwords.confirm(request.auth.person, body.password)
    return RecoveryCodes(codes=factors.renew_recovery_codes(request.auth.person))


@router.post("/account/link", response=WayOut, auth=own, summary="Link a sign-in elsewhere")
def link(request: ApiRequest, body: Confirmed) -> WayOut:
    """In the browser that asks, `path` leads to the other site and back to the settings."""
    passwords.confirm(request.auth.person, body.password)
    oidc.prepare_link(request, request.auth.person)
    return WayOut(path="/oidc/login")


@router.post("/account/unlink", response=DONE, auth=own, summary="Unlink it")
def unlink(request: ApiRequest, body: Confirmed) -> HttpResponse:
    """Not where it is the only way in."""
    passwords.confirm(request.auth.person, body.password)
    oidc.unlink(request.auth.person)
    return HttpResponse(status=204)


@router.post("/password-resets", response={202: ResetAnswer}, summary="Ask for a reset link")
def ask_reset(request: HttpRequest, body: ResetRequest) -> Status[ResetAnswer]:
    """Sent to a confirmed address, where the installation can send e-mail."""
    where, language = attempts.address_of(request), letters.language_of(request)
    email.ask_reset(body.name, address=where, language=language)
    return Status(202, ResetAnswer())


@router.post("/password-resets/redeem", response=DONE, summary="Choose a new password by link")
def redeem(request: HttpRequest, body: Reset) -> HttpResponse:
    """Signs out everywhere. A second factor stays on."""
    attempts.spend(passwords.REQUESTS, attempts.address_of(request))
    passwords.redeem(body.token, body.password)
    return HttpResponse(status=204)


def _account(person: User) -> AccountOut:
    address = email.of(person)
    return AccountOut(
        email=address.email if address else "",
        email_confirmed=bool(address and address.verified),
        sends_mail=settings.HAS_MAIL,
        has_password=person.has_usable_password(),
        second_factor=factors.is_on(person),
        recovery_codes_left=factors.recovery_codes_left(person),
        elsewhere=settings.OIDC_NAME,
        is_linked=oidc.is_linked(person),
    )
