import { get, post } from "../api/http";
import type { Alarm, Influential, LeftOut } from "../api/types";
import { keptEach, Poll } from "../ui/poll.svelte";

const PAUSE_MS = 20_000;

/** What a reviewer has to look at: alarms, and the judgements that moved the reward model most. */
export class Review {
  alarms = $state.raw<Alarm[]>([]);
  influential = $state.raw<Influential[]>([]);
  poll = new Poll(
    () => this.#load(),
    () => PAUSE_MS,
  );

  async #load(): Promise<void> {
    const [alarms, influential] = await Promise.all([
      get<{ data: Alarm[] }>("/v1/learning/alarms"),
      get<{ data: Influential[] }>("/v1/learning/influential?limit=20"),
    ]);
    this.alarms = keptEach(this.alarms, alarms.data, ({ id }) => id);
    this.influential = keptEach(this.influential, influential.data, ({ feedback }) => feedback);
  }

  async close(alarm: Alarm, note: string): Promise<void> {
    await post(`/v1/learning/alarms/${alarm.id}/close`, { note });
    await this.poll.look();
  }

  async leaveOut(participant: number, because: string): Promise<LeftOut> {
    const done = await post<LeftOut>(`/v1/learning/participants/${participant}/leave-out`, {
      because,
    });
    await this.poll.look();
    return done;
  }

  async takeBack(participant: number): Promise<LeftOut> {
    const done = await post<LeftOut>(`/v1/learning/participants/${participant}/take-back`);
    await this.poll.look();
    return done;
  }
}
