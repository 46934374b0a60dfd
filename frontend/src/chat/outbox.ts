import type { Send } from "../api/types";
import { read, write } from "../ui/storage";

/**
 * What was said but not yet acknowledged, kept across reloads and sent again.
 *
 * The ids were chosen when it was written, so a message that did arrive is not said twice.
 */
export class Outbox {
  readonly #key: string;

  constructor(person: number) {
    this.#key = `danas.outbox.${person}`;
  }

  all(): Send[] {
    return JSON.parse(read(this.#key) ?? "[]") as Send[];
  }

  add(send: Send): void {
    this.#write([...this.all().filter(({ message }) => message !== send.message), send]);
  }

  remove(send: Send): void {
    this.#write(this.all().filter(({ message }) => message !== send.message));
  }

  #write(sends: Send[]): void {
    write(this.#key, sends.length ? JSON.stringify(sends) : null);
  }
}
