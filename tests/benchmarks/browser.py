"""The page in a real browser: how fast a long conversation opens, and how it keeps up.

Chromium without a window, on Danas without a model (`tests.system.light`): what is timed is the
page and the website, inside the page and on its own clock. A machine that does something else as
well drops frames by itself, so the same ten seconds are also counted with nothing happening.
"""

from __future__ import annotations

import gzip
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, CDPSession, Page, Response, sync_playwright

from tests.benchmarks.report import Row
from tests.fakes import Answer
from tests.system.light import PASSWORD, LightStack

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
TURNS = 250
OPENINGS = 5
FRAMES_S = 10.0
KEYS = 100
KEY_EVERY_MS = 60
# 200 tokens a second.
PACE_S = 0.005
# Half a minute of them, longer than anything that is measured while they come.
ANSWER_TOKENS = 6000
FRAME_MS = 1000 / 60

PARAGRAPHS = (
    "The tide at hour $t$ has a height of about $h(t) = a \\cos(2 \\pi t / 12.42)$ metres, where "
    "$a$ is half the range between **high** and *low* water.",
    "```python\ndef height(hour: float, range_m: float) -> float:\n"
    '    """Metres above the middle."""\n'
    "    return range_m / 2 * cos(2 * pi * hour / 12.42)\n\n\n"
    "for hour in range(24):\n    print(hour, round(height(hour, 4.2), 2))\n```",
    "| hour | height | what it does |\n|------|--------|---|\n| 0 | 2.1 m | falls |\n"
    "| 6 | -2.1 m | rises |\n| 12 | 2.1 m | falls |",
    "$$\n\\int_0^T h(t)\\,dt = \\frac{a T}{2 \\pi} \\sin\\left(\\frac{2 \\pi T}{12.42}\\right)\n$$",
    "1. Look at the moon.\n2. Ask a sailor.\n3. Wait for six hours, and look again.\n\n"
    "- [x] a tide table\n- [ ] a boat",
)
LONG = "\n\n".join(f"## Part {part}\n\n" + "\n\n".join(PARAGRAPHS) for part in range(80))

SEED = f"""
from assistant.models import User
from tests import factories
from tests.benchmarks.browser import PARAGRAPHS
where = factories.conversation(User.objects.get(username="bo"), title="Tides")
last = None
for turn in range({TURNS}):
    asked = factories.said(where, f"Question {{turn}}: when is high water?", last)
    text = "\\n\\n".join(PARAGRAPHS[(turn + part) % 5] for part in range(3))
    last = factories.answer(asked, f"Answer {{turn}}.\\n\\n{{text}}")
print(where.pk, last.pk)
"""

# When the last message is there, and the frame that shows it is done: ms since the navigation.
OPENED = """
(last) => new Promise((resolve) => {
  const look = () => {
    const text = document.querySelector(`[data-message="${last}"] .markdown`)?.textContent;
    if (!text) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
  };
  look();
})
"""

FRAMES = """
(seconds) => new Promise((resolve) => {
  const times = [];
  const tick = (now) => {
    times.push(now);
    if (now - times[0] < seconds * 1000) requestAnimationFrame(tick);
    else resolve(times);
  };
  requestAnimationFrame(tick);
})
"""

# Of each key: until its handlers are done and what they changed is laid out, and until the frame
# after it begins.
WATCH_KEYS = """
() => {
  window.keys = [];
  addEventListener("keydown", (down) => {
    addEventListener("input", () => queueMicrotask(() => {
      void document.body.offsetHeight;
      const key = { handled: performance.now() - down.timeStamp };
      window.keys.push(key);
      requestAnimationFrame(() => (key.shown = performance.now() - down.timeStamp));
    }), { once: true });
  }, { capture: true });
}
"""


def run() -> list[tuple[str, list[Row]]]:
    stack = LightStack(DANAS_ANSWER_TOKENS=str(ANSWER_TOKENS))
    try:
        print("Starting Danas without a model …")
        stack.start()
        stack.create_user("bo", password=PASSWORD)
        where, last = stack.manage("shell", "-v", "0", "-c", SEED).split()[-2:]
        with _person(stack) as (context, fresh):
            address = f"{stack.url}/c/{where}"
            rows = [*_first_load(fresh), *_opening(context, address, last)]
            rows += _while_streaming(context, stack, address)
        return [("Browser: the page with 500 messages", rows)]
    finally:
        stack.remove()


@contextmanager
def _person(stack: LightStack) -> Iterator[tuple[BrowserContext, list[Response]]]:
    """Bo's browser, signed in, and what its first load of the page brought."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        context = browser.new_context(
            base_url=stack.url, locale="en", viewport={"width": 1280, "height": 800}
        )
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Name", exact=True).fill("bo")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Write to Danas").wait_for()
        context_state = context.storage_state()
        fresh: list[Response] = []
        again = browser.new_context(base_url=stack.url, locale="en", storage_state=context_state)
        page = again.new_page()
        page.on("response", lambda response: fresh.append(response))
        page.goto("/", wait_until="networkidle")
        for response in fresh:
            response.body()
        yield context, fresh
        browser.close()


def _first_load(responses: list[Response]) -> list[Row]:
    """What a browser that knows nothing of Danas has to load before one can chat."""
    code, fonts = 0, 0
    for response in responses:
        path = urlsplit(response.url).path
        if path.startswith("/v1/"):
            continue
        if path.endswith(".woff2"):
            fonts += len(response.body())
        else:
            code += len(gzip.compress(response.body()))
    return [
        _row("first load, gzip: page, scripts, styles", code / 1000, "kB", 200),
        _row("first load: fonts", fonts / 1000, "kB", None),
    ]


def _opening(context: BrowserContext, address: str, last: str) -> list[Row]:
    """From the navigation to the last message on the screen; the first time without a cache."""
    times = []
    for _ in range(OPENINGS + 1):
        page = context.new_page()
        page.goto(address, wait_until="commit")
        times.append(page.evaluate(OPENED, last))
        page.close()
    return [
        _row("500 messages open, median", statistics.median(times[1:]), "ms", 1000),
        _row("500 messages open, slowest", max(times), "ms", None),
    ]


def _while_streaming(context: BrowserContext, stack: LightStack, address: str) -> list[Row]:
    page = context.new_page()
    page.goto(address)
    page.get_by_role("article").last.wait_for()
    page.wait_for_timeout(1000)
    rows = [_row("frames dropped in 10 s, nothing happens", _dropped(page), "", None)]
    stack.engine.play(Answer(LONG, pace_s=PACE_S))
    for measure in (_frames_of_stream, _keys):
        page.get_by_label("Write to Danas").fill("And then?")
        page.keyboard.press("Enter")
        page.locator("article[data-status=running] .markdown").last.wait_for()
        rows += measure(page)
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped.").last.wait_for()
    return rows


def _frames_of_stream(page: Page) -> list[Row]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _work_of(session)
    dropped = _dropped(page)
    after = _work_of(session)
    busy = {name: 1000 * (after[name] - before[name]) / FRAMES_S for name in before}
    session.detach()
    return [
        _row("frames dropped in 10 s of 200 tokens/s", dropped, "", 0),
        _row("main thread busy a second of stream", busy["TaskDuration"], "ms", None),
        _row("of it in scripts", busy["ScriptDuration"], "ms", None),
        _row("of it in layout", busy["LayoutDuration"], "ms", None),
    ]


def _keys(page: Page) -> list[Row]:
    page.evaluate(WATCH_KEYS)
    page.get_by_label("Write to Danas").press_sequentially(
        ("the sea is wide and " * KEYS)[:KEYS], delay=KEY_EVERY_MS
    )
    keys = [key for key in page.evaluate("() => window.keys") if "shown" in key]
    page.get_by_label("Write to Danas").fill("")
    return [
        _row("a key while an answer streams, handled, median", _at(keys, "handled", 0.5), "ms", 16),
        _row("a key while an answer streams, handled, p95", _at(keys, "handled", 0.95), "ms", None),
        _row("a key until the next frame, median", _at(keys, "shown", 0.5), "ms", None),
    ]


def _at(keys: list[dict[str, float]], name: str, quantile: float) -> float:
    ordered = sorted(key[name] for key in keys)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


def _dropped(page: Page) -> int:
    times = page.evaluate(FRAMES, FRAMES_S)
    gaps = [after - before for before, after in pairwise(times)]
    return sum(max(0, round(gap / FRAME_MS) - 1) for gap in gaps)


def _work_of(session: CDPSession) -> dict[str, float]:
    """Seconds that the page's main thread has worked, by kind."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    names = ("TaskDuration", "ScriptDuration", "LayoutDuration")
    return {each["name"]: each["value"] for each in metrics if each["name"] in names}


def _row(what: str, value: float, unit: str, goal: float | None) -> Row:
    return {
        "what": what,
        "value": round(value, 1),
        "unit": unit,
        "goal": "" if goal is None else goal,
    }
