"""Images, links to a conversation, a copy of everything, and the page without a connection."""

from __future__ import annotations

import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import PASSWORD, Visit, answer, box, finished, sign_in
from tests.pictures import picture
from tests.system.light import LightStack

pytestmark = pytest.mark.browser


def pick(page: Page, *names: str) -> None:
    files = [
        {"name": name, "mimeType": "image/png", "buffer": picture(size=(60, 40))} for name in names
    ]
    page.locator("input[type=file]").set_input_files(files)


def test_images_are_kept_with_the_draft_sent_shared_and_taken_along(
    light_page: Page, light_visit: Visit, tmp_path: Path
):
    pick(light_page, "cat.png", "dog.png")
    beside = light_page.get_by_role("list", name="Images that go with the message")
    expect(beside.get_by_role("meter")).to_have_count(0)
    box(light_page).fill("What is in these?")

    light_page.reload()
    expect(beside.get_by_role("img")).to_have_count(2)
    expect(light_page.get_by_text("This model cannot see images")).to_be_visible()
    box(light_page).press("Enter")
    finished(light_page)
    light_page.get_by_role("button", name="Open image 2").click()
    expect(light_page.get_by_role("dialog").get_by_role("img")).to_be_visible()
    light_page.keyboard.press("Escape")

    light_page.get_by_role("button", name="Share or save").click()
    light_page.get_by_role("button", name="Make a link").click()
    link = light_page.get_by_role("dialog").get_by_role("link", name="What is in these?")
    anybody = light_visit().new_page()
    anybody.goto(link.get_attribute("href") or "")
    expect(answer(anybody)).to_contain_text("Moon")
    expect(anybody.get_by_role("img")).to_have_count(2)
    light_page.get_by_role("button", name="Revoke").click()
    expect(link).to_have_count(0)
    anybody.reload()
    expect(anybody.get_by_role("alert")).to_contain_text("It was revoked")

    light_page.goto("/settings/data")
    light_page.get_by_role("button", name="Make a copy").click()
    with light_page.expect_download() as download:
        light_page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "copy.zip")
    names = zipfile.ZipFile(tmp_path / "copy.zip").namelist()
    assert sum(name.startswith("images/") for name in names) == 2


def test_without_a_connection_the_page_opens_and_keeps_what_is_written(
    light: LightStack, light_visit: Visit
):
    name = f"off.{uuid4().hex[:8]}"
    light.create_user(name, "--research", "on", password=PASSWORD)
    context = light_visit(service_workers="allow")
    page = context.new_page()
    sign_in(page, name, PASSWORD)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    box(page).fill("Kept words")

    context.set_offline(True)
    page.reload()
    expect(page.get_by_label("Draft")).to_have_value("Kept words")
    page.get_by_label("Draft").fill("Kept words, and more")
    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()

    expect(box(page)).to_have_value("Kept words, and more")
    kept = page.evaluate(
        "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)"
        ".then((cache) => cache.keys()).then((all) => all.map((one) => new URL(one.url).pathname))"
        "))).then((all) => all.flat())"
    )
    assert kept
    assert not [path for path in kept if path != "/" and not path.startswith("/assets/")]
