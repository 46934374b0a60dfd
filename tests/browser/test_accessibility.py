"""Every page as a screen reader finds it, by axe-core; and what the first load costs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import PASSWORD, Visit, ask, finished, sign_in
from tests.system.light import LightStack
from tests.system.stack import ROOT

pytestmark = pytest.mark.browser

FRONTEND = ROOT / "frontend"
AXE = (FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text()
READY_MS = 20_000
FIRST_LOAD_BYTES = 200_000
SIGNED_OUT = ["/", "/invite/none", "/reset/none"]
PAGES = [
    "/",
    "/settings",
    "/settings/security",
    "/settings/sessions",
    "/settings/keys",
    "/people",
    "/operations",
    "/learning",
    "/learning/quality",
    "/learning/updates",
    "/learning/versions",
    "/learning/review",
]
# Width, height, colours.
LOOKS = [(1280, 800, "light"), (390, 844, "dark")]
# Colours are looked at once they have stopped changing.
CHECK = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const still = Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  await Promise.race([still, new Promise((resolve) => setTimeout(resolve, 1000))]);
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ html, any }) =>
      `${html.slice(0, 120)} ${any[0]?.message.slice(0, 130) ?? ""}`).join(" and ")}`);
}"""


def opened(page: Page, path: str) -> list[str]:
    """What axe has against a page. It is loaded anew, since colours that change are in between."""
    page.goto(path)
    expect(page.get_by_role("main")).to_be_visible(timeout=READY_MS)
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE)
    found = page.evaluate(CHECK)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("scrolls sideways")
    look = page.evaluate("`${innerWidth}`")
    return [f"{path} ({look}) {each}" for each in found]


def put_on(page: Page, look: tuple[int, int, str]) -> None:
    width, height, colours = look
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")


def test_every_page_can_be_read_and_used_without_seeing_it(light: LightStack, light_visit: Visit):
    light.create_user("axe", "--role", "admin", "--research", "on", password=PASSWORD)
    page = light_visit().new_page()

    found = []
    for look in LOOKS:
        put_on(page, look)
        found += [each for path in SIGNED_OUT for each in opened(page, path)]
    sign_in(page, "axe", PASSWORD)
    ask(page, "Why are there tides?")
    finished(page)
    conversation = page.url.removeprefix(light.url)
    for look in LOOKS:
        put_on(page, look)
        found += [each for path in [conversation, *PAGES] for each in opened(page, path)]

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
