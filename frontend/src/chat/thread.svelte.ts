import { SvelteMap } from "svelte/reactivity";
import type {
  AnswerEvent,
  Conversation,
  ConversationPart,
  Message,
  Part,
  Send,
} from "../api/types";
import { Attachments } from "../pictures/attachments.svelte";
import { Drafts } from "./drafts";
import { Entry } from "./entry.svelte";
import { path } from "./tree";

/**
 * One conversation as the page shows it: its messages, the path through them, the draft.
 *
 * Of a long one only the lower part of the path is loaded at first, with the siblings beside it.
 */
export class Thread {
  readonly id: string;
  /** Nobody but this page knows of it yet. */
  isNew = $state(false);
  isLoading = $state(false);
  isMissing = $state(false);
  /** Neither listed nor remembered; it goes when its person leaves it. */
  isTemporary = $state(false);
  failure = $state("");
  entries = new SvelteMap<string, Entry>();
  /** More of the path stands above what is loaded. */
  hasMore = $state(false);
  isLoadingMore = $state(false);
  /** What is loaded is below this message. */
  #root = $state<string | null>(null);
  /** What follows these is not loaded. */
  #cut = new Set<string>();
  /** What was taken away, by the message that it followed, to be put back. */
  #removed = new Map<string, Entry[]>();
  #choices = new SvelteMap<string | null, string>();
  #draft = $state("");
  #drafts: Drafts;
  /** Images that go with the draft. */
  readonly attachments: Attachments;

  steps = $derived(path(this.entries.values(), this.#choices, this.#root));
  leaf = $derived(this.steps.at(-1)?.place ?? null);
  /** The answer being made on the path shown, if there is one. */
  open = $derived(this.steps.findLast(({ place }) => place.isOpen)?.place ?? null);

  constructor(id: string, drafts: Drafts, isNew = false) {
    this.id = id;
    this.isNew = isNew;
    this.#drafts = drafts;
    this.#draft = drafts.read(isNew ? null : id);
    this.attachments = new Attachments(drafts.readImages(isNew ? null : id), (images) =>
      drafts.writeImages(this.isNew ? null : id, images),
    );
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

  /** Chooses the way to a message at every fork above it. */
  leadTo(message: string): void {
    for (let at = this.entries.get(message); at; at = this.entries.get(at.parent ?? "")) {
      this.choose(at);
    }
  }

  isCut(entry: Entry): boolean {
    return this.#cut.has(entry.id);
  }

  isShown(id: string): boolean {
    return this.steps.some(({ place }) => place.id === id);
  }

  /** Another tab, or another life of this one, wrote the draft. */
  readDraft(): void {
    this.#draft = this.#drafts.read(this.isNew ? null : this.id);
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
            left_out: 0,
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

  /**
   * The newest part of the conversation, at first or anew. Of what was `known` when it was read, it
   * says too what was deleted since.
   */
  mergeNewest(part: ConversationPart, known: Iterable<string> = []): void {
    const isKnown = part.messages.some(({ id }) => this.isShown(id));
    this.#dropMissing(part, known);
    this.#mergePart(part);
    if (!isKnown) this.#begin(part);
  }

  /** What stands above everything that was loaded. */
  mergeAbove(part: ConversationPart): void {
    this.#mergePart(part);
    this.#begin(part);
  }

  /** A branch that goes through `message`, which is shown from now on. */
  mergeThrough(part: ConversationPart, message: string): void {
    const above = topOf(part);
    const isConnected = above === null ? this.#root === null : this.isShown(above);
    this.#mergePart(part);
    if (!isConnected) this.#begin(part);
    this.leadTo(message);
  }

  #mergePart({ messages, cut }: ConversationPart): void {
    this.merge(messages);
    const parents = new Set([...this.entries.values()].map(({ parent }) => parent));
    for (const { id } of messages) {
      if (cut.includes(id) && !parents.has(id)) this.#cut.add(id);
      else this.#cut.delete(id);
    }
  }

  /** A part has all that follows the messages it reads, but for those it names as cut. */
  #dropMissing({ messages, cut }: ConversationPart, known: Iterable<string>): void {
    const there = new Set(messages.map(({ id }) => id));
    const complete = new Set(messages.map(({ parent }) => parent));
    for (const id of there) if (!cut.includes(id)) complete.add(id);
    for (const id of known) {
      const entry = this.entries.get(id);
      if (entry && !there.has(id) && complete.has(entry.parent)) this.remove(id);
    }
  }

  #begin(part: ConversationPart): void {
    this.#root = part.has_more ? topOf(part) : null;
    this.hasMore = part.has_more;
  }

  /** Takes a message and what follows it away, until `putBack`; false when it is not known here. */
  remove(id: string): boolean {
    const entry = this.entries.get(id);
    if (!entry) return this.#removed.has(id);
    const removed = [entry];
    for (const one of removed) {
      for (const other of this.entries.values()) if (other.parent === one.id) removed.push(other);
    }
    this.forget(...removed.map((one) => one.id));
    this.#removed.set(id, removed);
    return true;
  }

  putBack(id: string): void {
    const removed = this.#removed.get(id) ?? [];
    this.#removed.delete(id);
    for (const entry of removed) if (!this.entries.has(entry.id)) this.entries.set(entry.id, entry);
    if (removed[0]) this.choose(removed[0]);
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

  /** The ids of what the server is known to have. */
  get stored(): string[] {
    return [...this.entries.values()].filter(({ isStored }) => isStored).map(({ id }) => id);
  }

  get unfinished(): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.isOpen);
  }
}

/** What the part hangs from: the parent of its first messages. */
function topOf({ messages }: ConversationPart): string | null {
  const ids = new Set(messages.map(({ id }) => id));
  return messages.find(({ parent }) => parent === null || !ids.has(parent))?.parent ?? null;
}
