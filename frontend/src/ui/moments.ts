/** Times and durations in the language of the page. */

import { language } from "./language";

const MINUTE_S = 60;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", MINUTE_S],
];

/** “2 hours ago”; “now” within the first minute. */
export function ago(moment: string, now = Date.now()): string {
  const age_s = (now - Date.parse(moment)) / 1000;
  for (const [unit, seconds] of UNITS) {
    if (age_s >= seconds) return relative.format(-Math.floor(age_s / seconds), unit);
  }
  return relative.format(0, "second");
}

export function exactly(moment: string): string {
  return new Date(moment).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}

export function day(moment: string): string {
  return new Date(moment).toLocaleDateString(language, { dateStyle: "medium" });
}

/** “48 s”, “3 min 20 s”. */
export function duration(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  if (seconds < MINUTE_S) return `${seconds}\u00a0s`;
  return `${Math.floor(seconds / MINUTE_S)}\u00a0min\u00a0${seconds % MINUTE_S}\u00a0s`;
}

/** Whole days between a moment and now, by the reader's calendar. */
export function daysAgo(moment: string, now = new Date()): number {
  const midnight = (date: Date): number =>
    new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(now) - midnight(new Date(moment))) / 86_400_000);
}
