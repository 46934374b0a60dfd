import { expect, test } from "vitest";
import { difference } from "./diff";
import { placesOf, segments } from "./marks";

test("a correction shows the words it takes out and puts in", () => {
  expect(difference("The tide rises once.", "The tide rises twice a day.")).toEqual([
    { kind: "same", text: "The tide rises " },
    { kind: "gone", text: "once" },
    { kind: "new", text: "twice a day" },
    { kind: "same", text: "." },
  ]);
});

test("what did not change is one piece, and nothing is none", () => {
  expect(difference("Same.", "Same.")).toEqual([{ kind: "same", text: "Same." }]);
  expect(difference("", "")).toEqual([]);
});

test("marks are counted in characters, whatever an emoji takes", () => {
  const [span] = placesOf("12345", { answer: "🌊 call 12345 now" });

  expect(span).toEqual({ where: "answer", start: 7, end: 12 });
  expect(segments("🌊 call 12345 now", "answer", [span!])).toEqual([
    { text: "🌊 call ", isMarked: false },
    { text: "12345", isMarked: true },
    { text: " now", isMarked: false },
  ]);
});
