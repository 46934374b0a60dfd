/** The figures of a trial, which `learning.canary` keeps as JSON. */

import type { Trial } from "../api/types";

export interface Side {
  answers: number;
  people: number;
  failed: number;
  thumbs: number;
  down: number;
  first_token_ms: number | null;
  token_ms: number | null;
}

export interface Sides {
  new: Side;
  old: Side;
}

/** How many times likelier the answers are if it is so than if it is not; enough at `bound`. */
export interface Evidence {
  name: string;
  value: number;
  bound: number;
  isGood: boolean;
}

/** Both sides; null before the first look. */
export function sidesOf({ figures }: Trial): Sides | null {
  return figures.new && figures.old ? (figures as unknown as Sides) : null;
}

export function evidenceOf({ figures }: Trial): Evidence[] {
  const { harm_at, better_at } = figures;
  return Object.entries((figures.evidence ?? {}) as Record<string, number>).map(([name, value]) => {
    const isGood = name === "better";
    return { name, value, bound: Number(isGood ? better_at : harm_at), isGood };
  });
}
