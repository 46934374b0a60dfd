import { expect, test } from "vitest";
import { learningPath, routeOf, router } from "./router.svelte";

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

test("the page of what is remembered has an address", () => {
  expect(routeOf("/memory")).toEqual({ page: "memory" });
});

test("a piece of feedback in review can be linked to", () => {
  const id = "11111111-1111-4111-8111-111111111111";

  expect(routeOf("/review")).toEqual({ page: "review", item: null });
  expect(routeOf(`/review/${id}`)).toEqual({ page: "review", item: id });
});

test("an address keeps its query, and going elsewhere leaves it behind", () => {
  router.go("/review?state=pending&tag=too_long");
  expect(router.route.page).toBe("review");
  expect(router.query.get("tag")).toBe("too_long");

  router.ask(new URLSearchParams({ state: "accepted" }));
  expect(location.search).toBe("?state=accepted");
  router.ask(new URLSearchParams());
  expect(location.pathname + location.search).toBe("/review");

  router.go("/");
  expect([...router.query]).toEqual([]);
});

test("sections of the settings and links that were sent to somebody have addresses", () => {
  expect(routeOf("/settings")).toEqual({ page: "settings", section: "" });
  expect(routeOf("/settings/keys")).toEqual({ page: "settings", section: "keys" });
  expect(routeOf("/people")).toEqual({ page: "people" });
  expect(routeOf("/invite/a-B_9")).toEqual({ page: "link", kind: "invite", token: "a-B_9" });
  expect(routeOf("/confirm/MQ:1v:x-Y_z")).toMatchObject({ kind: "confirm", token: "MQ:1v:x-Y_z" });
});
