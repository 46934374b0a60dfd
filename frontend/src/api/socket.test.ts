import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChatSocket, Refusal } from "./socket";
import type { Command } from "./types";

/** The browser's end of a connection whose other end is the test. */
class Line {
  static all: Line[] = [];
  sent: Command[] = [];
  onopen?: () => void;
  onmessage?: (message: { data: string }) => void;
  onclose?: (event: { code: number }) => void;

  constructor(readonly url: string) {
    Line.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Command);
  }
  close(): void {}
  hear(notice: object): void {
    this.onmessage?.({ data: JSON.stringify(notice) });
  }
  static get last(): Line {
    return Line.all.at(-1)!;
  }
}

const listener = {
  opened: vi.fn(),
  changed: vi.fn(),
  turn: vi.fn(),
  event: vi.fn(),
  library: vi.fn(),
  message: vi.fn(),
  memory: vi.fn(),
  reminded: vi.fn(),
  signedOut: vi.fn(),
};

const stop: Command = { type: "stop", request: "r1", answer: "a" };
const watch: Command = { type: "watch", request: "r2", conversation: "c" };

function connected(): ChatSocket {
  const socket = new ChatSocket("ws://danas/ws/chat/", listener);
  socket.open();
  Line.last.onopen?.();
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  Line.all = [];
  vi.stubGlobal("WebSocket", Line);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the socket", () => {
  test("sends a command again after every reconnect until it is accepted", async () => {
    const socket = connected();
    const done = socket.command(stop);
    Line.last.onclose?.({ code: 1006 });

    vi.advanceTimersByTime(1000);
    Line.last.onopen?.();
    Line.last.hear({ type: "accepted", request: "r1" });
    await done;
    Line.last.onclose?.({ code: 1006 });
    vi.advanceTimersByTime(2000);
    Line.last.onopen?.();

    expect(Line.all.map((line) => line.sent)).toEqual([[stop], [stop], []]);
  });

  test("keeps a command that was given before there was a connection", () => {
    const socket = new ChatSocket("ws://danas/ws/chat/", listener);
    socket.open();
    void socket.command(stop);

    expect(Line.last.sent).toEqual([]);
    Line.last.onopen?.();
    expect(Line.last.sent).toEqual([stop]);
  });

  test("has the page ask anew on each connection, not repeat what it asked on the last", async () => {
    const socket = connected();
    const asked = socket.ask(watch);

    Line.last.onclose?.({ code: 1006 });
    await expect(asked).rejects.toThrow();
    vi.advanceTimersByTime(1000);
    Line.last.onopen?.();

    expect(Line.last.sent).toEqual([]);
    expect(listener.opened).toHaveBeenCalledTimes(2);
  });

  test("rejects with the server's sentence", async () => {
    const said = connected().command(stop);

    Line.last.hear({
      type: "refused",
      request: "r1",
      code: "x",
      message: "No such answer.",
      can_retry: false,
    });

    await expect(said).rejects.toThrow(new Refusal("No such answer.", "x", false));
  });

  test("waits longer after each failure, and not at all when the network is back", () => {
    connected();
    Line.last.onclose?.({ code: 1006 });
    for (let failures = 0; failures < 6; failures++) {
      vi.advanceTimersByTime(60_000);
      Line.last.onclose?.({ code: 1006 });
    }
    const tries = Line.all.length;
    vi.advanceTimersByTime(5_000);
    expect(Line.all).toHaveLength(tries);

    dispatchEvent(new Event("online"));

    expect(Line.all).toHaveLength(tries + 1);
  });

  test("rests while nobody is signed in, and sends what waited after the next sign-in", () => {
    const socket = connected();
    void socket.command(stop);
    Line.last.onclose?.({ code: 4401 });
    vi.advanceTimersByTime(60_000);

    expect(listener.signedOut).toHaveBeenCalledOnce();
    expect(Line.all).toHaveLength(1);

    socket.reconnect();
    Line.last.onopen?.();
    expect(Line.last.sent).toEqual([stop]);
  });
});
