"""An administrator invites somebody in, and shows them out again."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import PASSWORD, Visit, box, sign_in
from tests.system.light import LightStack

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


def administrator(light: LightStack, visit: Visit) -> Page:
    name = f"ann.{uuid4().hex[:8]}"
    light.create_user(name, "--role", "admin", password=PASSWORD)
    page = visit().new_page()
    sign_in(page, name, PASSWORD)
    return page


def test_somebody_invited_comes_in_once_and_is_signed_out_when_the_account_is_closed(
    light: LightStack, light_visit: Visit
):
    ann, name = administrator(light, light_visit), f"gus.{uuid4().hex[:8]}"
    ann.get_by_role("link", name="People").click()
    ann.get_by_role("button", name="Invite somebody").click()
    link = ann.get_by_role("dialog").locator("pre").inner_text()
    ann.get_by_role("button", name="I have copied it").click()

    guest = light_visit(**PHONE).new_page()
    guest.goto(link)
    guest.get_by_label("Name", exact=True).fill(name)
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Create account").click()
    expect(box(guest)).to_be_visible()

    late = light_visit().new_page()
    late.goto(link)
    expect(late.get_by_role("alert")).to_contain_text("used already")

    ann.get_by_label("Search by name or e-mail address").fill(name)
    ann.get_by_role("button", name=f"More for {name}").click()
    ann.get_by_role("button", name="Close the account").click()
    ann.get_by_role("dialog").get_by_role("button", name="Close the account").click()
    # At once: the socket is closed, with nothing done on the guest's side.
    expect(guest.get_by_role("dialog", name="Please sign in again")).to_be_visible()
