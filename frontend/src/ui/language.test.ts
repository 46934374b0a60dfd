import { beforeEach, expect, test, vi } from "vitest";
import { bestOf } from "./language";

// Words are picked once, when the page loads.
async function speaking<Module>(language: string, module: () => Promise<Module>): Promise<Module> {
  vi.resetModules();
  localStorage.setItem("danas.language", language);
  return module();
}

beforeEach(() => localStorage.clear());

test("the first language that the page has is spoken, and English where it has none", () => {
  const asked = [["de", "fil-PH", "en"], ["tl-PH"], ["fr"], []];

  const spoken = asked.map(bestOf);

  expect(spoken).toEqual(["fil", "fil", "en", "en"]);
});

test("a number of tokens is said as each language says it", async () => {
  const english = await speaking("en", () => import("./messages"));
  const filipino = await speaking("fil", () => import("./messages"));

  const said = [english, filipino].flatMap(({ t }) => [1, 12_345].map(t.window.tokens));

  expect(said).toEqual(["1 token", "12,345 tokens", "1 token", "12,345 token"]);
});

test("an hour ago is said in the language of the page", async () => {
  const { ago } = await speaking("fil", () => import("./moments"));

  const said = ago("2026-11-03T10:00:00Z", Date.parse("2026-11-03T11:00:00Z"));

  expect(said).toBe("1 oras ang nakalipas");
});

test("an error is worded by its code, and kept as it came where the code is not known", async () => {
  const { sentence } = await speaking("fil", () => import("../api/codes"));

  const said = [sentence("message_empty", "Say something."), sentence("invalid", "tags: too many")];

  expect(said).toEqual(["Walang laman ang mensaheng ito.", "tags: too many"]);
});

test("in English the server's own sentence is kept, and the code's stands in for none", async () => {
  const { sentence } = await speaking("en", () => import("../api/codes"));

  const said = [sentence("message_oversize", "3 MB are too many."), sentence("message_empty")];

  expect(said).toEqual(["3 MB are too many.", "There is nothing in this message."]);
});
