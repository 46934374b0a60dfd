import { get, remove } from "../api/http";
import type { Reminder } from "../api/types";
import { toasts } from "../ui/toasts.svelte";

/** This person's reminders, in every tab alike. */
class Reminders {
  all: readonly Reminder[] = $state.raw([]);

  /** Those whose time has come and that were not put away. */
  get told(): readonly Reminder[] {
    return this.all.filter((each) => each.fired_at !== null);
  }

  get waiting(): readonly Reminder[] {
    return this.all.filter((each) => each.fired_at === null);
  }

  async load(): Promise<void> {
    try {
      this.all = (await get<{ data: Reminder[] }>("/v1/reminders")).data;
    } catch {
      // The next notice, or the next visit, brings them.
    }
  }

  changed(reminders: readonly Reminder[]): void {
    this.all = reminders;
  }

  /** Cancels one that is to come, or puts away one that was told. */
  async drop(reminder: Reminder): Promise<void> {
    try {
      await remove(`/v1/reminders/${reminder.id}`);
      this.all = this.all.filter((each) => each.id !== reminder.id);
    } catch (error) {
      toasts.fail(error);
    }
  }
}

export const reminders = new Reminders();
