import { expect, test } from "vitest";
import { sentenceOf } from "./ledger";

function entry(kind: string, subject: string, body: Record<string, unknown>) {
  return { seq: 7, kind, subject, body, at: "2026-11-01T10:00:00Z", previous: "0", digest: "1" };
}

test("a judgement says where it went", () => {
  const learned = entry("judged", "f", { version: 12, use: "learned", weight: 1, kind: "up" });
  const apart = entry("judged", "f", { version: 12, use: "held_out", weight: 0, kind: "up" });

  expect(sentenceOf(learned)).toBe(
    "Taken into the reward model as version 12, with the weight 1.",
  );
  expect(sentenceOf(apart)).toMatch(/nothing is learned from it/);
});

test("leaving someone out and taking that back read differently", () => {
  const out = sentenceOf(entry("left_out", "participant 4", { is_left_out: true }));
  const back = sentenceOf(entry("left_out", "participant 4", { is_left_out: false }));

  expect(out).toBe("Everything of participant 4 was left out of the reward model.");
  expect(back).toBe("Everything of participant 4 counts again in the reward model.");
});

test("an examination names the gates that a version did not pass", () => {
  const gates = { "finite weights": true, flattery: false, safety: false };

  expect(sentenceOf(entry("examined", "danas-v2", { passed: false, gates }))).toBe(
    "danas-v2 did not pass: flattery, safety.",
  );
  expect(
    sentenceOf(entry("examined", "danas-v2", { passed: true, gates: { a: true, b: true } })),
  ).toBe("danas-v2 passed 2 of its 2 tests.");
});

test("a trial says how many people it reaches", () => {
  const tried = entry("tried", "danas-v2", { state: "running", share: 25, reason: "" });

  expect(sentenceOf(tried)).toBe("danas-v2 answers 25 % of people.");
});

test("a kind that this page does not know is still shown", () => {
  expect(sentenceOf(entry("moved_house", "danas-v2", {}))).toBe("moved house: danas-v2.");
});
