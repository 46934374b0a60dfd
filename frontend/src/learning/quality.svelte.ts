import { get } from "../api/http";
import type { Metrics } from "../api/types";
import { kept, Poll } from "../ui/poll.svelte";

const PAUSE_MS = 10_000;

/** How well the reward model knows what people want, over its versions. */
export class Quality {
  metrics = $state.raw<Metrics | null>(null);
  poll = new Poll(
    async () => {
      this.metrics = kept(this.metrics, await get<Metrics>("/v1/learning/metrics?limit=500"));
    },
    () => PAUSE_MS,
  );
}
