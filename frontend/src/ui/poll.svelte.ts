import { ApiError } from "../api/http";

/** Loads something again and again while it is looked at. */
export class Poll {
  isLoaded = $state(false);
  /** Why what is shown may be old, in a sentence. */
  failure = $state("");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchers = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly load: () => Promise<void>,
    private readonly pause_ms: () => number,
  ) {}

  /** Goes on until the returned function is called. */
  watch = (): (() => void) => {
    this.#watchers += 1;
    void this.look();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  };

  /** Loads now; one at a time, so that an old reply never replaces a newer one. */
  look(): Promise<void> {
    this.#last = this.#last.then(() => this.#look());
    return this.#last;
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.load();
      this.isLoaded = true;
      this.failure = "";
    } catch (error) {
      this.failure = error instanceof ApiError ? error.message : String(error);
    }
    clearTimeout(this.#timer);
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.look(), this.pause_ms());
  }
}

/** The value from before where nothing changed, so that nothing is drawn anew. */
export function kept<T>(before: T, after: T): T {
  return JSON.stringify(before) === JSON.stringify(after) ? before : after;
}

/** `kept` for each of a list, told apart by `key`. */
export function keptEach<T>(before: T[], after: T[], key: (one: T) => string): T[] {
  const known = new Map(before.map((one) => [key(one), one]));
  return after.map((one) => kept(known.get(key(one)) ?? one, one));
}
