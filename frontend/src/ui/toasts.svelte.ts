import { uuid } from "./ids";

export interface Toast {
  id: string;
  text: string;
  tone: "plain" | "error";
}

const SHOWN_MS = 6000;

/** Short notices at the edge of the page. */
class Toasts {
  shown = $state<Toast[]>([]);

  say(text: string, tone: Toast["tone"] = "plain"): void {
    const toast = { id: uuid(), text, tone };
    this.shown.push(toast);
    setTimeout(() => this.dismiss(toast.id), SHOWN_MS);
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
