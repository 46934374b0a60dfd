import { forget, read, write } from "../ui/storage";

/**
 * What a person was writing, kept in this browser: per conversation, and one for a new one.
 *
 * It is written at every key, so that tabs which show the same conversation show the same draft and
 * neither has anything that the other could overwrite.
 */
export class Drafts {
  constructor(private readonly person: number) {}

  read(conversation: string | null): string {
    return read(this.#key(conversation)) ?? "";
  }

  write(conversation: string | null, text: string): void {
    write(this.#key(conversation), text || null);
  }

  /** The images that lie beside the text, by their ids. */
  readImages(conversation: string | null): string[] {
    return (read(`${this.#key(conversation)}.images`) ?? "").split(" ").filter(Boolean);
  }

  writeImages(conversation: string | null, images: string[]): void {
    write(`${this.#key(conversation)}.images`, images.join(" ") || null);
  }

  /** Puts back what could not be sent, before anything written since. */
  restore(conversation: string | null, text: string): string {
    const joined = [text, this.read(conversation)].filter(Boolean).join("\n\n");
    this.write(conversation, joined);
    return joined;
  }

  /** Whether what the browser stored under `key` is this draft. */
  isKept(key: string | null, conversation: string | null): boolean {
    return key === this.#key(conversation);
  }

  #key(conversation: string | null): string {
    return `danas.draft.${this.person}.${conversation ?? "new"}`;
  }
}

/** Removes all that a person has written and not sent: what it belongs to is being deleted. */
export function forgetWritten(person: number): void {
  forget(`danas.draft.${person}.`);
  write(`danas.outbox.${person}`, null);
  forget("danas.edit.");
}
