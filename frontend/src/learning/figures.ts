/** Numbers that come with names of the trainer's choosing, made readable. */

import { t } from "./messages";

export interface Series {
  name: string;
  values: number[];
}

/** What a plot shows over a whole number that grows; null where there is no figure. */
export interface PlotData {
  x: number[];
  series: { label: string; values: (number | null)[]; tone: "--leaf" | "--mango" }[];
  /** Levels to compare with. */
  lines: { label: string; value: number }[];
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

/** A series of a training as a plot of its own. */
export function overSteps({ name, values }: Series, metrics: Record<string, unknown>[]): PlotData {
  const x = metrics.map(({ step }, index) => (typeof step === "number" ? step : index + 1));
  const label = t.learning.metric[name] ?? spoken(name);
  return { x, series: [{ label, values, tone: "--leaf" }], lines: [] };
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

/** A plot for those who don't see it: of each series the newest value, where it began, its range. */
export function inWords({ x, series }: PlotData, axis: string): string {
  const words = t.learning.plot;
  return series
    .flatMap(({ label, values }) => {
      const known = values.flatMap((value, index) => (value === null ? [] : [{ value, x: x[index] }]));
      const [first, last] = [known[0], known.at(-1)];
      if (!first || !last) return [];
      const now = words.now(label, short(last.value));
      if (known.length === 1) return [`${now}.`];
      const all = known.map(({ value }) => value);
      const from = words.from(short(first.value), words.at(axis, String(first.x)));
      return [`${now}, ${from}, ${words.range(short(Math.min(...all)), short(Math.max(...all)))}.`];
    })
    .join(" ");
}

/** Figures within figures under both their names; lists in a row, nulls left out. */
export function flat(figures: Record<string, unknown>, above = ""): [string, unknown][] {
  return Object.entries(figures).flatMap(([key, value]): [string, unknown][] => {
    const name = above ? `${above} ${key}` : key;
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) return [[name, value.map(short).join(", ")]];
    if (typeof value === "object") return flat(value as Record<string, unknown>, name);
    return [[name, value]];
  });
}
