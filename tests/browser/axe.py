"""What axe-core finds wrong with a page for people who cannot see it or use no mouse."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.system.stack import ROOT

SCRIPT = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# Colours are looked at once they have stopped changing.
RUN = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const still = Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  await Promise.race([still, new Promise((resolve) => setTimeout(resolve, 1000))]);
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`));
}"""


# A colour may begin to change after that, on a busy machine.
LOOKS = 3


def violations(page: Page) -> list[str]:
    """One line for each element that breaks a rule, and goes on doing so."""
    if not page.evaluate("() => 'axe' in window"):
        # Run from here, since the page's own policy lets no script in.
        page.evaluate(SCRIPT.read_text())
    found: list[str] = []
    for _ in range(LOOKS):
        found = page.evaluate(RUN)
        if not found:
            break
        page.wait_for_timeout(500)
    return found
