"""What reviewers do, without a mouse."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.pages import PASSWORD, Visit, ask, finished, sign_in
from tests.system.light import LightStack

pytestmark = pytest.mark.browser

ITS_WORDS = "The Moon and the Sun pull at the sea."


def test_the_queue_is_worked_through_by_keyboard(light: LightStack, light_visit: Visit) -> None:
    word = f"tide{uuid4().hex[:8]}"
    light.create_user(f"mo.{word}", password=PASSWORD)
    light.create_user(f"rae.{word}", "--role", "reviewer", password=PASSWORD)
    mo, rae = light_visit().new_page(), light_visit().new_page()
    sign_in(mo, f"mo.{word}", PASSWORD)
    ask(mo, f"Why is there a {word}?")
    finished(mo)
    mo.get_by_role("button", name="Bad answer").click()
    expect(mo.get_by_text("Saved", exact=True)).to_be_visible()

    sign_in(rae, f"rae.{word}", PASSWORD)
    rae.goto(f"/review?q={word}")
    row = rae.get_by_role("listitem").filter(has_text=word)
    expect(row).to_be_visible()
    rae.keyboard.press("j")
    item = rae.get_by_role("article", name="Thumb down")
    expect(item.get_by_role("button", name="Accept")).to_be_enabled()
    assert violations(rae) == []
    rae.keyboard.press("c")
    rae.get_by_label("The answer as it should be").fill(ITS_WORDS)
    rae.keyboard.press("Control+Enter")
    expect(rae.get_by_text("Corrected.")).to_be_visible()
    expect(row).to_contain_text("Corrected")
    rae.keyboard.press("u")
    expect(rae.get_by_text("Undone. It is yours again.")).to_be_visible()
    rae.keyboard.press("r")
    expect(rae.get_by_text("Rejected.")).to_be_visible()

    rae.goto(f"/review?q={word}&state=rejected")
    expect(row).to_be_visible()
