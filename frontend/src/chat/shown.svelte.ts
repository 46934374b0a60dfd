/**
 * Which of a conversation's steps are drawn: the last ones, and more as someone reads upwards.
 *
 * After a jump into the middle it is the steps around a message, and more below as well.
 */

import type { Entry } from "./entry.svelte";
import type { Step } from "./tree";

const PAGE = 40;

export class Shown {
  /** The first and the last one drawn; null while they follow the end. */
  #first = $state<string | null>(null);
  #last = $state<string | null>(null);

  readonly start: number = $derived.by(() => {
    const found = this.#first === null ? -1 : this.#indexOf(this.#first);
    return found >= 0 ? found : Math.max(0, this.end - PAGE);
  });
  readonly end: number = $derived.by(() => {
    const found = this.#last === null ? -1 : this.#indexOf(this.#last);
    return found >= 0 ? found + 1 : this.all().length;
  });
  readonly steps: Step<Entry>[] = $derived.by(() => this.all().slice(this.start, this.end));

  constructor(private readonly all: () => Step<Entry>[]) {}

  /** Something stands below what is drawn. */
  get isCut(): boolean {
    return this.end < this.all().length;
  }

  toEnd(): void {
    this.#first = this.#last = null;
  }

  /** Draws more above. */
  grow(): void {
    this.#first = this.#idAt(Math.max(0, this.start - PAGE));
  }

  growBelow(): void {
    const last = this.end - 1 + PAGE;
    this.#last = last < this.all().length - 1 ? this.#idAt(last) : null;
  }

  /** Draws what is around a message, if it is not drawn already. */
  around(message: string): void {
    const at = this.#indexOf(message);
    if (at < 0 || (at >= this.start && at < this.end)) return;
    const last = at + PAGE / 2;
    this.#first = this.#idAt(Math.max(0, at - PAGE / 2));
    this.#last = last < this.all().length - 1 ? this.#idAt(last) : null;
  }

  #indexOf(id: string): number {
    return this.all().findIndex(({ place }) => place.id === id);
  }

  #idAt(index: number): string | null {
    return this.all()[index]?.place.id ?? null;
  }
}
