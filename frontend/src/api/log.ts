/**
 * What the event log of one answer adds up to.
 *
 * Events arrive over a socket that may break, over two sockets in turn, or twice. `take` puts them
 * in order: what was seen is dropped, what comes too early is held until the gap before it closes.
 */

import type { AnswerEvent, AnswerStatus } from "./types";

export type Finish = "stop" | "length" | "tool_calls";

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  first_token_ms: number | null;
  total_ms: number;
}

/** A call of a tool; `result` is null until it is there. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: unknown;
  state: string;
  result: string | null;
}

export interface Log {
  /** Events 1 to `seq` are in here. */
  readonly seq: number;
  readonly status: AnswerStatus;
  readonly text: string;
  readonly reasoning: string;
  /** How long the reasoning took. */
  readonly thought_ms: number;
  readonly tools: readonly ToolCall[];
  readonly policy: string;
  readonly window: { tokens: number; limit: number } | null;
  readonly usage: Usage | null;
  readonly finish: Finish | null;
  readonly error: { code: string; message: string; canRetry: boolean } | null;
  /** Events that came before one that is still missing, by sequence number. */
  readonly held: ReadonlyMap<number, AnswerEvent>;
}

export const EMPTY: Log = {
  seq: 0,
  status: "queued",
  text: "",
  reasoning: "",
  thought_ms: 0,
  tools: [],
  policy: "",
  window: null,
  usage: null,
  finish: null,
  error: null,
  held: new Map(),
};

export function isOpen(status: AnswerStatus): boolean {
  return status === "queued" || status === "running";
}

/** True when an event is missing that will not come by itself: ask for a replay after `log.seq`. */
export function hasGap(log: Log): boolean {
  return log.held.size > 0;
}

export function take(log: Log, event: AnswerEvent): Log {
  if (event.seq <= log.seq) return log;
  if (event.seq > log.seq + 1) {
    return { ...log, held: new Map(log.held).set(event.seq, event) };
  }
  let next = { ...log, ...changed(log, event), seq: event.seq };
  const held = next.held.get(next.seq + 1);
  if (held) next = take(next, held);
  if (next.held.size === 0) return next;
  return { ...next, held: new Map([...next.held].filter(([seq]) => seq > next.seq)) };
}

type Text = { text: string };
type Thought = { text: string; ms?: number };
type Called = Partial<ToolCall> & { name: string };
type Start = { policy: string; window_tokens: number; window_limit: number };
type Done = { finish_reason: Finish };
type Failure = { code: string; message: string; can_retry: boolean };

function changed(log: Log, { kind, data }: AnswerEvent): Partial<Log> {
  switch (kind) {
    case "start": {
      const start = data as Start;
      const window = { tokens: start.window_tokens, limit: start.window_limit };
      return { status: "running", policy: start.policy, window };
    }
    case "text":
      return { status: "running", text: log.text + (data as Text).text };
    case "reasoning": {
      const { text, ms = 0 } = data as Thought;
      const reasoning = log.reasoning + text;
      return { status: "running", reasoning, thought_ms: log.thought_ms + ms };
    }
    case "tool":
      return { status: "running", tools: called(log.tools, data as Called) };
    case "usage":
      return { usage: data as unknown as Usage };
    case "done":
      return { status: "done", finish: (data as Done).finish_reason };
    case "stopped":
      return { status: "stopped" };
    case "error": {
      const failure = data as Failure;
      const status = failure.code === "interrupted" ? "interrupted" : "failed";
      const error = { code: failure.code, message: failure.message, canRetry: failure.can_retry };
      return { status, error };
    }
    default:
      return {};
  }
}

/** The same call again, with its result, takes the place of the call without one. */
function called(tools: readonly ToolCall[], call: Called): ToolCall[] {
  const { id = `${tools.length}`, name, state = "done", result = null } = call;
  const before = tools.find((one) => one.id === id);
  const now = { id, name, arguments: call.arguments ?? before?.arguments ?? {}, state, result };
  return before ? tools.map((one) => (one === before ? now : one)) : [...tools, now];
}
