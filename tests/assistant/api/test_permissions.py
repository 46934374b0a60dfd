"""Who may call what: one row per route, checked for every role, for keys, and for nobody."""

from uuid import uuid4

import pytest

from assistant.models import Scope, User
from tests import factories

pytestmark = pytest.mark.django_db

PEOPLE = {
    "ada": factories.ada,
    "rae": factories.rae,
    "rho": factories.rho,
    "ann": factories.ann,
}
EVERYONE = None
EITHER = (Scope.RESEARCH, Scope.LEARNING)
NOTHING = uuid4()
# Bodies are empty: whoever is let in is told of the missing fields, which is neither 401 nor 403.
ROUTES = [
    ("post", "/v1/chat/completions", Scope.CHAT),
    ("get", "/v1/models", Scope.CHAT),
    ("get", "/v1/models/none", Scope.CHAT),
    ("get", "/v1/conversations", Scope.CHAT),
    ("post", "/v1/conversations", Scope.CHAT),
    ("get", f"/v1/conversations/{NOTHING}", Scope.CHAT),
    ("patch", f"/v1/conversations/{NOTHING}", Scope.CHAT),
    ("delete", f"/v1/conversations/{NOTHING}", Scope.CHAT),
    ("get", f"/v1/messages/{NOTHING}/window", Scope.CHAT),
    ("get", f"/v1/messages/{NOTHING}/details", Scope.CHAT),
    ("delete", f"/v1/messages/{NOTHING}", Scope.CHAT),
    ("post", f"/v1/messages/{NOTHING}/restore", Scope.CHAT),
    ("post", "/v1/feedback", Scope.FEEDBACK),
    ("delete", f"/v1/feedback/{NOTHING}", Scope.FEEDBACK),
    ("post", "/v1/rewards", Scope.LEARNING),
    ("post", "/v1/updates", Scope.LEARNING),
    ("post", "/v1/policies/none/activate", Scope.LEARNING),
    ("get", "/v1/updates", EVERYONE),
    ("get", f"/v1/updates/{NOTHING}", EVERYONE),
    ("get", "/v1/policies", EVERYONE),
    ("get", "/v1/policies/none", EVERYONE),
    ("get", "/v1/learning/metrics", EVERYONE),
    ("get", "/v1/me/policy", Scope.CHAT),
    ("put", "/v1/me/policy", Scope.CHAT),
    ("get", "/v1/learning/receipts", Scope.FEEDBACK),
    ("get", f"/v1/learning/receipts/{NOTHING}", Scope.FEEDBACK),
    ("get", "/v1/learning/alarms", Scope.REVIEW),
    ("post", f"/v1/learning/alarms/{NOTHING}/close", Scope.REVIEW),
    ("get", "/v1/learning/influential", Scope.REVIEW),
    ("post", "/v1/learning/participants/99/leave-out", Scope.REVIEW),
    ("post", "/v1/learning/participants/99/take-back", Scope.REVIEW),
    ("get", "/v1/ledger", EITHER),
    ("get", "/v1/ledger/check", EITHER),
    ("get", "/v1/trajectories?format=none", Scope.RESEARCH),
    ("get", "/v1/session", EVERYONE),
    ("patch", "/v1/session", EVERYONE),
]
# The chat route reads the body before it knows whose key it is, so it is sent a whole one.
BODIES = {"/v1/chat/completions": {"model": "none", "messages": [{"role": "user", "content": "?"}]}}


def allowed(scope, scopes):
    return scope is EVERYONE or not scopes.isdisjoint(scope if scope is EITHER else {scope})


def call(client, method, path):
    if method == "get":
        return client.get(path)
    return getattr(client, method)(path, BODIES.get(path, {}), content_type="application/json")


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
@pytest.mark.parametrize("name", PEOPLE)
def test_a_role_reaches_as_far_as_its_scopes(name, method, path, scope):
    who: User = PEOPLE[name]()

    response = call(factories.caller(who), method, path)

    may = allowed(scope, who.scopes)
    assert (response.status_code != 403) == may
    assert response.status_code != 401


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_a_key_reaches_as_far_as_its_own_scopes(method, path, scope):
    others = sorted(set(Scope.values) - set(EITHER if scope is EITHER else {scope}))

    response = call(factories.caller(factories.ann(), *others), method, path)

    # Consent is the exception: it takes a key that was not narrowed at all.
    may = scope is EVERYONE and (method, path) != ("patch", "/v1/session")
    narrowed = set(others) != set(Scope.values)
    assert (response.status_code != 403) == (may or not narrowed)


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_without_key_or_session_nothing_is_reached(client, method, path, scope):
    response = call(client, method, path)

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for method, path, _ in ROUTES if method != "get"],
)
def test_a_session_without_csrf_token_changes_nothing(method, path):
    response = call(factories.browser(factories.ann()), method, path)

    assert response.status_code == 403
