/**
 * Markdown to safe HTML, block by block.
 *
 * While an answer streams in, only its last block can still change; the blocks before it are
 * parsed once. Raw HTML is shown as text. Images are never loaded, since an address can carry
 * what was said out of the page: a link in their place opens them in a new tab.
 */

import DOMPurify from "dompurify";
import { Marked, type Tokens } from "marked";
import { math } from "./math";
import { t } from "./messages";

export interface Block {
  /** Its place in the text; stays the same while the text grows. */
  start: number;
  html: string;
}

const NOT_ADDRESSES =
  "title target rel type disabled checked start align tabindex data-copy data-wrap data-language";

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."p br hr em strong del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6".split(" "),
    ..."a table thead tbody tr th td div span button input".split(" "),
  ],
  ALLOWED_ATTR: ["href", "class", ...NOT_ADDRESSES.split(" ")],
  // DOMPurify holds every other value against the pattern for addresses.
  ADD_URI_SAFE_ATTR: NOT_ADDRESSES.split(" "),
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
};

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function link(href: string, html: string, kind = ""): string {
  const attributes = 'target="_blank" rel="noopener noreferrer nofollow"';
  return `<a href="${escape(href)}" class="${kind}" ${attributes}>${html}</a>`;
}

function hostOf(address: string): string {
  try {
    return new URL(address).host || address;
  } catch {
    return address;
  }
}

function codeBlock({ text, lang }: Tokens.Code): string {
  const language = /^[\w+#.-]+/.exec(lang ?? "")?.[0] ?? "";
  const { wrap, codeIn } = t.talk.markdown;
  return (
    `<div class="code"><div class="code-bar"><span>${escape(language || t.chat.code)}</span>` +
    `<button type="button" data-wrap="" aria-pressed="false">${escape(wrap)}</button>` +
    `<button type="button" data-copy="">${escape(t.copy)}</button></div>` +
    // Whoever has no mouse scrolls it with the keyboard.
    `<pre tabindex="0" role="group" aria-label="${escape(codeIn(language))}">` +
    `<code data-language="${escape(language)}">${escape(text)}\n</code></pre></div>`
  );
}

const marked = new Marked(math, {
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    code: codeBlock,
    image: ({ href, text }) =>
      link(href, escape(t.talk.markdown.image(text, hostOf(href))), "image"),
    link({ href, tokens }) {
      return link(href, this.parser.parseInline(tokens));
    },
    checkbox({ checked }) {
      const label = checked ? t.talk.markdown.done : t.talk.markdown.toDo;
      const state = checked ? "checked" : "";
      return `<input type="checkbox" disabled ${state} aria-label="${escape(label)}"> `;
    },
    table(token) {
      const row = (cells: Tokens.TableCell[]): string =>
        `<tr>${cells.map((cell) => this.tablecell(cell)).join("")}</tr>`;
      const body = token.rows.map(row).join("");
      const table = `<table><thead>${row(token.header)}</thead><tbody>${body}</tbody></table>`;
      const label = escape(t.talk.markdown.table);
      return `<div class="table" tabindex="0" role="group" aria-label="${label}">${table}</div>`;
    },
  },
});

/** The blocks of a text that may still grow. Call `update` with the whole text so far. */
export class GrowingMarkdown {
  #text = "";
  /** Where the block that may still change begins. */
  #tail = 0;
  #settled: Block[] = [];
  #last: Block[] = [];

  get blocks(): Block[] {
    return [...this.#settled, ...this.#last];
  }

  update(text: string): Block[] {
    if (!text.startsWith(this.#text)) this.#forget();
    this.#text = text;
    const tokens = marked.lexer(text.slice(this.#tail));
    const lastBlock = tokens.findLastIndex(({ type }) => type !== "space");
    let start = this.#tail;
    this.#last = [];
    tokens.forEach((token, index) => {
      const list = Object.assign([token], { links: tokens.links });
      if (token.type !== "space") {
        const block = { start, html: DOMPurify.sanitize(marked.parser(list), ALLOWED) };
        (index < lastBlock ? this.#settled : this.#last).push(block);
      }
      start += token.raw.length;
      if (index < lastBlock) this.#tail = start;
    });
    return this.blocks;
  }

  #forget(): void {
    this.#tail = 0;
    this.#settled = [];
  }
}

/** The words alone, as they would be pasted into a letter. */
export function plainText(text: string): string {
  const page = new DOMParser().parseFromString(
    DOMPurify.sanitize(marked.parse(text, { async: false }), ALLOWED),
    "text/html",
  );
  page.querySelectorAll(".code-bar").forEach((bar) => bar.remove());
  for (const item of page.querySelectorAll("li")) item.prepend(markOf(item));
  for (const cell of page.querySelectorAll("th + th, td + td")) cell.prepend("\t");
  for (const line of page.querySelectorAll("br")) line.replaceWith("\n");
  for (const line of page.querySelectorAll("tr")) line.append("\n");
  for (const block of page.querySelectorAll("p, pre, h1, h2, h3, h4, h5, h6, table, ul, ol")) {
    block.append(block.closest("li") ? "\n" : "\n\n");
  }
  return (page.body.textContent ?? "").replace(/\n{3,}/g, "\n\n").trim();
}

function markOf(item: Element): string {
  const list = item.parentElement;
  if (list?.tagName !== "OL") return "• ";
  const first = Number(list.getAttribute("start") ?? 1);
  return `${first + [...list.children].indexOf(item)}. `;
}
