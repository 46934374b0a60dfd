/** What a person reads comes from a `messages.ts`, where it is in every language. */

import { parse, type AST } from "svelte/compiler";
import { expect, test } from "vitest";

const sources = import.meta.glob<string>("../**/*.svelte", {
  query: "?raw",
  import: "default",
  eager: true,
});
const files = Object.entries(sources).filter(([path]) => !path.includes(".test."));

/** Attributes that are read out or shown. */
const SPOKEN = new Set(["alt", "aria-label", "aria-description", "hint", "label", "placeholder", "title"]);
/** Said alike in every language. */
const NAMES = new Set(["Danas", "JSON", "Markdown", "(Esc)"]);

test("no component says a sentence of its own", () => {
  const said = files.flatMap(([path, source]) =>
    literals(parse(source, { modern: true }).fragment).map((text) => `${path}: ${text}`),
  );

  expect(files.length).toBeGreaterThan(30);
  expect(said).toEqual([]);
});

function literals(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(literals);
  if (typeof node !== "object" || node === null) return [];
  const { type } = node as { type?: string };
  if (type === "StyleDirective") return [];
  if (type === "Text") return spoken((node as AST.Text).data);
  if (type === "Attribute") return ofAttribute(node as AST.Attribute);
  return Object.entries(node).flatMap(([key, value]) => (key === "parent" ? [] : literals(value)));
}

function ofAttribute({ name, value }: AST.Attribute): string[] {
  if (!SPOKEN.has(name) || value === true) return [];
  const parts = Array.isArray(value) ? value : [value];
  return parts.flatMap((part) => (part.type === "Text" ? spoken(part.data) : literals(part)));
}

function spoken(text: string): string[] {
  const plain = text.trim();
  return /\p{L}/u.test(plain) && !NAMES.has(plain) ? [plain] : [];
}
