import { uuid } from "./ids";

export interface Toast {
  id: string;
  text: string;
  tone: "plain" | "error";
  /** Something that can be done about it. */
  action?: { name: string; act: () => void };
}

const SHOWN_MS = 6000;
// The server keeps what was deleted a little longer.
const OFFERED_MS = 20_000;

/** Short notices at the edge of the page. */
class Toasts {
  shown = $state<Toast[]>([]);

  say(text: string, tone: Toast["tone"] = "plain"): void {
    const toast = { id: uuid(), text, tone };
    this.shown.push(toast);
    setTimeout(() => this.dismiss(toast.id), SHOWN_MS);
  }

  /** Says something that can be undone, or done something about, for a while. */
  offer(text: string, name: string, act: () => void | Promise<void>): void {
    const id = uuid();
    const action = {
      name,
      act: () => {
        this.dismiss(id);
        Promise.resolve(act()).catch((error: unknown) => this.fail(error));
      },
    };
    this.shown.push({ id, text, tone: "plain", action });
    setTimeout(() => this.dismiss(id), OFFERED_MS);
  }

  /** The sentence of whatever went wrong. */
  fail(error: unknown): void {
    this.say(error instanceof Error ? error.message : String(error), "error");
  }

  dismiss(id: string): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
