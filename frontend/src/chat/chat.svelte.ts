import { ApiError, get, post, remove } from "../api/http";
import { ChatSocket, Refusal, type Connection } from "../api/socket";
import type {
  Conversation,
  ConversationPart,
  LibraryNotice,
  Me,
  MessageNotice,
  Send,
  Without,
} from "../api/types";
import { Library } from "../library/library.svelte";
import { remembered } from "../memory/remembered.svelte";
import { reminders } from "../tools/reminders.svelte";
import { uuid } from "../ui/ids";
import { toasts } from "../ui/toasts.svelte";
import { imagesIn, partsOf, textIn } from "../pictures/parts";
import { Drafts } from "./drafts";
import type { Entry } from "./entry.svelte";
import { t } from "./messages";
import { Outbox } from "./outbox";
import { Thread } from "./thread.svelte";

const MODEL = "danas";
/** Messages that are read at a time. */
const PART = 40;
/** Characters that a title may have. */
const TITLE = 200;

/** Where the newest part of a conversation is read. */
export function newestPart(conversation: string): string {
  return `/v1/conversations/${conversation}?limit=${PART}`;
}

/** All of a signed-in person's chatting: the socket, the list, the conversation that is open. */
export class Chat {
  connection = $state<Connection>("closed");
  /** True from the first failed attempt to connect until a connection is there. */
  isCut = $state(false);
  readonly library = new Library();
  thread: Thread = $state.raw() as Thread;
  readonly #drafts: Drafts;
  readonly #outbox: Outbox;
  readonly #socket: ChatSocket;

  constructor(me: Me, onSignedOut: () => void, socketUrl = addressOfSocket()) {
    this.#drafts = new Drafts(me.id);
    this.#outbox = new Outbox(me.id);
    this.#socket = new ChatSocket(socketUrl, {
      opened: () => void this.#sync(),
      changed: (connection) => this.#changed(connection),
      turn: ({ conversation, messages }) => {
        this.library.put(conversation);
        this.thread.turn(conversation, messages);
      },
      event: (event) => {
        const torn = this.thread.take(event);
        if (torn) void this.#replay(torn);
      },
      library: (notice) => this.#arranged(notice),
      message: (notice) => this.#cutOrMended(notice),
      memory: ({ conversation }) => remembered.changed(conversation),
      reminded: (notice) => reminders.changed(notice.reminders),
      signedOut: onSignedOut,
    });
    this.thread = this.#blank();
  }

  start(): void {
    addEventListener("storage", this.#stored);
    document.addEventListener("visibilitychange", this.#stored);
    this.#socket.open();
    void reminders.load();
    this.refreshList();
    for (const send of this.#outbox.all()) void this.#deliver(send);
  }

  end(): void {
    removeEventListener("storage", this.#stored);
    document.removeEventListener("visibilitychange", this.#stored);
    this.#socket.close();
  }

  /** After signing in again: a connection of the new session, and the list as it is now. */
  resume(): void {
    this.#socket.reconnect();
    this.refreshList();
  }

  refreshList(): void {
    this.library.refresh().catch((error: unknown) => {
      if (!(error instanceof ApiError && error.isSignedOut)) toasts.fail(error);
    });
  }

  /** Shows a conversation; null for a new one. */
  open(id: string | null): void {
    if (id === null) {
      if (!this.thread.isNew || this.thread.entries.size > 0) this.thread = this.#blank();
      return;
    }
    if (this.thread.id === id) return;
    this.thread = new Thread(id, this.#drafts);
    this.thread.isLoading = true;
    for (const send of this.#outbox.all()) if (send.conversation === id) this.thread.expect(send);
    if (this.connection === "open") void this.#sync();
    else void this.reload();
  }

  /** Says `text` after `parent`, by default at the end of what is shown. */
  send(
    text: string,
    parent: string | null = this.thread.leaf?.id ?? null,
    images: string[] = [],
  ): void {
    const thread = this.thread;
    const send: Send = {
      type: "send",
      request: uuid(),
      conversation: thread.id,
      parent,
      message: uuid(),
      answer: uuid(),
      // Half a character, cut in the middle, is not JSON.
      parts: partsOf(text.toWellFormed(), images),
      model: MODEL,
      is_temporary: thread.isTemporary,
    };
    thread.expect(send);
    this.#outbox.add(send);
    void this.#deliver(send);
  }

  async #deliver(send: Send): Promise<void> {
    try {
      await this.#socket.command(send);
    } catch (error) {
      if (error instanceof Refusal) this.#refused(send, error);
      return;
    }
    this.#outbox.remove(send);
    const { thread } = this;
    if (thread.id !== send.conversation) return;
    const wasNew = thread.isNew;
    thread.isNew = false;
    if (wasNew) await this.#watch(thread);
  }

  /** Nothing was stored: what was said goes back to where it was written. */
  #refused(send: Send, refusal: Refusal): void {
    this.#outbox.remove(send);
    toasts.fail(refusal);
    const text = textIn(send.parts);
    const { thread } = this;
    if (thread.id !== send.conversation) {
      this.#drafts.restore(send.conversation, text);
      this.#drafts.writeImages(send.conversation, imagesIn(send.parts));
      return;
    }
    thread.forget(send.answer, send.message);
    thread.draft = this.#drafts.restore(thread.isNew ? null : thread.id, text);
    thread.attachments.restore(imagesIn(send.parts));
  }

  /** Asks for one more answer to what `answer` was an answer to; `without` some of what it saw. */
  async regenerate(
    answer: Entry,
    model = MODEL,
    withMemory = true,
    without: Without = { blocks: [], notes: [] },
  ): Promise<void> {
    const parent = answer.parent;
    if (parent === null) return;
    const { thread } = this;
    const id = uuid();
    thread.expectAnswer(id, parent, model);
    try {
      await this.#socket.command({
        type: "regenerate",
        request: uuid(),
        parent,
        answer: id,
        model,
        memory: withMemory,
        without,
      });
    } catch (error) {
      thread.forget(id);
      if (error instanceof Refusal) toasts.fail(error);
    }
  }

  /** Deletes a message and what follows it, with a way back for as long as there is one. */
  async removeMessage(entry: Entry): Promise<void> {
    const { thread } = this;
    await remove(`/v1/messages/${entry.id}`);
    thread.remove(entry.id);
    toasts.offer(t.talk.removal.done, t.talk.removal.undo, async () => {
      await post<void>(`/v1/messages/${entry.id}/restore`);
      this.#mend(thread, entry.id);
    });
  }

  /** What is back may have been stopped when it went: its last events are asked for. */
  #mend(thread: Thread, message: string): void {
    thread.putBack(message);
    if (thread === this.thread) void this.#sync();
  }

  /** Begins a conversation with what was said up to a message; returns its id. */
  async branch(entry: Entry): Promise<string> {
    const title = this.library.find(this.thread.id)?.title;
    const body = title ? { title: t.talk.branch.title(title).slice(0, TITLE) } : {};
    const made = await post<Conversation>(`/v1/messages/${entry.id}/branch`, body);
    this.library.put(made);
    return made.id;
  }

  async stop(answer: Entry): Promise<void> {
    try {
      await this.#socket.command({ type: "stop", request: uuid(), answer: answer.id });
    } catch (error) {
      if (error instanceof Refusal) toasts.fail(error);
    }
  }

  /** Subscribe, then read what is stored, then replay what is being made: nothing falls between. */
  async #sync(): Promise<void> {
    const { thread } = this;
    if (thread.isNew || !(await this.#watch(thread))) return;
    await this.reload(thread);
    await Promise.all(thread.unfinished.map((entry) => this.#replay(entry)));
  }

  async #watch(thread: Thread): Promise<boolean> {
    try {
      await this.#socket.ask({ type: "watch", request: uuid(), conversation: thread.id });
      return true;
    } catch (error) {
      if (error instanceof Refusal) this.#cannotShow(thread, error);
      return false;
    }
  }

  async #replay(entry: Entry): Promise<void> {
    if (entry.isReplaying || !entry.log || !entry.isStored) return;
    entry.isReplaying = true;
    try {
      await this.#socket.ask({
        type: "replay",
        request: uuid(),
        answer: entry.id,
        after: entry.log.seq,
      });
    } catch {
      // The next connection asks again.
    } finally {
      entry.isReplaying = false;
    }
  }

  /** Reads the open conversation again. */
  async reload(thread = this.thread): Promise<void> {
    thread.failure = "";
    try {
      const known = thread.stored;
      const part = await this.#read(thread);
      thread.mergeNewest(part, known);
      this.library.put(part.conversation);
      thread.isTemporary = part.conversation.is_temporary;
    } catch (error) {
      this.#cannotShow(thread, error as ApiError);
    }
    thread.isLoading = false;
  }

  /** Reads what stands above; a failure is told, and the next look upwards tries again. */
  async readAbove(): Promise<void> {
    const { thread } = this;
    const first = thread.steps[0]?.place;
    if (!first || !thread.hasMore || thread.isLoadingMore) return;
    thread.isLoadingMore = true;
    try {
      thread.mergeAbove(await this.#read(thread, `&before=${first.id}`));
    } catch (error) {
      toasts.fail(error);
    }
    thread.isLoadingMore = false;
  }

  /** Shows the branch that a message of the open conversation is on. Rejects when it is gone. */
  async choose(message: string): Promise<void> {
    const { thread } = this;
    const entry = thread.entries.get(message);
    if (thread.isShown(message)) return;
    // Nothing waits for the rest of the branch: what is known of it is shown meanwhile.
    if (entry) thread.leadTo(message);
    if (entry && thread.isShown(message) && !thread.isCut(entry)) return;
    thread.mergeThrough(await this.#read(thread, `&through=${message}`), message);
  }

  #read(thread: Thread, where = ""): Promise<ConversationPart> {
    return get(newestPart(thread.id) + where);
  }

  /** A page that was asleep may have missed what another tab wrote. */
  #stored = (event: Event): void => {
    const { thread } = this;
    const where = thread.isNew ? null : thread.id;
    if (event instanceof StorageEvent && !this.#drafts.isKept(event.key, where)) return;
    if (!document.hidden || event instanceof StorageEvent) thread.readDraft();
  };

  #cannotShow(thread: Thread, error: ApiError): void {
    thread.isLoading = false;
    if (error.isSignedOut || thread.unfinished.some((entry) => !entry.isStored)) return;
    if (error.status === 404 || error.code === "not_found") thread.isMissing = true;
    else thread.failure = error.message;
  }

  /** Deletes a temporary conversation, with what was being written there. */
  async removeNow(id: string): Promise<void> {
    await this.library.removeNow(id);
    this.#drafts.write(id, "");
  }

  titleOf(id: string): string {
    return this.library.find(id)?.title || t.sidebar.untitled;
  }

  /** What is open may have been deleted elsewhere, or be back. */
  #arranged(notice: LibraryNotice): void {
    this.library.take(notice);
    const { thread } = this;
    if (notice.type === "gone" && notice.conversations.includes(thread.id)) {
      thread.isMissing = true;
    } else if (notice.type === "changed" && thread.isMissing) {
      if (!notice.conversations.some(({ id }) => id === thread.id)) return;
      thread.isMissing = false;
      void this.#sync();
    }
  }

  /** A message of the open conversation was deleted or is back, perhaps by another tab. */
  #cutOrMended({ type, conversation, message }: MessageNotice): void {
    const { thread } = this;
    if (conversation !== thread.id) return;
    if (type === "restored") {
      if (!thread.entries.has(message)) this.#mend(thread, message);
    } else if (!thread.remove(message)) void this.reload(thread);
  }

  #changed(connection: Connection): void {
    this.connection = connection;
    if (connection === "waiting") this.isCut = true;
    if (connection === "open") this.isCut = false;
  }

  #blank(): Thread {
    return new Thread(uuid(), this.#drafts, true);
  }
}

function addressOfSocket(): string {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws/chat/`;
}
