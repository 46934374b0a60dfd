"""What people do with the list of their conversations."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import ask, box, finished
from tests.system.light import LightStack

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

    # The message that was found takes the focus once it is there.
    expect(page.locator("[data-message]:focus")).to_contain_text(word)
    row.press("F2")
    nav.get_by_role("textbox").fill("Stripes")
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


def test_what_one_tab_deletes_and_brings_back_the_other_shows_so_and_a_branch_goes_its_own_way(
    light_page: Page,
) -> None:
    page = light_page
    ask(page, "Why are there tides?")
    finished(page)
    other = page.context.new_page()
    other.goto(page.url)
    question = other.get_by_role("article", name="You").get_by_text("Why are there tides?")
    expect(question).to_be_visible()

    asked = page.get_by_role("article", name="You")
    asked.hover()
    asked.get_by_role("button", name="Delete this and what follows").click()
    expect(question).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(question).to_be_visible()
    expect(other.get_by_role("article", name="Danas")).to_have_attribute("data-status", "done")

    address = page.url
    page.get_by_role("button", name="Details", exact=True).click()
    page.get_by_role("button", name="Branch into a new conversation").click()
    expect(page).not_to_have_url(address)
    finished(page)
    nav = other.get_by_role("navigation", name="Conversations")
    expect(nav.get_by_role("link", name=re.compile("Branch of"))).to_be_visible()
    ask(page, "And on the Moon?")
    finished(page)
    expect(page.get_by_role("article", name="You")).to_have_count(2)
    expect(other.get_by_role("article", name="You")).to_have_count(1)


def test_the_list_reads_on_as_one_scrolls(light: LightStack, light_page: Page) -> None:
    page = light_page
    page.evaluate(
        """async () => {
            const csrf = document.cookie.match(/csrftoken=([^;]+)/)[1];
            const headers = {"Content-Type": "application/json", "X-CSRFToken": csrf};
            for (let number = 0; number < 130; number++)
                await fetch("/v1/conversations", {
                    method: "POST", headers, body: JSON.stringify({title: `Number ${number}`}),
                });
        }"""
    )
    page.reload()
    nav = page.get_by_role("navigation", name="Conversations")
    expect(nav.get_by_role("link", name="Number 129")).to_be_visible()
    oldest = nav.get_by_role("link", name="Number 0", exact=True)
    expect(oldest).to_have_count(0)

    # Forty are read at a time: 129 to 90, 89 to 50, and so on.
    for last in (90, 50, 10):
        nav.get_by_role("link", name=f"Number {last}", exact=True).scroll_into_view_if_needed()

    expect(oldest).to_have_count(1)
    expect(nav.get_by_role("button", name="Show more")).to_have_count(0)
