/** Numbers that come with names of the trainer's choosing, made readable. */

import { t } from "../ui/messages";

export interface Series {
  name: string;
  values: number[];
}

const NOT_SHOWN = new Set(["step", "steps"]);

/** One series for each figure that every step has as a number; those that we know come first. */
export function seriesOf(metrics: Record<string, unknown>[]): Series[] {
  const given = Object.keys(metrics[0] ?? {}).filter((name) => !NOT_SHOWN.has(name));
  const known = Object.keys(t.learning.metric).filter((name) => given.includes(name));
  return [...new Set([...known, ...given])]
    .map((name) => ({ name, values: metrics.map((step) => step[name]) }))
    .filter((series): series is Series => series.values.every(isFigure));
}

function isFigure(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Three significant digits, without an exponent where it can be avoided. */
export function short(value: unknown): string {
  if (typeof value !== "number") return String(value);
  if (value === 0 || Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size < 0.0005 || size >= 1e6) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** `served_change` → `served change`. */
export function spoken(name: string): string {
  return name.replaceAll("_", " ");
}
