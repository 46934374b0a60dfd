"""Judging answers, looking into the window, and watching Danas learn."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import PASSWORD, Visit, answer, ask, finished, sign_in
from tests.system.stack import Stack

pytestmark = pytest.mark.browser

# Where the reward worker is slow, the judgement is stored and taken in later.
RECEIPT = re.compile(r"Learned as reward version \d+|^Saved$")

SECTIONS = ["", "quality", "updates", "versions"]
WIDTH = "document.querySelector('main').scrollWidth"


def test_a_thumb_is_taken_in_kept_and_taken_back(page: Page) -> None:
    ask(page, "What is the capital of Spain?")
    finished(page).get_by_role("button", name="Good answer").click()
    expect(answer(page).get_by_text(RECEIPT)).to_be_visible()

    page.reload()
    thumb = finished(page).get_by_role("button", name="Good answer")
    expect(thumb).to_have_attribute("aria-pressed", "true")

    thumb.click()
    expect(thumb).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(finished(page).get_by_role("button", name="Good answer")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_a_correction_starts_from_the_answer_and_is_kept(page: Page) -> None:
    ask(page, "What is the capital of Australia?")
    finished(page).get_by_role("button", name="What it should have said").click()
    editor = page.get_by_role("textbox", name="What it should have said")
    expect(editor).not_to_have_value("")

    editor.fill("Canberra, not Sydney.")
    page.get_by_role("button", name="Teach this").click()

    expect(answer(page).get_by_text(RECEIPT)).to_be_visible()
    page.reload()
    expect(finished(page).get_by_text("You taught it to say")).to_be_visible()
    expect(answer(page).get_by_text("Canberra, not Sydney.")).to_be_visible()


def test_a_correction_has_a_receipt_that_leads_back_and_holds(page: Page) -> None:
    ask(page, "What is the capital of Canada?")
    finished(page).get_by_role("button", name="What it should have said").click()
    page.get_by_role("textbox", name="What it should have said").fill("Ottawa, not Toronto.")
    page.get_by_role("button", name="Teach this").click()
    expect(answer(page).get_by_text(RECEIPT)).to_be_visible()
    address = page.url

    page.get_by_role("link", name="Learning").click()
    card = page.get_by_role("article", name="Correction").filter(has_text="Ottawa")
    expect(card).to_contain_text("What is the capital of Canada?")
    # The list looks again by itself until the reward worker has taken it in.
    expect(card).not_to_contain_text("Waits for the reward model")
    card.get_by_role("link", name="Receipt").click()

    receipt = page.get_by_role("dialog", name="Receipt")
    expect(receipt.get_by_text("The chain holds")).to_be_visible()
    receipt.get_by_role("link", name="Open the conversation").click()
    expect(page).to_have_url(address)


def test_the_better_of_two_answers_is_chosen(page: Page) -> None:
    ask(page, "Say something kind.")
    finished(page).get_by_role("button", name="Answer again").click()
    expect(answer(page).get_by_text("2 of 2")).to_be_visible()
    better = finished(page).get_by_role("button", name="Better than answer 1")

    better.click()

    expect(better).to_have_attribute("aria-pressed", "true")
    expect(answer(page).get_by_text(RECEIPT)).to_be_visible()
    page.reload()
    again = finished(page).get_by_role("button", name="Better than answer 1")
    expect(again).to_have_attribute("aria-pressed", "true")


def test_someone_is_answered_by_the_base_once_they_choose_it(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()

    page.get_by_role("radio", name="The model as it came").check()

    expect(page.get_by_text("base answers you now.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="The model as it came")).to_be_checked()
    page.get_by_role("radio", name="Whatever is live").check()


def test_the_window_of_an_answer_can_be_seen(page: Page) -> None:
    ask(page, "What is the capital of Peru?")
    finished(page).get_by_role("button", name="Show what Danas had in mind").click()

    drawer = page.get_by_role("dialog", name="Memory of this answer")
    expect(drawer.get_by_role("meter")).to_be_visible()
    expect(drawer.get_by_text("What is the capital of Peru?")).to_be_visible()


def test_the_first_administrator_sets_danas_up_and_sees_what_answers(
    visit: Visit, stack: Stack
) -> None:
    page = visit().new_page()
    sign_in(page, stack.admin, stack.password)
    first = page.get_by_role("dialog", name="Make this Danas yours")
    first.get_by_label("New password").fill(PASSWORD)
    first.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Save my choice").click()

    page.get_by_role("link", name="Learning").click()

    expect(page.get_by_role("region", name="Answering now")).to_contain_text("base")
    expect(page.get_by_role("button", name="Learn now")).to_be_enabled()


def test_a_member_can_look_but_not_drive(page: Page) -> None:
    page.get_by_role("link", name="Learning").click()

    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_role("listitem").filter(has_text="base")).to_contain_text("Live")
    expect(page.get_by_role("button", name="Learn now")).to_have_count(0)
    expect(page.get_by_role("link", name="Review")).to_have_count(0)


def test_all_of_it_fits_on_a_phone(visit: Visit, ada: tuple[str, str]) -> None:
    phone = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    sign_in(page, *ada)

    page.get_by_role("button", name="Open the sidebar").tap()
    page.get_by_role("link", name="Settings").tap()

    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    assert page.evaluate(WIDTH) == 390
    for section in SECTIONS:
        page.goto(f"/learning/{section}")
        expect(page.get_by_role("region", name="Answering now")).to_be_visible()
        assert page.evaluate(WIDTH) == 390, section


def test_the_page_is_held_to_its_content_security_policy(page: Page, stack: Stack) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))

    for section in SECTIONS:
        response = page.goto(f"/learning/{section}")
        expect(page.get_by_role("region", name="Answering now")).to_be_visible()
        assert response is not None
        assert "default-src 'self'" in response.headers["content-security-policy"]

    assert not [text for text in complaints if "Content Security Policy" in text]
