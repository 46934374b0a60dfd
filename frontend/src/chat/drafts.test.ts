import { expect, test } from "vitest";
import { Drafts, forgetWritten } from "./drafts";

test("what was written goes with everything else of its person, and with nothing of others", () => {
  new Drafts(1).write(null, "A thought");
  new Drafts(1).write("c-1", "Another");
  new Drafts(1).writeImages("c-1", ["i-1"]);
  localStorage.setItem("danas.outbox.1", "[]");
  localStorage.setItem("danas.edit.m-1", "Edited");
  new Drafts(12).write(null, "Ben's");
  localStorage.setItem("danas.outbox.12", "[]");
  localStorage.setItem("danas.theme", "dark");

  forgetWritten(1);

  expect(Object.keys(localStorage).sort()).toEqual([
    "danas.draft.12.new",
    "danas.outbox.12",
    "danas.theme",
  ]);
});
