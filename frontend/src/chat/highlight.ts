/** Colours for code, loaded when the first code is shown. */

import type { HLJSApi, LanguageFn } from "highlight.js";

type Load = () => Promise<{ default: LanguageFn }>;

const LANGUAGES: Record<string, Load> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  css: () => import("highlight.js/lib/languages/css"),
  go: () => import("highlight.js/lib/languages/go"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  python: () => import("highlight.js/lib/languages/python"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  sql: () => import("highlight.js/lib/languages/sql"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ALIASES: Record<string, string> = {
  "c++": "cpp",
  console: "bash",
  html: "xml",
  js: "javascript",
  jsx: "javascript",
  md: "markdown",
  py: "python",
  rb: "ruby",
  rs: "rust",
  sh: "bash",
  shell: "bash",
  svg: "xml",
  ts: "typescript",
  tsx: "typescript",
  yml: "yaml",
};

/** Colours the code inside `element`; what has no known language stays plain. */
export async function highlight(element: HTMLElement): Promise<void> {
  const blocks = element.querySelectorAll<HTMLElement>("code[data-language]:not(.hljs)");
  for (const block of blocks) {
    const named = block.dataset.language!.toLowerCase();
    const language = ALIASES[named] ?? named;
    const hljs = await prepared(language);
    if (!hljs) continue;
    block.innerHTML = hljs.highlight(block.textContent ?? "", { language }).value;
    block.classList.add("hljs");
  }
}

async function prepared(language: string): Promise<HLJSApi | null> {
  const load = LANGUAGES[language];
  if (!load) return null;
  const [{ default: hljs }, { default: grammar }] = await Promise.all([
    import("highlight.js/lib/core"),
    load(),
  ]);
  if (!hljs.getLanguage(language)) hljs.registerLanguage(language, grammar);
  return hljs;
}
