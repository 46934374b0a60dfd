"""People at browsers, on the real processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.pages import PASSWORD, PATIENCE_MS, Visit, sign_in
from tests.system.light import LightStack
from tests.system.stack import Stack

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


# Of a module, not of the session: Playwright's event loop would be in the way of other tests'.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "the browser tests need Chromium; `make chromium` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def ada(stack: Stack) -> tuple[str, str]:
    """The name and password of a member whose chats may train."""
    stack.create_user("ada.browser", password=PASSWORD)
    return "ada.browser", PASSWORD


@pytest.fixture
def visit(chromium: Browser, stack: Stack) -> Iterator[Visit]:
    """A browser of its own, with whatever Playwright can be told of it."""
    yield from visits(chromium, stack)


@pytest.fixture
def page(visit: Visit, ada: tuple[str, str]) -> Page:
    """Ada's page, signed in, with a new conversation."""
    page = visit().new_page()
    sign_in(page, *ada)
    return page


@pytest.fixture
def light_visit(chromium: Browser, light: LightStack) -> Iterator[Visit]:
    """As `visit`, to the light stack."""
    yield from visits(chromium, light)


@pytest.fixture
def light_page(light: LightStack, light_visit: Visit) -> Page:
    """A new member's page, signed in, with a new conversation."""
    name = f"mo.{uuid4().hex[:8]}"
    light.create_user(name, "--research", "on", password=PASSWORD)
    page = light_visit().new_page()
    sign_in(page, name, PASSWORD)
    return page


def visits(chromium: Browser, stack: Stack) -> Iterator[Visit]:
    """Browsers of their own, for as long as the one who asks goes on."""
    contexts: list[BrowserContext] = []

    def opened(**options: object) -> BrowserContext:
        # What a service worker answers, a test could not hold up.
        options = {"service_workers": "block", **options}
        context = chromium.new_context(base_url=stack.url, locale="en", **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context

    yield opened

    for context in contexts:
        context.close()
