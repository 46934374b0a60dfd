import { get, remove } from "../api/http";
import type { LearningReceipt, OpenedReceipt } from "../api/types";
import { keptEach, Poll } from "../ui/poll.svelte";

const PAGE = 50;
const PAUSE_MS = 20_000;

/** What a person told Danas, the latest first. */
export class Receipts {
  list = $state.raw<LearningReceipt[]>([]);
  hasMore = $state(false);
  poll = new Poll(
    () => this.#load(),
    () => PAUSE_MS,
  );
  #hasPagedOn = false;

  async #load(): Promise<void> {
    const newest = await page();
    const isInNewest = new Set(newest.map(({ feedback }) => feedback));
    const last = newest.at(-1);
    const earlier = this.list.filter(
      ({ feedback, at }) => !isInNewest.has(feedback) && last && at < last.at,
    );
    if (!this.#hasPagedOn) this.hasMore = newest.length === PAGE;
    this.list = keptEach(this.list, [...newest, ...earlier], ({ feedback }) => feedback);
  }

  async more(): Promise<void> {
    const last = this.list.at(-1);
    if (!last) return;
    const earlier = await page(last.at);
    this.#hasPagedOn = true;
    this.hasMore = earlier.length === PAGE;
    this.list = [...this.list, ...earlier];
  }
}

async function page(before = ""): Promise<LearningReceipt[]> {
  const from = before ? `&before=${encodeURIComponent(before)}` : "";
  const path = `/v1/learning/receipts?limit=${PAGE}${from}`;
  return (await get<{ data: LearningReceipt[] }>(path)).data;
}

export function openReceipt(feedback: string): Promise<OpenedReceipt> {
  return get(`/v1/learning/receipts/${encodeURIComponent(feedback)}`);
}

export function takeBack(feedback: string): Promise<void> {
  return remove(`/v1/feedback/${encodeURIComponent(feedback)}`);
}
