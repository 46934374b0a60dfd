import { expect, test } from "vitest";
import { lineage } from "./lineage";

function policy(number: number, parent: number | null, live = false) {
  return {
    name: `v${number}`,
    number,
    parent: parent === null ? null : `v${parent}`,
    digest: "",
    state: "ready",
    created_at: "2026-11-01T10:00:00Z",
    live,
  };
}

function drawn(...policies: ReturnType<typeof policy>[]): string[] {
  return lineage(policies as never).map(({ policy, depth }) => `${" ".repeat(depth)}${policy.name}`);
}

test("each version stands above its parent, and what is not on the way to the live one aside", () => {
  // 0 ─ 1 ─ 3 (live) ─ 5
  //      └ 2 ─ 4
  const rows = drawn(
    policy(0, null),
    policy(1, 0),
    policy(2, 1),
    policy(3, 1, true),
    policy(4, 2),
    policy(5, 3),
  );

  expect(rows).toEqual([" v5", "v3", " v4", " v2", "v1", "v0"]);
});

test("a version whose parent is not listed is not lost", () => {
  expect(drawn(policy(4, 3), policy(0, null, true))).toEqual(["v0", "v4"]);
});
