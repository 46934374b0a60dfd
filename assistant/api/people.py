"""What administrators see and do: people, invitations, and who may make an account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from pydantic import AfterValidator, Field, StringConstraints

from assistant.accounts import invitations, roles, signup
from assistant.api.auth import Administrator, ApiRequest
from assistant.api.bodies import Body, Out
from assistant.models import Invitation, Role, SignUp, User
from assistant.texts import Text, storable

router = Router(tags=["people"])
administrator = Administrator()
MOST = 100

Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(storable),
]


class PersonOut(Out):
    id: int
    name: str
    role: str
    is_active: bool
    joined_at: datetime
    seen_at: datetime | None = Field(description="last sign-in")
    second_factor: bool
    training: bool | None
    research: bool | None


class People(Out):
    data: list[PersonOut]
    has_more: bool


class PersonChange(Body):
    """What is left out stays as it is."""

    role: Role | None = None
    is_active: bool | None = Field(None, description="false closes the account")
    second_factor: Literal[False] | None = Field(
        None, description="false turns it off, for who has lost it"
    )


class LinkOut(Out):
    """`path` follows the installation's address. It is shown this once."""

    path: str
    expires_at: datetime


class NewInvitation(Body):
    role: Role = Role.MEMBER
    note: Note = ""
    days: int = Field(7, ge=1, le=90)


class InvitationOut(Out):
    id: int
    role: str
    note: str
    made_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_by: str


class Invitations(Out):
    data: list[InvitationOut]


class Token(Body):
    token: Text


class Invited(Out):
    role: str
    expires_at: datetime


class InstallationOut(Out):
    signup: Literal["open", "invitation", "closed"]
    signup_is_fixed: bool = Field(description="DANAS_SIGNUP is set, and decides")


class InstallationChange(Body):
    signup: SignUp


@router.get("/people", response=People, auth=administrator, summary="Everybody")
def list_people(request: ApiRequest, search: Text = "", after: Text = "") -> People:
    """By name; `after` is the last name of the page before."""
    found = roles.found(search.strip())
    if after:
        found = found.filter(username__gt=after)
    page = list(found[: MOST + 1])
    return People(data=[_person(each) for each in page[:MOST]], has_more=len(page) > MOST)


@router.patch("/people/{person}", response=PersonOut, auth=administrator, summary="Change a person")
def change_person(request: ApiRequest, person: int, body: PersonChange) -> PersonOut:
    by = request.auth.person
    changed = roles.change(
        by, person, role=body.role, is_active=body.is_active, has_factor=body.second_factor
    )
    return _person(changed)


@router.post(
    "/people/{person}/reset-link",
    response={201: LinkOut},
    auth=administrator,
    summary="Make a link to a new password",
)
def make_reset_link(request: ApiRequest, person: int) -> Status[LinkOut]:
    link, token = roles.make_reset_link(request.auth.person, person)
    return Status(201, LinkOut(path=f"/reset/{token}", expires_at=link.expires_at))


@router.get("/invitations", response=Invitations, auth=administrator, summary="Invitations")
def list_invitations(request: ApiRequest) -> Invitations:
    return Invitations(data=[_invitation(each) for each in invitations.listed()])


@router.post("/invitations", response={201: LinkOut}, auth=administrator, summary="Invite somebody")
def invite(request: ApiRequest, body: NewInvitation) -> Status[LinkOut]:
    made, token = invitations.make(
        request.auth.person, role=body.role, note=body.note, days=body.days
    )
    return Status(201, LinkOut(path=f"/invite/{token}", expires_at=made.expires_at))


# Before the path below, which it looks like.
@router.post("/invitations/look", response=Invited, summary="What a link invites to")
def look(request: HttpRequest, body: Token) -> Invited:
    """For the page that the link leads to. Uses nothing up."""
    found = invitations.open_with(body.token)
    return Invited(role=found.role, expires_at=found.expires_at)


@router.delete(
    "/invitations/{invitation}", response={204: None}, auth=administrator, summary="Take it back"
)
def revoke_invitation(request: ApiRequest, invitation: int) -> HttpResponse:
    invitations.revoke(request.auth.person, invitation)
    return HttpResponse(status=204)


@router.get("/installation", response=InstallationOut, auth=administrator, summary="For everybody")
def show_installation(request: ApiRequest) -> InstallationOut:
    return InstallationOut(signup=signup.mode().value, signup_is_fixed=bool(settings.SIGNUP))


@router.patch(
    "/installation", response=InstallationOut, auth=administrator, summary="Change it for everybody"
)
def change_installation(request: ApiRequest, body: InstallationChange) -> InstallationOut:
    signup.choose(request.auth.person, body.signup)
    return show_installation(request)


def _person(person: User) -> PersonOut:
    return PersonOut(
        id=person.pk,
        name=person.username,
        role=person.role,
        is_active=person.is_active,
        joined_at=person.date_joined,
        seen_at=person.last_login,
        second_factor=bool(getattr(person, "has_factor")),  # noqa: B009 (annotated by `roles.found`)
        training=person.training_consent,
        research=person.research_consent,
    )


def _invitation(invitation: Invitation) -> InvitationOut:
    return InvitationOut(
        id=invitation.pk,
        role=invitation.role,
        note=invitation.note,
        made_by=invitation.made_by.username if invitation.made_by else "",
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        used_at=invitation.used_at,
        used_by=invitation.used_by.username if invitation.used_by else "",
    )
