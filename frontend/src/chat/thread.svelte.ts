import { SvelteMap } from "svelte/reactivity";
import type { AnswerEvent, Conversation, Message, Part, Send } from "../api/types";
import { Drafts } from "./drafts";
import { Entry } from "./entry.svelte";
import { path } from "./tree";

/** One conversation as the page shows it: its messages, the path through them, the draft. */
export class Thread {
  readonly id: string;
  /** Nobody but this page knows of it yet. */
  isNew = $state(false);
  isLoading = $state(false);
  isMissing = $state(false);
  failure = $state("");
  entries = new SvelteMap<string, Entry>();
  #choices = new SvelteMap<string | null, string>();
  #draft = $state("");
  #drafts: Drafts;

  steps = $derived(path(this.entries.values(), this.#choices));
  leaf = $derived(this.steps.at(-1)?.place ?? null);
  /** The answer being made on the path shown, if there is one. */
  open = $derived(this.steps.findLast(({ place }) => place.isOpen)?.place ?? null);

  constructor(id: string, drafts: Drafts, isNew = false) {
    this.id = id;
    this.isNew = isNew;
    this.#drafts = drafts;
    this.#draft = drafts.read(isNew ? null : id);
  }

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    this.#draft = text;
    this.#drafts.write(this.isNew ? null : this.id, text);
  }

  choose(entry: Entry): void {
    this.#choices.set(entry.parent, entry.id);
  }

  /** Shows a turn before the server has answered. */
  expect(send: Send): void {
    this.#expectMessage(send.message, send.parent, "user", send.parts);
    this.expectAnswer(send.answer, send.message, send.model);
  }

  expectAnswer(id: string, parent: string, model: string): void {
    this.#expectMessage(id, parent, "assistant", [], model);
  }

  #expectMessage(
    id: string,
    parent: string | null,
    role: Message["role"],
    parts: Part[],
    model = "",
  ): void {
    if (this.entries.has(id)) return;
    const answer =
      role === "assistant"
        ? {
            status: "queued" as const,
            last_seq: 0,
            model,
            policy: "",
            error_code: "",
            can_retry: false,
          }
        : null;
    const created_at = new Date().toISOString();
    const message = {
      id,
      conversation: this.id,
      parent,
      role,
      parts,
      created_at,
      answer,
      feedback: [],
    };
    this.entries.set(id, new Entry(message, false));
    this.#choices.set(parent, id);
  }

  /** Takes back what the server refused. */
  forget(...ids: string[]): void {
    for (const id of ids) {
      const entry = this.entries.get(id);
      this.entries.delete(id);
      if (entry && this.#choices.get(entry.parent) === id) this.#choices.delete(entry.parent);
    }
  }

  merge(messages: Message[]): void {
    for (const message of messages) {
      const entry = this.entries.get(message.id);
      if (entry) entry.merge(message);
      else this.entries.set(message.id, new Entry(message));
    }
  }

  /** A turn that began here or in another tab: its messages are what to look at now. */
  turn(conversation: Conversation, messages: Message[]): void {
    if (conversation.id !== this.id) return;
    this.isNew = false;
    this.merge(messages);
    for (const message of messages) this.#choices.set(message.parent, message.id);
  }

  /** Returns the answer whose missing events have to be asked for, if any are missing. */
  take(event: AnswerEvent): Entry | null {
    const entry = this.entries.get(event.answer);
    return entry?.take(event) ? entry : null;
  }

  get unfinished(): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.isOpen);
  }
}
