/** The server as tests need it: answers to HTTP requests, and the far end of the socket. */

import { vi } from "vitest";
import type { Command, Me, Message, Notice } from "../api/types";

export const ada: Me = {
  id: 1,
  name: "Ada",
  role: "admin",
  training: true,
  research: false,
  scopes: ["chat", "feedback", "learning", "research", "review"],
  signup: "closed",
  must_set_up: false,
  model: { name: "tiny", window_tokens: 2048, answer_tokens: 512, images: false },
};

type Answers = Record<string, (body: unknown, query?: URLSearchParams) => unknown>;

/** A status and a body, where 200 is not meant. */
export class Status {
  constructor(
    readonly code: number,
    readonly body: unknown,
  ) {}
}

interface Line {
  onopen?: () => void;
  onmessage?: (event: object) => void;
  onclose?: (event: object) => void;
}

export class FakeServer {
  requests: { call: string; body: unknown }[] = [];
  commands: Command[] = [];
  #answers: Answers;
  #line: Line = {};

  /** `answers` by method and path, such as "GET /v1/updates". */
  constructor(answers: Answers = {}) {
    this.#answers = { "GET /v1/folders": () => ({ data: [] }), ...answers };
    vi.stubGlobal("fetch", (path: string, init: RequestInit) =>
      Promise.resolve(this.#answer(path, init)),
    );
    const server = this;
    vi.stubGlobal(
      "WebSocket",
      class {
        constructor() {
          server.#line = this as Line;
          queueMicrotask(() => server.#line.onopen?.());
        }
        send(text: string): void {
          server.#hear(JSON.parse(text) as Command);
        }
        close(): void {}
      },
    );
  }

  say(notice: Notice): void {
    this.#line.onmessage?.({ data: JSON.stringify(notice) });
  }

  cut(): void {
    this.#line.onclose?.({ code: 1006 });
  }

  #hear(command: Command): void {
    this.commands.push(command);
    if (command.type === "watch" || command.type === "replay") {
      this.say({ type: "accepted", request: command.request });
    }
  }

  #answer(path: string, init: RequestInit): Response {
    const call = `${init.method} ${path.split("?")[0]}`;
    const body: unknown = init.body ? JSON.parse(String(init.body)) : undefined;
    this.requests.push({ call, body });
    const query = new URLSearchParams(path.split("?")[1]);
    const made = this.#answers[call]?.(body, query) ?? new Status(404, error("There is nothing there."));
    const { code, body: content } = made instanceof Status ? made : new Status(200, made);
    return new Response(code === 204 ? null : JSON.stringify(content), { status: code });
  }
}

export function error(message: string): object {
  return { error: { message, type: "error", param: null, code: "error" } };
}

export function question(id: string, text: string, parent: string | null = null): Message {
  return {
    id,
    conversation: "c",
    parent,
    role: "user",
    parts: [{ type: "text", text }],
    created_at: "2026-11-01T10:00:00Z",
    answer: null,
    feedback: [],
  };
}

export function answer(id: string, text: string, parent: string): Message {
  const state = {
    status: "done" as const,
    last_seq: 4,
    model: "danas",
    policy: "base",
    error_code: "",
    can_retry: false,
    left_out: 0,
  };
  return {
    ...question(id, text, parent),
    role: "assistant",
    created_at: "2026-11-01T10:00:01Z",
    answer: state,
  };
}
