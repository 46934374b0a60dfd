"""Which addresses are the page's own (frontend/src/ui/router.svelte.ts has the same ones)."""

from __future__ import annotations

import pytest
from django.urls import Resolver404, resolve

from assistant.spa import page

ID = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    "address",
    [
        "/",
        f"/c/{ID}",
        "/settings",
        "/settings/data",
        "/s/Zx8_-abcDEF",
        "/memory",
        "/learning",
        f"/learning/receipts/{ID}",
        "/learning/quality",
        "/learning/updates",
        "/learning/versions/",
        "/learning/versions/danas-v3-1f2e3d4c",
        "/learning/review",
        "/review",
        f"/review/{ID}",
    ],
)
def test_an_address_of_the_page_can_be_opened_and_reloaded(address):
    assert resolve(address).func is page


@pytest.mark.parametrize(
    "address", ["/assets/gone.js", "/learning/versions/a/b", "/learning/secrets"]
)
def test_what_is_not_there_is_not_the_page(address):
    with pytest.raises(Resolver404):
        resolve(address)
