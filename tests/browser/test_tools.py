"""A policy that thinks and calls tools, for a person at a browser; the engine is scripted."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import visits
from tests.browser.pages import PASSWORD, answer, box, finished, sign_in
from tests.fakes import Answer
from tests.system.light import LightStack
from tests.system.stack import make_model

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def thinking() -> Iterator[LightStack]:
    make_model()
    stack = LightStack(programs=("generation", "default", "beat"), DANAS_PROFILE="kimi_k2")
    try:
        stack.start()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def page(chromium: Browser, thinking: LightStack) -> Iterator[Page]:
    name = f"mo.{uuid4().hex[:8]}"
    thinking.create_user(name, password=PASSWORD)
    for visit in visits(chromium, thinking):
        page = visit().new_page()
        sign_in(page, name, PASSWORD)
        yield page


def test_a_tool_is_allowed_run_and_shown_with_what_was_thought(
    page: Page, thinking: LightStack
) -> None:
    note = ("notes_add", '{"text": "I am allergic to nuts."}')
    thinking.engine.play(
        Answer("", reasoning="That is worth keeping.", calls=(note,)), "I will remember it."
    )
    box(page).fill("I am allergic to nuts. Keep that.")
    box(page).press("Enter")

    page.get_by_role("button", name="Allow once").click()
    finished(page)

    expect(answer(page)).to_contain_text("I will remember it.")
    page.reload()
    page.get_by_text("Thought").click()
    expect(answer(page)).to_contain_text("That is worth keeping.")
    page.get_by_text("Used notes_add").click()
    expect(answer(page).locator("pre").first).to_contain_text("allergic to nuts")
    assert violations(page) == []


def test_a_reminder_is_told_when_it_is_due_and_put_away(page: Page, thinking: LightStack) -> None:
    thinking.engine.play(
        Answer("", calls=(("reminders_set", '{"text": "Tea is ready.", "in_minutes": 0.02}'),)),
        "I will tell you.",
    )
    box(page).fill("Remind me of the tea.")
    box(page).press("Enter")

    page.get_by_role("button", name="Allow once").click()

    told = page.get_by_role("list", name="Reminders").get_by_role("listitem")
    expect(told).to_contain_text("Tea is ready.", timeout=20_000)
    told.get_by_role("button", name="Put away").click()

    expect(told).to_have_count(0)


def test_what_may_be_used_is_chosen_in_the_settings(page: Page) -> None:
    page.goto("/settings/tools")

    page.get_by_label("Whether calculator may be used").select_option("never")
    page.reload()

    expect(page.get_by_label("Whether calculator may be used")).to_have_value("never")
    assert violations(page) == []
