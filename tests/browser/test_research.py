"""What researchers do: find a trajectory, look at its tokens, and take a snapshot away."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.pages import PASSWORD, Visit, ask, finished, sign_in
from tests.system.light import LightStack

pytestmark = pytest.mark.browser


def test_a_trajectory_is_found_looked_at_and_taken_away(
    light: LightStack, light_visit: Visit
) -> None:
    name = f"rho.{uuid4().hex[:8]}"
    light.create_user(name, "--role", "researcher", "--research", "on", password=PASSWORD)
    page = light_visit().new_page()
    sign_in(page, name, PASSWORD)
    ask(page, "What pulls at the sea?")
    finished(page)

    page.get_by_role("link", name="Research").click()
    shown = page.get_by_role("main")
    shown.get_by_role("link", name="What pulls at the sea?").click()
    drawer = page.get_by_role("dialog", name="Trajectory")
    expect(drawer.get_by_text("What it sampled")).to_be_visible()
    expect(drawer.get_by_title("probability").first).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_text("Pull this").click()
    page.get_by_role("button", name="Make a snapshot of this filter").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="part-00000.parquet").click()
    assert download.value.path().read_bytes()[:4] == b"PAR1"
