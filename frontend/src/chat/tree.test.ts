import { describe, expect, test } from "vitest";
import { path, type Place } from "./tree";

/** question a; answers b and c; d follows on b; e is the newest of all and follows on d. */
const places: Place[] = [
  { id: "a", parent: null, created_at: "2026-11-01T10:00:00Z" },
  { id: "b", parent: "a", created_at: "2026-11-01T10:01:00Z" },
  { id: "c", parent: "a", created_at: "2026-11-01T10:02:00Z" },
  { id: "d", parent: "b", created_at: "2026-11-01T10:03:00Z" },
  { id: "e", parent: "d", created_at: "2026-11-01T10:04:00Z" },
];

const ids = (choices: [string | null, string][]): string[] =>
  path(places, new Map(choices)).map(({ place }) => place.id);

describe("the path through a conversation", () => {
  test("leads to the newest message when nothing was chosen", () => {
    expect(ids([])).toEqual(["a", "b", "d", "e"]);
  });

  test("follows the reader's choice of a sibling", () => {
    expect(ids([["a", "c"]])).toEqual(["a", "c"]);
  });

  test("names the siblings in the order in which they were made", () => {
    const answers = path(places, new Map())[1]!;

    expect(answers.siblings.map(({ id }) => id)).toEqual(["b", "c"]);
  });

  test("is empty before anything was said", () => {
    expect(path([], new Map())).toEqual([]);
  });
});
