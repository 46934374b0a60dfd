"""Who may call what: one row per route, checked for every role, for keys, and for nobody."""

import re
from uuid import UUID

import pytest

from assistant.management.commands.exportschema import document
from assistant.models import Role, Scope, User
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
# What touches the account itself takes a session, or a key that was not narrowed.
WHOLE = "whole account"
# The same, and the role.
ADMIN = "administrator"
# The same in every process that collects the tests.
NOTHING = UUID("00000000-0000-4000-8000-000000000000")
NOBODY = 2_000_000_000
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
    ("post", f"/v1/conversations/{NOTHING}/restore", Scope.CHAT),
    ("post", "/v1/conversations/several", Scope.CHAT),
    ("get", "/v1/folders", Scope.CHAT),
    ("post", "/v1/folders", Scope.CHAT),
    ("patch", f"/v1/folders/{NOTHING}", Scope.CHAT),
    ("delete", f"/v1/folders/{NOTHING}", Scope.CHAT),
    ("get", "/v1/search", Scope.CHAT),
    ("get", f"/v1/messages/{NOTHING}/window", Scope.CHAT),
    ("get", f"/v1/messages/{NOTHING}/details", Scope.CHAT),
    ("post", f"/v1/messages/{NOTHING}/memory", Scope.CHAT),
    ("patch", f"/v1/messages/{NOTHING}/memory/0", Scope.CHAT),
    ("delete", f"/v1/messages/{NOTHING}/memory/0", Scope.CHAT),
    ("post", f"/v1/messages/{NOTHING}/memory/0/missed", Scope.CHAT),
    ("delete", f"/v1/messages/{NOTHING}/memory/0/missed", Scope.CHAT),
    ("get", "/v1/memory", Scope.CHAT),
    ("patch", "/v1/memory", Scope.CHAT),
    ("post", "/v1/memory/notes", Scope.CHAT),
    ("patch", f"/v1/memory/notes/{NOTHING}", Scope.CHAT),
    ("delete", f"/v1/memory/notes/{NOTHING}", Scope.CHAT),
    ("post", f"/v1/memory/notes/{NOTHING}/restore", Scope.CHAT),
    ("delete", f"/v1/messages/{NOTHING}", Scope.CHAT),
    ("post", f"/v1/messages/{NOTHING}/restore", Scope.CHAT),
    ("post", f"/v1/messages/{NOTHING}/branch", Scope.CHAT),
    ("post", f"/v1/conversations/{NOTHING}/shares", Scope.CHAT),
    ("get", f"/v1/conversations/{NOTHING}/shares", Scope.CHAT),
    ("get", "/v1/shares", Scope.CHAT),
    ("delete", f"/v1/shares/{NOTHING}", Scope.CHAT),
    ("get", f"/v1/conversations/{NOTHING}/export", Scope.CHAT),
    ("post", "/v1/images", Scope.CHAT),
    ("get", f"/v1/images/{NOTHING}", Scope.CHAT),
    ("delete", f"/v1/images/{NOTHING}", Scope.CHAT),
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
    ("get", "/v1/me/tools", Scope.CHAT),
    ("put", "/v1/me/tools", Scope.CHAT),
    ("put", "/v1/me/time-zone", Scope.CHAT),
    ("post", f"/v1/tool-calls/{NOTHING}/decision", Scope.CHAT),
    ("get", "/v1/reminders", Scope.CHAT),
    ("post", "/v1/reminders", Scope.CHAT),
    ("delete", f"/v1/reminders/{NOTHING}", Scope.CHAT),
    ("get", "/v1/tools/servers", ADMIN),
    ("post", "/v1/tools/servers", ADMIN),
    ("patch", f"/v1/tools/servers/{NOTHING}", ADMIN),
    ("delete", f"/v1/tools/servers/{NOTHING}", ADMIN),
    ("post", f"/v1/tools/servers/{NOTHING}/try", ADMIN),
    ("get", "/v1/learning/receipts", Scope.FEEDBACK),
    ("get", f"/v1/learning/receipts/{NOTHING}", Scope.FEEDBACK),
    ("get", "/v1/learning/alarms", Scope.REVIEW),
    ("post", f"/v1/learning/alarms/{NOTHING}/close", Scope.REVIEW),
    ("get", "/v1/learning/influential", Scope.REVIEW),
    ("post", "/v1/learning/participants/99/leave-out", Scope.REVIEW),
    ("post", "/v1/learning/participants/99/take-back", Scope.REVIEW),
    ("get", "/v1/review/items", Scope.REVIEW),
    ("get", "/v1/review/counts", Scope.REVIEW),
    ("get", "/v1/review/agreement", Scope.REVIEW),
    ("post", "/v1/review/next", Scope.REVIEW),
    ("post", "/v1/review/bulk", Scope.REVIEW),
    ("get", f"/v1/review/items/{NOTHING}", Scope.REVIEW),
    ("post", f"/v1/review/items/{NOTHING}/claim", Scope.REVIEW),
    ("post", f"/v1/review/items/{NOTHING}/renew", Scope.REVIEW),
    ("post", f"/v1/review/items/{NOTHING}/release", Scope.REVIEW),
    ("post", f"/v1/review/items/{NOTHING}/decide", Scope.REVIEW),
    ("post", f"/v1/review/items/{NOTHING}/undo", Scope.REVIEW),
    ("get", f"/v1/review/items/{NOTHING}/similar", Scope.REVIEW),
    ("get", f"/v1/review/items/{NOTHING}/audit", Scope.REVIEW),
    ("post", f"/v1/review/bulk/{NOTHING}/apply", Scope.REVIEW),
    ("post", f"/v1/review/bulk/{NOTHING}/undo", Scope.REVIEW),
    ("get", "/v1/ledger", EITHER),
    ("get", "/v1/ledger/check", EITHER),
    ("get", "/v1/trajectories?format=none", Scope.RESEARCH),
    ("get", "/v1/pulls", ADMIN),
    ("get", "/v1/trajectories/found", Scope.RESEARCH),
    ("get", f"/v1/trajectories/{NOTHING}", Scope.RESEARCH),
    ("get", "/v1/snapshots", Scope.RESEARCH),
    ("post", "/v1/snapshots", Scope.RESEARCH),
    ("get", f"/v1/snapshots/{NOTHING}", Scope.RESEARCH),
    ("delete", f"/v1/snapshots/{NOTHING}", Scope.RESEARCH),
    ("get", f"/v1/snapshots/{NOTHING}/withdrawn", Scope.RESEARCH),
    ("get", f"/v1/snapshots/{NOTHING}/files/manifest.json", Scope.RESEARCH),
    ("get", f"/v1/snapshots/{NOTHING}/files/part-00000.parquet", Scope.RESEARCH),
    ("get", "/v1/session", EVERYONE),
    ("patch", "/v1/session", WHOLE),
    ("get", "/v1/account", WHOLE),
    ("put", "/v1/account/password", WHOLE),
    ("put", "/v1/account/email", WHOLE),
    ("post", "/v1/account/factor", WHOLE),
    ("put", "/v1/account/factor", WHOLE),
    ("post", "/v1/account/factor/remove", WHOLE),
    ("post", "/v1/account/recovery-codes", WHOLE),
    ("post", "/v1/account/link", WHOLE),
    ("post", "/v1/account/unlink", WHOLE),
    ("get", "/v1/keys", WHOLE),
    ("post", "/v1/keys", WHOLE),
    ("delete", f"/v1/keys/{NOBODY}", WHOLE),
    ("get", "/v1/sessions", WHOLE),
    ("delete", "/v1/sessions", WHOLE),
    ("delete", f"/v1/sessions/{NOBODY}", WHOLE),
    ("get", "/v1/exports", WHOLE),
    ("post", "/v1/exports", WHOLE),
    ("get", f"/v1/exports/{NOTHING}/download", WHOLE),
    ("get", "/v1/me/erasure", WHOLE),
    ("post", "/v1/me/erasure", WHOLE),
    ("get", "/v1/operations", ADMIN),
    ("get", "/v1/operations/series", ADMIN),
    ("get", "/v1/acts", ADMIN),
    ("post", "/v1/operations/learning/pause", ADMIN),
    ("post", "/v1/operations/learning/resume", ADMIN),
    ("post", "/v1/operations/adapters/none/unload", ADMIN),
    ("post", f"/v1/operations/answers/{NOTHING}/stop", ADMIN),
    ("get", "/v1/people", ADMIN),
    ("patch", f"/v1/people/{NOBODY}", ADMIN),
    ("post", f"/v1/people/{NOBODY}/reset-link", ADMIN),
    ("get", "/v1/invitations", ADMIN),
    ("post", "/v1/invitations", ADMIN),
    ("delete", f"/v1/invitations/{NOBODY}", ADMIN),
    ("get", "/v1/installation", ADMIN),
    ("patch", "/v1/installation", ADMIN),
]
# The chat route reads the body before it knows whose key it is, so it is sent a whole one.
BODIES = {"/v1/chat/completions": {"model": "none", "messages": [{"role": "user", "content": "?"}]}}
# A right password, so that a refusal is one of permission.
for act in ("factor", "factor/remove", "recovery-codes", "link", "unlink"):
    BODIES[f"/v1/account/{act}"] = {"password": factories.PASSWORD}

# Ways in, for who is not signed in yet, and out; and what was shared with everybody.
WAYS_IN = {
    "get /v1/shared/{token}",
    "get /v1/shared/{token}/images/{pk}",
    "post /v1/session",
    "delete /v1/session",
    "post /v1/session/second-step",
    "post /v1/accounts",
    "post /v1/account/email/confirm",
    "post /v1/invitations/look",
    "post /v1/password-resets",
    "post /v1/password-resets/redeem",
    "post /v1/setup",
}


def wanted(scope):
    return set(EITHER) if scope is EITHER else {scope} & set(Scope.values)


def allowed(scope, who):
    if scope is ADMIN:
        return who.role == Role.ADMIN
    return scope in {EVERYONE, WHOLE} or not who.scopes.isdisjoint(wanted(scope))


def call(client, method, path):
    if method == "get":
        return client.get(path)
    return getattr(client, method)(path, BODIES.get(path, {}), content_type="application/json")


def test_every_operation_has_a_row():
    tried = {(method, path.split("?")[0]) for method, path, _ in ROUTES}

    missing = [
        f"{method} {path}"
        for path, operations in document()["paths"].items()
        for method in operations
        if f"{method} {path}" not in WAYS_IN
        if not any(
            tried_method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), tried_path)
            for tried_method, tried_path in tried
        )
    ]

    assert not missing, f"add rows to ROUTES: {missing}"


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
@pytest.mark.parametrize("name", PEOPLE)
def test_a_role_reaches_as_far_as_its_scopes(name, method, path, scope):
    who: User = PEOPLE[name]()

    response = call(factories.caller(who), method, path)

    may = allowed(scope, who)
    assert (response.status_code != 403) == may
    assert response.status_code != 401


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_a_key_reaches_as_far_as_its_own_scopes(method, path, scope):
    others = sorted(set(Scope.values) - (wanted(scope) or {Scope.LEARNING}))

    response = call(factories.caller(factories.ann(), *others), method, path)

    assert (response.status_code != 403) == (scope is EVERYONE)


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
