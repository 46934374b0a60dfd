"""Addresses: the API, health, and the single-page app for everything else."""

from __future__ import annotations

from django.urls import path, re_path

from assistant.accounts import oidc
from assistant.admin.tables import site
from assistant.api.api import api
from assistant.api.operations import scrape
from assistant.health import healthz
from assistant.spa import page

urlpatterns = [
    path("healthz", healthz),
    path("metrics", scrape),
    path("admin/", site.urls),
    path("v1/", api.urls),
    path("oidc/login", oidc.begin),
    path("oidc/callback", oidc.callback),
    # Addresses of the page itself; a missing file or API path stays a 404.
    re_path(
        r"^(?:|c/[0-9a-f-]{36}|signin|signup|setup|(?:invite|reset|confirm)/[\w:.=-]+"
        r"|memory|people|operations|research(?:/(?:snapshots|pulls))?|s/[\w-]+"
        r"|settings(?:/[a-z]+)?|review(?:/[0-9a-f-]{36})?|learning"
        r"(?:/(?:quality|updates|review|versions(?:/[\w.-]+)?|receipts/[0-9a-f-]{36}))?)/?$",
        page,
    ),
]
