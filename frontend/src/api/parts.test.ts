import { beforeEach, expect, test, vi } from "vitest";
import { t } from "../ui/messages";
import { toasts } from "../ui/toasts.svelte";
import { afterLostPart } from "./parts";

beforeEach(() => {
  sessionStorage.clear();
  toasts.shown = [];
});

test("without a network the page stays, and says why something is missing, once", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("offline")));
  const reload = vi.fn();

  await afterLostPart(reload);
  await afterLostPart(reload);

  expect(reload).not.toHaveBeenCalled();
  expect(toasts.shown.map(({ text }) => text)).toEqual([t.errors.unreachable]);
});

test("a part that an update of Danas took away brings the new page, once", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status: 200 })));
  const reload = vi.fn();

  await afterLostPart(reload);
  await afterLostPart(reload);

  expect(reload).toHaveBeenCalledTimes(1);
});
