/**
 * The socket client: one connection, opened again whenever it breaks.
 *
 * `command` is for what must not be lost (send, regenerate, stop): it is sent again after every
 * reconnect until the server has answered it, which is safe since the client chooses the ids.
 * `ask` is for what each connection needs anew (watch, replay): it fails when the connection ends.
 */

import { sentence } from "./codes";
import { ApiError } from "./http";
import type {
  AnswerEvent,
  Command,
  LibraryNotice,
  MemoryNotice,
  MessageNotice,
  Notice,
  RemindersNotice,
  Turn,
} from "./types";

export type Connection = "connecting" | "open" | "waiting" | "closed";

interface Listener {
  /** A connection is there: watch and replay. */
  opened(): void;
  changed(connection: Connection): void;
  turn(turn: Turn): void;
  event(event: AnswerEvent): void;
  /** The list changed in another tab, or by itself. */
  library(notice: LibraryNotice): void;
  /** A message was deleted or brought back, in this tab or another. */
  message(notice: MessageNotice): void;
  /** Something else is remembered, of the person or in a conversation. */
  memory(notice: MemoryNotice): void;
  /** A reminder is due, or was set or put away. */
  reminded(notice: RemindersNotice): void;
  /** Nobody is signed in any more. The client rests until `reconnect`. */
  signedOut(): void;
}

interface Pending {
  command: Command;
  isKept: boolean;
  settle: { resolve: () => void; reject: (error: ApiError) => void };
}

const SIGNED_OUT = 4401;
const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 15_000;

/** The server said no to a command; nothing was changed. */
export class Refusal extends ApiError {
  constructor(
    message: string,
    code: string,
    readonly canRetry: boolean,
  ) {
    super(message, 0, code);
    this.name = "Refusal";
  }
}

export class ChatSocket {
  #socket: WebSocket | null = null;
  #pending = new Map<string, Pending>();
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connection: Connection = "closed";

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  get connection(): Connection {
    return this.#connection;
  }

  open(): void {
    if (this.#socket) return;
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    this.#connect();
  }

  close(): void {
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const [request] of this.#pending) this.#fail(request, "closed");
    this.#change("closed");
  }

  /** A new connection in place of this one, as after signing in again. Commands wait for it. */
  reconnect(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#failUnkept();
    this.#connect();
  }

  /** Resolves when the command is durable. Rejects with a Refusal, or when the client is closed. */
  command(command: Command): Promise<void> {
    return this.#request(command, true);
  }

  /** Resolves when the server has answered on this connection. */
  ask(command: Command): Promise<void> {
    if (this.#connection !== "open") return Promise.reject(disconnected());
    return this.#request(command, false);
  }

  #request(command: Command, isKept: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.set(command.request, { command, isKept, settle: { resolve, reject } });
      if (this.#connection === "open") this.#write(command);
    });
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#change("connecting");
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(String(data)) as Notice);
    socket.onclose = ({ code }) => this.#closed(socket, code);
  }

  #opened(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    this.#failures = 0;
    this.#change("open");
    for (const { command } of this.#pending.values()) this.#write(command);
    this.listener.opened();
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#failUnkept();
    if (code === SIGNED_OUT) {
      this.#change("closed");
      this.listener.signedOut();
      return;
    }
    this.#change("waiting");
    this.#timer = setTimeout(() => this.#connect(), this.#delay());
    this.#failures += 1;
  }

  #delay(): number {
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    return delay * (0.7 + 0.6 * Math.random());
  }

  /** The network is back, or someone looks: don't wait for the timer. */
  #hurry = (): void => {
    if (this.#connection === "waiting" && !document.hidden) this.#connect();
  };

  #heard(notice: Notice): void {
    switch (notice.type) {
      case "accepted":
        return this.#settle(notice.request, ({ resolve }) => resolve());
      case "refused": {
        const message = sentence(notice.code, notice.message);
        const refusal = new Refusal(message, notice.code, notice.can_retry);
        return this.#settle(notice.request, ({ reject }) => reject(refusal));
      }
      case "turn":
        return this.listener.turn(notice);
      case "event":
        return this.listener.event(notice);
      case "changed":
      case "gone":
      case "rearranged":
        return this.listener.library(notice);
      case "removed":
      case "restored":
        return this.listener.message(notice);
      case "memory_changed":
        return this.listener.memory(notice);
      case "reminded":
        return this.listener.reminded(notice);
    }
  }

  #settle(request: string, how: (settle: Pending["settle"]) => void): void {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    if (pending) how(pending.settle);
  }

  #failUnkept(): void {
    for (const [request, { isKept }] of this.#pending) if (!isKept) this.#fail(request, "lost");
  }

  #fail(request: string, code: string): void {
    this.#settle(request, ({ reject }) => reject(disconnected(code)));
  }

  #write(command: Command): void {
    this.#socket?.send(JSON.stringify(command));
  }

  #change(connection: Connection): void {
    this.#connection = connection;
    this.listener.changed(connection);
  }
}

/** Never shown: whoever asks over a lost connection asks again on the next. */
function disconnected(code = "lost"): ApiError {
  return new ApiError(code, 0, code);
}
