/** The queue as one reviewer works through it: the list, the item at hand, and the one after it. */

import { ApiError, get, post } from "../api/http";
import type { ReviewAgreement, ReviewCounts, ReviewItem, ReviewPage, ReviewSummary } from "../api/types";
import { read, write } from "../ui/storage";
import type { Span } from "./marks";

export type Verdict = "accept" | "correct" | "reject" | "redact" | "escalate";

export interface Ruling {
  verdict: Verdict;
  text?: string;
  spans?: Span[];
  note?: string;
}

/** A lease lasts ten minutes. */
const RENEW_MS = 3 * 60_000;
export const FILTERS = [
  ...["state", "kind", "pseudonym", "policy", "tag", "pii", "contradiction", "unsure"],
  ...["since", "until", "q"],
];

export class Queue {
  list = $state.raw<ReviewSummary[]>([]);
  next = $state("");
  current = $state.raw<ReviewItem | null>(null);
  counts = $state.raw<ReviewCounts | null>(null);
  agreement = $state.raw<ReviewAgreement | null>(null);
  isLoaded = $state(false);
  /** Why the item at hand is not ours any more; what was written stays. */
  lost = $state("");
  #ahead: Promise<ReviewItem | null> | null = null;
  #query = new URLSearchParams();
  #seen: string[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): () => void {
    this.#timer = setInterval(() => void this.renew(), RENEW_MS);
    return () => {
      clearInterval(this.#timer);
      void this.#letGo();
    };
  }

  async load(query: URLSearchParams): Promise<void> {
    this.#query = query;
    this.#seen = [];
    this.#forgetAhead();
    const [page, counts, agreement] = await Promise.all([
      get<ReviewPage>(`/v1/review/items?${query}`),
      get<ReviewCounts>("/v1/review/counts"),
      get<ReviewAgreement>("/v1/review/agreement"),
    ]);
    if (query !== this.#query) return;
    this.list = page.data;
    this.next = page.next;
    this.counts = counts;
    this.agreement = agreement;
    this.isLoaded = true;
  }

  async more(): Promise<void> {
    const query = new URLSearchParams(this.#query);
    query.set("after", this.next);
    const page = await get<ReviewPage>(`/v1/review/items?${query}`);
    this.list = [...this.list, ...page.data];
    this.next = page.next;
  }

  /** Shows an item, and claims it where it is free. */
  async open(id: string): Promise<void> {
    if (this.current?.id === id) return;
    await this.#letGo();
    this.#show(await get<ReviewItem>(`/v1/review/items/${id}`));
    const { state, is_mine } = this.current!;
    if ((state === "pending" || state === "escalated") && !is_mine) await this.take();
  }

  /** Claims the item at hand; what stands in the way is said beside it. */
  async take(): Promise<void> {
    const id = this.current!.id;
    try {
      const held = await post<ReviewItem>(`/v1/review/items/${id}/claim`);
      if (this.current?.id === id) this.#show(held);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 0) throw error;
      if (this.current?.id === id) this.lost = error.message;
    }
  }

  /** The next free item, and behind its back the one after it. */
  async advance(): Promise<void> {
    const item = await (this.#ahead ?? this.#claimNext());
    this.#ahead = null;
    if (item === null) this.current = null;
    else this.#show(item);
    if (item) this.#ahead = this.#claimNext().catch(() => null);
  }

  async skip(): Promise<void> {
    await this.#letGo();
    await this.advance();
  }

  /** Decides and goes on; answers with what became of the item. */
  async decide(ruling: Ruling): Promise<ReviewItem> {
    const { id, token } = this.current!;
    try {
      const done = await post<ReviewItem>(`/v1/review/items/${id}/decide`, { token, ...ruling });
      this.keep("");
      this.#note(done);
      await this.advance();
      return done;
    } catch (error) {
      if (error instanceof ApiError && error.code === "claim_lost") this.lost = error.message;
      throw error;
    }
  }

  async undo(id: string): Promise<void> {
    const undone = await post<ReviewItem>(`/v1/review/items/${id}/undo`);
    if (this.current?.id !== id) await this.#letGo();
    this.#show(undone);
    this.#note(undone);
  }

  async renew(): Promise<void> {
    const held = [this.current, await this.#ahead];
    for (const item of held) {
      if (!item?.token) continue;
      try {
        await post(`/v1/review/items/${item.id}/renew`, { token: item.token });
      } catch (error) {
        const isOver = error instanceof ApiError && error.status !== 0;
        if (isOver && item.id === this.current?.id) this.lost = error.message;
        else if (isOver) this.#ahead = null;
      }
    }
  }

  /** What is being written about the item at hand, which outlives the lease and the page. */
  keep(text: string): void {
    if (this.current) write(`danas.review.${this.current.id}`, text);
  }

  kept(): string {
    return this.current ? (read(`danas.review.${this.current.id}`) ?? "") : "";
  }

  #show(item: ReviewItem): void {
    this.current = item;
    this.lost = "";
    if (!this.#seen.includes(item.id)) this.#seen = [...this.#seen, item.id].slice(-400);
  }

  #note(item: ReviewItem): void {
    this.list = this.list.map((row) => (row.id === item.id ? item : row));
  }

  async #claimNext(): Promise<ReviewItem | null> {
    const filters = Object.fromEntries(
      [...this.#query].filter(([name]) => FILTERS.includes(name) && name !== "state"),
    );
    const body = { filters, skip: this.#seen };
    return (await post<{ item: ReviewItem | null }>("/v1/review/next", body)).item;
  }

  #forgetAhead(): void {
    const ahead = this.#ahead;
    this.#ahead = null;
    void ahead?.then((item) => this.#release(item));
  }

  async #letGo(): Promise<void> {
    this.#forgetAhead();
    const item = this.current;
    this.current = null;
    await this.#release(item);
  }

  async #release(item: ReviewItem | null): Promise<void> {
    if (!item?.token) return;
    // An item that is not given back comes back by itself.
    await post(`/v1/review/items/${item.id}/release`, { token: item.token }).catch(() => undefined);
  }
}
