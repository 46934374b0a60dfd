import { ApiError, get, post } from "../api/http";
import type { Policies, Policy, Update, UpdateState } from "../api/types";
import { ringsOf } from "./rings";

const RUNNING: UpdateState[] = ["queued", "training", "gating"];
const BUSY_MS = 1500;
const IDLE_MS = 20_000;

export function isRunning(update: Update): boolean {
  return RUNNING.includes(update.state);
}

/** What the assistant learned: its updates and the versions that came of them. */
export class Learning {
  updates = $state.raw<Update[]>([]);
  policies = $state.raw<Policy[]>([]);
  live = $state("");
  isLoaded = $state(false);
  /** Why what is shown may be old, in a sentence. */
  failure = $state("");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchers = 0;

  rings = $derived(ringsOf(this.live));
  running = $derived(this.updates.find(isRunning));

  /** Refreshes until the returned function is called: often while an update runs, else seldom. */
  watch(): () => void {
    this.#watchers += 1;
    void this.#look();
    return () => {
      this.#watchers -= 1;
      clearTimeout(this.#timer);
    };
  }

  async #look(): Promise<void> {
    try {
      await this.load();
      this.failure = "";
    } catch (error) {
      this.failure = error instanceof ApiError ? error.message : String(error);
    }
    clearTimeout(this.#timer);
    if (this.#watchers === 0) return;
    this.#timer = setTimeout(() => void this.#look(), this.running ? BUSY_MS : IDLE_MS);
  }

  async load(): Promise<void> {
    const updates = get<{ data: Update[] }>("/v1/updates");
    await this.loadPolicies();
    this.updates = (await updates).data;
    this.isLoaded = true;
  }

  async loadPolicies(): Promise<void> {
    const { live, data } = await get<Policies>("/v1/policies");
    this.live = live;
    this.policies = data.toSorted((a, b) => b.number - a.number);
  }

  async learnNow(): Promise<void> {
    const update = await post<Update>("/v1/updates");
    this.updates = [update, ...this.updates.filter(({ id }) => id !== update.id)];
    void this.#look();
  }

  async makeLive(name: string): Promise<void> {
    await post(`/v1/policies/${encodeURIComponent(name)}/activate`);
    await this.loadPolicies();
  }
}
