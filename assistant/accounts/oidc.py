"""Signing in at another site by OpenID Connect: allauth speaks, we decide who comes in.

Beyond what allauth checks, the ID token's signature is verified although it came over TLS, and its
nonce has to be the one that this browser was sent away with.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET

from assistant.accounts import acts, entering, invitations, people, signup
from assistant.errors import (
    AssistantError,
    LastWayIn,
    NameTaken,
    NotFound,
    SecondFactorNeeded,
    SignInFailed,
    SignupClosed,
)
from assistant.models import Act, Role, SignUp, User

logger = logging.getLogger(__name__)
PROVIDER = "oidc"
LINKING = "danas.linking"
LINKING_S = 600
CALLBACK = "/oidc/callback"
NAMES_TRIED = 20


class Exchange(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's side of the protocol, with our address and the signature verified."""

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(CALLBACK)

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return claims


class Door(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Where allauth hands over: it has learned who it is, and stores nothing itself."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        raise ImmediateHttpResponse(_answer(request, sociallogin))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **details: Any) -> None:
        logger.warning("OpenID Connect failed: %s", details.get("exception") or "refused there")
        raise ImmediateHttpResponse(_back("failed"))


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send a browser to the other site; `invitation`, or whose account is to be linked, comes back
    with it."""
    provider = _provider(request)
    nonce = secrets.token_urlsafe(16)
    try:
        response: HttpResponse = provider.redirect(
            request,
            process="login",
            auth_params={"nonce": nonce},
            nonce=nonce,
            invitation=request.GET.get("invitation", "")[:100],
            link=_to_link(request),
        )
    except (requests.RequestException, OAuth2Error, KeyError, ValueError) as error:
        logger.warning("OpenID Connect's issuer does not answer as it should: %s", error)
        return _back("unreachable")
    return response


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """A browser comes back from the other site."""
    _provider(request)
    try:
        view = OAuth2CallbackView.adapter_view(Exchange(request, PROVIDER))
        response: HttpResponse = view(request)
    except (KeyError, ValueError) as error:
        logger.warning("OpenID Connect's issuer sent something incomplete: %r", error)
        return _back("failed")
    return response


def prepare_link(request: HttpRequest, person: User) -> None:
    """Have the next way out of this browser, soon, lead back to a link with this account.

    Have the password confirmed before. It is noted in the session, so that no other site can send a
    browser to have its person's account linked.
    """
    if not settings.OIDC_NAME:
        raise NotFound("There is no other site to sign in at.")
    request.session[LINKING] = {"person": person.pk, "at": time.time()}


def is_linked(person: User) -> bool:
    return bool(SocialAccount.objects.filter(provider=PROVIDER, user=person).exists())


@transaction.atomic
def unlink(person: User) -> None:
    """Have the password confirmed before.

    Raises:
        LastWayIn: there is no password, so nobody could come in any more.
        NotFound: nothing is linked.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if not person.has_usable_password():
        raise LastWayIn("Choose a password first, or you could not sign in any more.")
    gone, _ = SocialAccount.objects.filter(provider=PROVIDER, user=person).delete()
    if not gone:
        raise NotFound("Your account is not linked.")
    acts.note(person, Act.Kind.UNLINK, settings.OIDC_NAME)


def _to_link(request: HttpRequest) -> int | None:
    """Who has just asked in this browser for a link; asked once, it leads there once."""
    asked = request.session.pop(LINKING, None)
    if asked is None or time.time() - asked["at"] > LINKING_S:
        return None
    return int(asked["person"])


def _provider(request: HttpRequest) -> Any:
    if not settings.OIDC_NAME:
        raise Http404
    provider = get_adapter().get_provider(request, PROVIDER)
    provider.oauth2_adapter_class = Exchange
    return provider


def _answer(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    try:
        claims = _trusted(sociallogin)
        if (person := sociallogin.state.get("link")) is not None:
            return _linked(request, sociallogin.account.uid, person)
        entering.by_word(request, _person(sociallogin, claims))
    except SecondFactorNeeded:
        return _back("second_factor")
    except SignupClosed:
        return _back("signup_closed")
    except AssistantError as error:
        logger.warning("OpenID Connect let nobody in: %s", error)
        return _back("failed" if error.code == SignInFailed.code else error.code)
    return HttpResponseRedirect("/")


def _linked(request: HttpRequest, uid: str, person: int) -> HttpResponse:
    """Who is recognised there has this account here from now on, if nobody else's is."""
    here = request.user
    # Signed out meanwhile, or somebody else is signed in.
    if not isinstance(here, User) or here.pk != person:
        return _back("failed")
    with transaction.atomic():
        known, is_new = SocialAccount.objects.get_or_create(
            provider=PROVIDER, uid=uid, defaults={"user": here}
        )
        if is_new:
            acts.note(here, Act.Kind.LINK, settings.OIDC_NAME)
    result = "linked" if known.user_id == here.pk else "taken"
    return HttpResponseRedirect(f"/settings/security?sso={result}")


def _trusted(sociallogin: SocialLogin) -> dict[str, Any]:
    """What the other site says of a person, when it was said to this browser.

    Raises:
        SignInFailed
    """
    said = sociallogin.account.extra_data
    token, more = said.get("id_token") or {}, said.get("userinfo") or {}
    nonce = str(sociallogin.state.get("nonce") or "")
    if not nonce or not constant_time_compare(str(token.get("nonce", "")), nonce):
        raise SignInFailed("The nonce is not the one that was sent.")
    if more.get("sub", token.get("sub")) != token.get("sub"):
        raise SignInFailed("The ID token and the user info are of two people.")
    return {**token, **more}


def _person(sociallogin: SocialLogin, claims: dict[str, Any]) -> User:
    """Raises SignInFailed for a closed account, and what `_new` raises."""
    known = (
        SocialAccount.objects.select_related("user")
        .filter(provider=PROVIDER, uid=sociallogin.account.uid)
        .first()
    )
    if known is None:
        invitation = str(sociallogin.state.get("invitation") or "")
        return _new(sociallogin.account.uid, claims, invitation)
    person: User = known.user
    if not person.is_active:
        raise SignInFailed("The account is closed.")
    return person


@transaction.atomic
def _new(uid: str, claims: dict[str, Any], invitation: str) -> User:
    """Raises SignupClosed, InvitationInvalid."""
    if not invitation and signup.mode() is not SignUp.OPEN:
        raise SignupClosed(signup.closed_sentence())
    invited = invitations.claim(invitation) if invitation else None
    person = _named(claims, invited.role if invited else Role.MEMBER)
    if invited:
        invitations.note_use(invited, person)
    SocialAccount.objects.create(user=person, provider=PROVIDER, uid=uid)
    acts.note(person, Act.Kind.JOIN, f"{person.role}, {settings.OIDC_NAME}")
    return person


def _named(claims: dict[str, Any], role: str) -> User:
    """Under the name that the person has there, with a number where it is taken here."""
    wanted = str(claims.get("preferred_username") or claims.get("email") or "").partition("@")[0]
    name = re.sub(r"[^\w.+-]", "", wanted)[:100] or "person"
    for number in range(1, NAMES_TRIED):
        try:
            return people.create(name if number == 1 else f"{name}{number}", None, role=role)
        except NameTaken:
            continue
    return people.create(f"{name}.{secrets.token_hex(4)}", None, role=role)


def _back(reason: str) -> HttpResponse:
    return HttpResponseRedirect(f"/signin?sso={reason}")
