import { expect, test } from "vitest";
import { Operations, size } from "./operations.svelte";

test("a plot leaves out what was never measured, and gaps stay gaps", () => {
  const operations = new Operations();
  const now_s = Date.now() / 1000;
  operations.points = [
    { at: now_s - 120, tokens: null },
    { at: now_s - 60, tokens: 8 },
  ];

  const plot = operations.plot([
    ["tokens", "stored"],
    ["engine_tokens", "by the engine"],
  ]);

  expect(plot.x).toEqual([-2, -1]);
  expect(plot.series.map(({ label, values }) => [label, values])).toEqual([["stored", [null, 8]]]);
});

test("sizes are said in the unit that fits", () => {
  expect([size(12), size(3_200), size(5_000_000), size(7_250_000_000)]).toEqual([
    "12\u00a0B",
    "3.2\u00a0kB",
    "5\u00a0MB",
    "7.3\u00a0GB",
  ]);
});
