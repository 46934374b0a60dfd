"""Every page as a screen reader finds it, by axe-core; and what the first load costs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.pages import PASSWORD, Visit, ask, finished, sign_in
from tests.system.light import LightStack
from tests.system.stack import ROOT

pytestmark = pytest.mark.browser

FRONTEND = ROOT / "frontend"
READY_MS = 20_000
FIRST_LOAD_BYTES = 200_000
SIGNED_OUT = ["/", "/signup", "/invite/none", "/reset/none"]
PAGES = [
    "/",
    "/settings",
    "/settings/security",
    "/settings/sessions",
    "/settings/keys",
    "/settings/data",
    "/memory",
    "/people",
    "/operations",
    "/review",
    "/research",
    "/research/snapshots",
    "/research/pulls",
    "/learning",
    "/learning/quality",
    "/learning/updates",
    "/learning/versions",
    "/learning/review",
]
# Width, height, colours.
LOOKS = [(1280, 800, "light"), (390, 844, "dark")]


def opened(page: Page, path: str) -> list[str]:
    """What is wrong with a page, in every look."""
    page.goto(path)
    expect(page.get_by_role("main")).to_be_visible(timeout=READY_MS)
    page.wait_for_load_state("networkidle")
    return [f"{path} ({look[0]}) {each}" for look in LOOKS for each in seen(page, look)]


def seen(page: Page, look: tuple[int, int, str]) -> list[str]:
    width, height, colours = look
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    # Looked at again, since a colour may have been on its way to the other look's.
    found = violations(page) and violations(page)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("scrolls sideways")
    return found


def shared(visit: Visit, key: str, conversation: str) -> str:
    """The path of a link to all that was said."""
    caller = visit(extra_http_headers={"Authorization": f"Bearer {key}"}).request
    at = f"/v1/conversations/{conversation}"
    leaf = caller.get(at).json()["messages"][-1]["id"]
    path: str = caller.post(f"{at}/shares", data={"leaf": leaf}).json()["path"]
    return path


def test_every_page_can_be_read_and_used_without_seeing_it(light: LightStack, light_visit: Visit):
    key = light.create_user("axe", "--role", "admin", "--research", "on", password=PASSWORD)
    page = light_visit().new_page()

    found = [each for path in SIGNED_OUT for each in opened(page, path)]
    sign_in(page, "axe", PASSWORD)
    ask(page, "Why are there tides?")
    finished(page)
    conversation = page.url.removeprefix(light.url)
    link = shared(light_visit, key, conversation.removeprefix("/c/"))
    found += [each for path in [conversation, link, *PAGES] for each in opened(page, path)]

    assert not found, "\n".join(found)


def test_the_first_load_is_small():
    manifest = json.loads((FRONTEND / "dist" / "manifest.json").read_text())

    files = {FRONTEND / "dist" / "index.html", *_needed(manifest, "index.html")}
    sent = sum(len(gzip.compress(file.read_bytes())) for file in files)

    assert sent < FIRST_LOAD_BYTES, f"{sent:,} bytes"


def _needed(manifest: dict[str, Any], name: str, seen: set[str] | None = None) -> set[Any]:
    """Scripts, styles and fonts of an entry and of all that it imports at once."""
    seen = set() if seen is None else seen
    if name in seen:
        return set()
    seen.add(name)
    entry = manifest[name]
    own = [entry["file"], *entry.get("css", [])]
    # A browser takes the one font file that has the letters of the page.
    fonts = [each for each in entry.get("assets", []) if "-latin-wght" in each]
    files = {FRONTEND / "dist" / each for each in [*own, *fonts]}
    return files.union(*(_needed(manifest, each, seen) for each in entry.get("imports", [])))
