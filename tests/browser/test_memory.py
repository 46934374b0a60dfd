"""What people do with what is remembered of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.pages import ask, finished

pytestmark = [pytest.mark.system, pytest.mark.browser]


def test_a_line_of_the_profile_is_read_by_an_answer_and_left_out_of_another(
    light_page: Page,
) -> None:
    page = light_page
    page.get_by_role("link", name="Memory").click()
    page.get_by_label("Something to remember").fill("I am allergic to peanuts.")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pin: I am allergic to peanuts.").click()
    expect(page.get_by_role("button", name="Pin: I am allergic")).to_have_attribute(
        "aria-pressed", "true"
    )

    page.get_by_role("link", name="New chat").first.click()
    ask(page, "What is for dinner? I was born in Zanzibar.")
    finished(page)
    page.get_by_role("button", name="Show what Danas had in mind").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("I am allergic to peanuts.")).to_be_visible()
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    drawer.get_by_role("button", name="Leave out of another answer: I am allergic").click()
    drawer.get_by_role("button", name="Answer again without 1 thing").click()

    expect(page.get_by_text("Made without 1 thing that it remembers.")).to_be_visible()
    finished(page)
    page.get_by_role("button", name="Show what Danas had in mind").click()
    expect(drawer.get_by_text("Left out of this answer")).to_be_visible()
    drawer.get_by_role("button", name="Forget this: What is for dinner?").click()
    drawer.get_by_role("button", name="Forget it", exact=True).click()
    expect(drawer.get_by_text("Zanzibar")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("article", name="You")).to_contain_text("Zanzibar")
