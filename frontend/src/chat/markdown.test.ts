import { describe, expect, test } from "vitest";
import { GrowingMarkdown } from "./markdown";

const html = (text: string): string =>
  new GrowingMarkdown()
    .update(text)
    .map((block) => block.html)
    .join("");

function page(text: string): HTMLElement {
  const element = document.createElement("div");
  element.innerHTML = html(text);
  return element;
}

const ANSWER = `# Tides

The moon *pulls* the sea:

1. towards itself
2. and away

   from it

\`\`\`python
def tide(hours):

    return hours % 12.4
\`\`\`

| hour | height |
|------|--------|
| 0    | 2 m    |

That is **all**.`;

describe("markdown", () => {
  test("of a text that grew letter by letter is that of the whole text", () => {
    const growing = new GrowingMarkdown();

    for (let length = 1; length <= ANSWER.length; length++) growing.update(ANSWER.slice(0, length));

    expect(growing.blocks.map((block) => block.html).join("")).toBe(html(ANSWER));
    expect(growing.blocks).toHaveLength(6);
  });

  test("leaves a finished block alone while the text goes on", () => {
    const growing = new GrowingMarkdown();
    const [first] = growing.update("One.\n\nTwo");

    expect(growing.update("One.\n\nTwo and three.\n\nFour")[0]).toBe(first);
  });

  test("names the language of code and offers to copy it", () => {
    const shown = page("```python\nprint(1)\n```");

    expect(shown.querySelector("code")?.dataset.language).toBe("python");
    expect(shown.querySelector("button[data-copy]")?.textContent).toBe("Copy");
  });

  test("shows raw HTML as text", () => {
    const shown = page('Hi <img src=x onerror="alert(1)">\n\n<script>alert(1)</script>');

    expect(shown.querySelector("img, script")).toBeNull();
    expect(shown.textContent).toContain("<script>alert(1)</script>");
  });

  test("loads no image, but offers to open it", () => {
    const shown = page("![a cat](https://example.com/cat.png?said=secret)");

    expect(shown.querySelector("img")).toBeNull();
    expect(shown.querySelector("a")?.textContent).toBe("a cat · open from example.com");
  });

  test("drops links that are more than links", () => {
    expect(page("[click](javascript:alert(1))").querySelector("a")?.hasAttribute("href")).toBe(
      false,
    );
    expect(page("[home](https://example.com)").querySelector("a")?.rel).toContain("noopener");
  });
});
