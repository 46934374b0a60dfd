"""An administrator looks at what runs, and stops learning for a while."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.pages import PASSWORD, Visit, sign_in
from tests.system.light import LightStack

pytestmark = pytest.mark.browser


def test_an_administrator_sees_what_runs_and_pauses_learning(
    light: LightStack, light_visit: Visit
) -> None:
    name = f"ann.{uuid4().hex[:8]}"
    light.create_user(name, "--role", "admin", password=PASSWORD)
    page = light_visit().new_page()
    sign_in(page, name, PASSWORD)

    page.get_by_role("link", name="Operations").click()
    runs = page.get_by_role("group", name="Processes").get_by_role("rowheader")
    expect(runs.filter(has_text="generation")).to_be_visible()
    expect(runs.filter(has_text="web")).to_be_visible()
    # The light stack has nobody to learn.
    expect(page.get_by_role("alert")).to_contain_text("learner")
    page.get_by_role("button", name="Pause learning").click()
    page.get_by_role("button", name="Let learning go on").click()
    expect(page.get_by_role("button", name="Pause learning")).to_be_visible()

    done = page.get_by_role("group", name="Done by hand").get_by_role("listitem")
    expect(done.filter(has_text=f"{name} let learning go on")).to_be_visible()
