import { describe, expect, test } from "vitest";
import { EMPTY, hasGap, take, type Log } from "./log";
import type { AnswerEvent } from "./types";

const answer = "00000000-0000-4000-8000-000000000001";

function event(
  seq: number,
  kind: AnswerEvent["kind"],
  data: Record<string, unknown> = {},
): AnswerEvent {
  return { type: "event", answer, seq, kind, data };
}

const story = [
  event(1, "start", { policy: "base", window_tokens: 40, window_limit: 2048 }),
  event(2, "text", { text: "The capital " }),
  event(3, "text", { text: "of France " }),
  event(4, "text", { text: "is Paris." }),
  event(5, "usage", { prompt_tokens: 40, completion_tokens: 7, first_token_ms: 90, total_ms: 400 }),
  event(6, "done", { finish_reason: "stop" }),
];

function told(events: AnswerEvent[], log: Log = EMPTY): Log {
  return events.reduce(take, log);
}

describe("an answer's log", () => {
  test("adds up to the answer", () => {
    const log = told(story);

    expect(log).toMatchObject({
      seq: 6,
      status: "done",
      text: "The capital of France is Paris.",
      policy: "base",
      window: { tokens: 40, limit: 2048 },
      finish: "stop",
    });
  });

  test("drops events that it has seen", () => {
    const once = told(story.slice(0, 3));

    expect(take(once, story[1]!)).toBe(once);
    expect(told(story, once)).toEqual(told(story));
  });

  test("is the same in whatever order events come", () => {
    // Every order of six events, by Heap's algorithm.
    const orders: AnswerEvent[][] = [];
    const permute = (rest: AnswerEvent[], k: number): void => {
      if (k === 1) return void orders.push([...rest]);
      for (let i = 0; i < k; i++) {
        permute(rest, k - 1);
        const j = k % 2 === 0 ? i : 0;
        [rest[j], rest[k - 1]] = [rest[k - 1]!, rest[j]!];
      }
    };
    permute([...story], story.length);

    expect(orders).toHaveLength(720);
    for (const order of orders) expect(told(order)).toEqual(told(story));
  });

  test("shows nothing past a gap until the gap closes", () => {
    const torn = told([story[0]!, story[1]!, story[3]!]);

    expect(torn.text).toBe("The capital ");
    expect(hasGap(torn)).toBe(true);

    const whole = take(torn, story[2]!);
    expect(whole.text).toBe("The capital of France is Paris.");
    expect(hasGap(whole)).toBe(false);
  });

  test("goes on from its last event when a replay overlaps with what is being sent", () => {
    const before = told(story.slice(0, 3));

    const after = told([story[4]!, ...story.slice(1)], before);

    expect(after).toEqual(told(story));
  });

  test("tells an interruption from a failure, with the server's sentence", () => {
    const error = { message: "The engine is gone.", can_retry: true };

    const interrupted = told([story[0]!, event(2, "error", { ...error, code: "interrupted" })]);
    const failed = told([story[0]!, event(2, "error", { ...error, code: "engine_down" })]);

    expect(interrupted.status).toBe("interrupted");
    expect(failed.status).toBe("failed");
    expect(failed.error).toEqual({
      code: "engine_down",
      message: "The engine is gone.",
      canRetry: true,
    });
  });
});
