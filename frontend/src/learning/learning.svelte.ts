import { get, post } from "../api/http";
import type { Algorithm, Policies, Policy, Update, UpdateState } from "../api/types";
import { kept, keptEach, Poll } from "../ui/poll.svelte";
import { ringsOf } from "./rings";

const RUNNING: UpdateState[] = ["queued", "training", "gating"];
const BUSY_MS = 1500;
const TRIAL_MS = 5000;
const IDLE_MS = 20_000;

export function isRunning(update: Update): boolean {
  return RUNNING.includes(update.state);
}

/** How an update is asked for; what is left out is as the server has it. */
export interface Wish {
  canary?: boolean;
  algorithm?: Algorithm;
  personal?: boolean;
}

/** What the assistant learned: its updates and the versions that came of them. */
export class Learning {
  updates = $state.raw<Update[]>([]);
  policies = $state.raw<Policy[]>([]);
  live = $state("");
  #poll = new Poll(
    () => this.load(),
    () => (this.running ? BUSY_MS : this.trial ? TRIAL_MS : IDLE_MS),
  );

  rings = $derived(ringsOf(this.live));
  running = $derived(this.updates.find(isRunning));
  /** The update whose version is being tried out on some people. */
  trial = $derived(this.updates.find(({ trial }) => trial?.state === "running"));

  get isLoaded(): boolean {
    return this.#poll.isLoaded;
  }

  /** Why what is shown may be old, in a sentence. */
  get failure(): string {
    return this.#poll.failure;
  }

  /** Refreshes until the returned function is called: often while an update runs, else seldom. */
  watch(): () => void {
    return this.#poll.watch();
  }

  async load(): Promise<void> {
    const [{ data }] = await Promise.all([
      get<{ data: Update[] }>("/v1/updates"),
      this.loadPolicies(),
    ]);
    this.updates = keptEach(this.updates, data, ({ id }) => id);
  }

  async loadPolicies(): Promise<void> {
    const { live, data } = await get<Policies>("/v1/policies");
    this.live = live;
    this.policies = kept(
      this.policies,
      data.toSorted((a, b) => b.number - a.number),
    );
  }

  async learnNow(wish: Wish = {}): Promise<void> {
    const update = await post<Update>("/v1/updates", wish);
    this.updates = [update, ...this.updates.filter(({ id }) => id !== update.id)];
    void this.#poll.look();
  }

  async makeLive(name: string): Promise<void> {
    await post(`/v1/policies/${encodeURIComponent(name)}/activate`);
    await this.loadPolicies();
  }

  /** The update that a version came of, if it is among those that are known here. */
  updateOf(policy: string): Update | undefined {
    return this.updates.find((update) => update.policy === policy);
  }
}
