import { get } from "../api/http";
import type { Hit } from "../api/types";

const PATIENCE_MS = 180;

export interface Filters {
  role: "" | "user" | "assistant";
  /** A folder's id, or which side of the archive. */
  where: string;
  since: string;
  until: string;
}

/** What is looked for, and what was found: the newest question counts, whichever answer is last. */
export class Search {
  text = $state("");
  filters = $state<Filters>({ role: "", where: "", since: "", until: "" });
  hits = $state.raw<readonly Hit[]>([]);
  isLooking = $state(false);
  failure = $state("");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  /** A little after the last key. */
  ask(): void {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    if (!this.text.trim()) {
      this.hits = [];
      this.isLooking = false;
      return;
    }
    this.isLooking = true;
    this.#timer = setTimeout(() => void this.#read(asked), PATIENCE_MS);
  }

  async #read(asked: number): Promise<void> {
    try {
      const { data } = await get<{ data: Hit[] }>(`/v1/search?${this.#query()}`);
      if (asked !== this.#asked) return;
      this.hits = data;
      this.failure = "";
    } catch (error) {
      if (asked === this.#asked) this.failure = (error as Error).message;
    }
    if (asked === this.#asked) this.isLooking = false;
  }

  #query(): URLSearchParams {
    const { role, where, since, until } = this.filters;
    const query = new URLSearchParams({ q: this.text.trim().slice(0, 500) });
    if (role) query.set("role", role);
    if (where === "archived") query.set("archived", "true");
    else if (where === "listed") query.set("archived", "false");
    else if (where) query.set("folder", where);
    if (since) query.set("since", since);
    if (until) query.set("until", until);
    return query;
  }
}

export function addressOf(hit: Hit): string {
  return `/c/${hit.conversation.id}${hit.message ? `?m=${hit.message}` : ""}`;
}
