/**
 * Which language the page speaks: the one chosen on this device, else the browser's, else English.
 *
 * Words lie beside what shows them: each folder's `messages.ts` has them in every language and picks
 * with `words`. The page is loaded anew when the language changes, so a component need not watch it.
 */

import { read, write } from "./storage";

export const LANGUAGES = { en: "English", fil: "Filipino" } as const;
export type Language = keyof typeof LANGUAGES;

const CHOSEN = "danas.language";

export function isLanguage(value: unknown): value is Language {
  return typeof value === "string" && value in LANGUAGES;
}

/** The first language of `wanted` that the page has; Tagalog is what browsers call Filipino too. */
export function bestOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split("-")[0];
    const known = primary === "tl" ? "fil" : primary;
    if (isLanguage(known)) return known;
  }
  return "en";
}

function current(): Language {
  const chosen = read(CHOSEN);
  return isLanguage(chosen) ? chosen : bestOf(navigator.languages ?? []);
}

export const language: Language = current();

/** The words of the page's language. */
export function words<Words>(all: Record<Language, Words>): Words {
  return all[language];
}

/** A number as the language writes it: 10,000. */
export const number = (value: number): string => value.toLocaleString(language);

/** “1 token”, “3 tokens”: for English; Filipino leaves the noun as it is after a number. */
export const plural = (count: number, one: string, many: string): string =>
  `${number(count)} ${count === 1 ? one : many}`;

export function choose(next: Language): void {
  write(CHOSEN, next);
  location.reload();
}
