"""Chatting, and what must not be lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Visit, answer, ask, begun, box, finished, identify, text_of
from tests.system.stack import Stack

pytestmark = pytest.mark.browser

# Long enough that there is a middle to reload in.
LONG = "Write a long story about a boat. Use many sentences."


def test_a_wrong_password_is_refused_in_words(visit: Visit, ada: tuple[str, str]) -> None:
    page = visit().new_page()
    page.goto("/")

    identify(page, ada[0], "not the right one")

    expect(page.get_by_role("alert")).to_contain_text("password")


def test_an_answer_streams_in(page: Page) -> None:
    ask(page, "What is the capital of France?")

    expect(page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}$"))
    expect(finished(page)).to_contain_text("Paris")
    expect(page.get_by_role("link", name="What is the capital of France?").first).to_be_visible()


def test_nothing_is_missing_or_doubled_after_a_reload_in_mid_answer(page: Page) -> None:
    ask(page, LONG)
    begun(page)

    page.reload()

    streamed = text_of(finished(page))
    page.reload()
    assert text_of(finished(page)) == streamed
    expect(page.get_by_role("article", name="You")).to_have_count(1)
    expect(page.get_by_role("article", name="Danas")).to_have_count(1)


def test_two_tabs_show_the_same_and_either_can_stop(page: Page) -> None:
    ask(page, LONG)
    begun(page)
    other = page.context.new_page()
    other.goto(page.url)
    begun(other)

    other.get_by_role("button", name="Stop").click()

    expect(answer(page).get_by_text("Stopped.")).to_be_visible()
    expect(answer(other).get_by_text("Stopped.")).to_be_visible()
    assert text_of(finished(page)) == text_of(finished(other))


def test_a_turn_from_one_tab_appears_in_the_other(page: Page) -> None:
    ask(page, "What is the capital of Japan?")
    finished(page)
    other = page.context.new_page()
    other.goto(page.url)
    finished(other)

    ask(other, "And of Italy?")

    expect(page.get_by_role("article", name="You")).to_have_count(2)
    expect(finished(page)).to_contain_text("Rome")


def test_an_answer_can_be_asked_for_again_and_both_are_kept(page: Page) -> None:
    ask(page, "Say hello.")
    finished(page).get_by_role("button", name="Answer again").click()

    expect(answer(page).get_by_text("2 of 2")).to_be_visible()
    finished(page)
    page.reload()

    finished(page).get_by_role("button", name="Previous version").click()
    expect(answer(page).get_by_text("1 of 2")).to_be_visible()


def test_a_draft_outlives_a_reload(page: Page) -> None:
    box(page).fill("Not yet finished")

    page.reload()

    expect(box(page)).to_have_value("Not yet finished")


def test_the_page_goes_on_when_the_web_process_dies_in_mid_answer(page: Page, stack: Stack) -> None:
    ask(page, LONG)
    begun(page)

    stack.kill("web")

    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    streamed = text_of(finished(page))
    page.reload()
    assert text_of(finished(page)) == streamed


def test_signing_out_and_in_again(page: Page, ada: tuple[str, str]) -> None:
    page.get_by_role("button", name="Sign out").click()

    identify(page, *ada)

    expect(box(page)).to_be_visible()
