"""What people do with the list of their conversations."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import ask, box, finished

pytestmark = [pytest.mark.system, pytest.mark.browser]


def test_a_conversation_is_found_again_renamed_deleted_and_brought_back(light_page: Page) -> None:
    page = light_page
    word = f"zebra{uuid4().hex[:6]}"
    ask(page, f"Please tell me about the {word} of Norway")
    finished(page)
    address = page.url
    nav = page.get_by_role("navigation", name="Conversations")
    row = nav.get_by_role("link", name=re.compile(word))
    expect(row).to_be_visible()

    page.get_by_role("link", name="New chat").first.click()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="What was said").fill(word[:8])
    expect(page.get_by_role("option", name=re.compile(word)).locator("mark").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"{address}\?m="))

    row.focus()
    page.keyboard.press("F2")
    page.keyboard.type("Stripes")
    page.keyboard.press("Enter")
    renamed = nav.get_by_role("link", name="Stripes")
    renamed.focus()
    page.keyboard.press("Delete")
    expect(renamed).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(renamed).to_be_visible()
    expect(page).to_have_url(address)


def test_a_temporary_chat_survives_a_reload_and_goes_when_it_is_left(light_page: Page) -> None:
    page = light_page
    page.get_by_role("button", name="Make it a temporary chat").click()
    ask(page, "A secret")
    finished(page)
    address = page.url

    page.reload()
    expect(page.get_by_text("Temporary chat", exact=True)).to_be_visible()
    nav = page.get_by_role("navigation", name="Conversations")
    expect(nav.get_by_role("link", name="A secret")).to_have_count(0)
    page.get_by_role("link", name="New chat").first.click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(box(page)).to_be_visible()
    page.goto(address)

    expect(page.get_by_text("There is no such conversation")).to_be_visible()
