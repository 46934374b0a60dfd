import { expect, test } from "vitest";
import { learningPath, routeOf } from "./router.svelte";

test("every section of what was learned has an address of its own", () => {
  for (const section of ["learned", "quality", "updates", "versions", "review"] as const) {
    expect(routeOf(learningPath(section))).toEqual({ page: "learning", section, item: null });
  }
});

test("a receipt and a version can be linked to", () => {
  expect(learningPath("learned", "f-1")).toBe("/learning/receipts/f-1");
  expect(routeOf("/learning/receipts/f-1")).toEqual({
    page: "learning",
    section: "learned",
    item: "f-1",
  });
  expect(routeOf("/learning/versions/danas-v3-1f2e3d4c")).toEqual({
    page: "learning",
    section: "versions",
    item: "danas-v3-1f2e3d4c",
  });
});
