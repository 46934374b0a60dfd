"""What people do on the page and what they see there, in their words."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

PASSWORD = "correct horse"
Visit = Callable[..., BrowserContext]

# The model makes some 30 tokens a second on two cores, and other tests may be at it as well.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/")
    identify(page, name, password)
    expect(box(page)).to_be_visible()


def identify(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def box(page: Page) -> Locator:
    return page.get_by_label("Write to Danas")


def ask(page: Page, text: str) -> Locator:
    """Say something; returns the answer, which may not have begun."""
    box(page).fill(text)
    box(page).press("Enter")
    return answer(page)


def answer(page: Page) -> Locator:
    """The last answer."""
    return page.get_by_role("article", name="Danas").last


def begun(page: Page) -> Locator:
    """The last answer, once some of its text is there."""
    expect(answer(page).locator(".markdown")).to_contain_text(".")
    return answer(page)


def finished(page: Page) -> Locator:
    """The last answer, once it is whole."""
    expect(answer(page)).to_have_attribute("aria-busy", "false")
    return answer(page)


def text_of(shown: Locator) -> str:
    """What the answer says; its Markdown may be drawn a moment after the answer is there."""
    expect(shown.locator(".markdown").first).not_to_be_empty()
    return shown.locator(".markdown").first.inner_text()
