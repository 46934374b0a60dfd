import { get, post, remove } from "../api/http";
import type { FoundTrajectory, LookedAt, PullRecord, Snapshot } from "../api/types";
import { keptEach, Poll } from "../ui/poll.svelte";
import { bodyOf, wantedOf } from "./filters";

const QUICK_MS = 1500;
const SLOW_MS = 30_000;

/** What a search or a filter finds; a slow answer never takes the place of a newer one. */
export class Found {
  rows = $state.raw<FoundTrajectory[]>([]);
  hasMore = $state(false);
  isLoaded = $state(false);
  #asked = 0;

  async load(query: URLSearchParams): Promise<void> {
    await this.#ask(wantedOf(query), []);
  }

  async more(query: URLSearchParams): Promise<void> {
    const wanted = wantedOf(query);
    wanted.set("before", String(this.rows.at(-1)!.place));
    await this.#ask(wanted, this.rows);
  }

  async #ask(wanted: URLSearchParams, before: FoundTrajectory[]): Promise<void> {
    const turn = ++this.#asked;
    const path = `/v1/trajectories/found?${wanted}`;
    const found = await get<{ data: FoundTrajectory[]; has_more: boolean }>(path);
    if (turn !== this.#asked) return;
    this.rows = [...before, ...found.data];
    this.hasMore = found.has_more;
    this.isLoaded = true;
  }
}

export function look(id: string): Promise<LookedAt> {
  return get<LookedAt>(`/v1/trajectories/${encodeURIComponent(id)}`);
}

/** One's own snapshots; looked at often while one is being made. */
export class Snapshots {
  list = $state.raw<Snapshot[]>([]);
  poll = new Poll(
    () => this.#load(),
    () => (this.list.some(({ state }) => isOpen(state)) ? QUICK_MS : SLOW_MS),
  );

  async #load(): Promise<void> {
    const { data } = await get<{ data: Snapshot[] }>("/v1/snapshots");
    this.list = keptEach(this.list, data, ({ id }) => id);
  }

  async remove(snapshot: Snapshot): Promise<void> {
    await remove(`/v1/snapshots/${snapshot.id}`);
    await this.poll.look();
  }
}

export function make(format: string, query: URLSearchParams): Promise<Snapshot> {
  return post<Snapshot>("/v1/snapshots", { format, filter: bodyOf(query) });
}

export function isOpen(state: string): boolean {
  return state === "queued" || state === "building";
}

/** Who took what, for administrators. */
export class Pulls {
  rows = $state.raw<PullRecord[]>([]);
  hasMore = $state(false);
  isLoaded = $state(false);

  async more(): Promise<void> {
    const last = this.rows.at(-1);
    const found = await get<{ data: PullRecord[]; has_more: boolean }>(
      `/v1/pulls${last ? `?before=${last.id}` : ""}`,
    );
    this.rows = [...this.rows, ...found.data];
    this.hasMore = found.has_more;
    this.isLoaded = true;
  }
}
