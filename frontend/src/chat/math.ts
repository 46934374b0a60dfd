/**
 * Which text is math, and drawing it with KaTeX, which is loaded when the first of it is shown.
 *
 * Math is `$…$`, `$$…$$`, `\(…\)` and `\[…\]`. Prices are not: a dollar sign opens math only right
 * before a letter, digit or sign, and closes it only where no digit follows. KaTeX builds elements
 * rather than HTML, since the page's policy forbids styles that are written in markup.
 */

import type { MarkedExtension, Tokens } from "marked";

interface Formula extends Tokens.Generic {
  tex: string;
  isDisplay: boolean;
  /** Its end has not come yet. */
  isOpen?: boolean;
}

type Katex = typeof import("katex").default;

// Bounds keep a text of nothing but openings from being searched again and again.
const LONGEST = 4000;
const DOLLARS = /^\$\$((?:\\[^]|[^$\\]){1,4000}?)\$\$/;
const DOLLAR = /^\$(?![\s$])((?:\\[^]|[^$\\]){0,2000}?(?:\\\S|[^\s$\\]))\$(?![\d$])/;
const BRACKETS = /^\\([([])([^]{1,4000}?)\\([)\]])/;
const OPENING = /^ {0,3}(\$\$(?!\$)|\\\[)/;

export const math: MarkedExtension = {
  extensions: [
    {
      name: "formulaBlock",
      level: "block",
      start: (text) => {
        const found = /\n {0,3}(?:\$\$(?!\$)|\\\[)/.exec(text);
        return found ? found.index + 1 : undefined;
      },
      tokenizer: (text) => block(text),
      renderer: (token) => `<p>${show(token as Formula)}</p>`,
    },
    {
      name: "formula",
      level: "inline",
      start: (text) => {
        const at = text.search(/\$|\\[([]/);
        return at < 0 ? undefined : at;
      },
      tokenizer: (text, before) => inline(text, before.at(-1)?.raw.at(-1) ?? ""),
      renderer: (token) => show(token as Formula),
    },
  ],
};

function block(text: string): Formula | undefined {
  const opening = OPENING.exec(text);
  if (!opening) return undefined;
  const from = opening[0].length;
  const rest = text.slice(from, from + LONGEST);
  const end = rest.indexOf(opening[1] === "$$" ? "$$" : "\\]");
  const blank = rest.search(/\n[ \t]*\n/);
  if (blank >= 0 && (end < 0 || blank < end)) return undefined;
  const formula = { type: "formulaBlock", isDisplay: true };
  if (end < 0) {
    if (rest.length === LONGEST) return undefined;
    return { ...formula, raw: text, tex: text.trim(), isOpen: true };
  }
  const tex = rest.slice(0, end).trim();
  if (!tex) return undefined;
  const after = /^[ \t]*(?:\n+|$)?/.exec(text.slice(from + end + 2))![0];
  return { ...formula, raw: text.slice(0, from + end + 2) + after, tex };
}

function inline(text: string, before: string): Formula | undefined {
  const brackets = BRACKETS.exec(text);
  if (brackets) {
    const [raw, opening, tex, closing] = brackets;
    if ((opening === "(") !== (closing === ")")) return undefined;
    return { type: "formula", raw, tex: tex!.trim(), isDisplay: opening === "[" };
  }
  if (/[\w$]/.test(before)) return undefined;
  const display = DOLLARS.exec(text);
  if (display) return { type: "formula", raw: display[0], tex: display[1]!.trim(), isDisplay: true };
  const found = DOLLAR.exec(text);
  if (!found || isPrice(found[1]!)) return undefined;
  return { type: "formula", raw: found[0], tex: found[1]!, isDisplay: false };
}

/** “5 and 10” between two dollar signs. */
function isPrice(tex: string): boolean {
  return /^\d[\d.,]*\s+\p{L}{2,}/u.test(tex.replace(/\\text\w*\{[^}]*\}/g, ""));
}

function show({ tex, isDisplay, isOpen }: Formula): string {
  const text = tex.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  if (isOpen) return text;
  return `<span class="math${isDisplay ? " display" : ""}">${text}</span>`;
}

let katex: Katex | null = null;
const drawn = new Map<string, Node>();
const MOST_KEPT = 200;

/** Draws the formulas inside `element`; what KaTeX cannot read stays as it was written. */
export function drawMath(element: HTMLElement): void {
  const places = element.querySelectorAll<HTMLElement>(".math:not(.drawn)");
  if (places.length === 0) return;
  if (katex) for (const place of places) draw(katex, place);
  // Without the network formulas stay as they were written.
  else load().then(() => drawMath(element), () => {});
}

async function load(): Promise<void> {
  const [loaded] = await Promise.all([import("katex"), import("katex/dist/katex.min.css")]);
  katex = loaded.default;
}

function draw(katex: Katex, place: HTMLElement): void {
  const tex = place.textContent ?? "";
  const displayMode = place.classList.contains("display");
  place.classList.add("drawn");
  const key = `${displayMode} ${tex}`;
  // A formula in the block that still grows is drawn anew with each frame.
  const known = drawn.get(key);
  if (known) return place.replaceChildren(known.cloneNode(true));
  const canvas = document.createElement("span");
  try {
    katex.render(tex, canvas, {
      displayMode,
      throwOnError: true,
      trust: false,
      strict: false,
      maxExpand: 200,
      maxSize: 20,
    });
  } catch {
    place.classList.add("unreadable");
    return;
  }
  if (drawn.size >= MOST_KEPT) drawn.clear();
  drawn.set(key, canvas.cloneNode(true));
  place.replaceChildren(canvas);
}
