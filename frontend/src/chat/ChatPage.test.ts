import { cleanup, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import DOMPurify from "dompurify";
import { beforeEach, describe, expect, test, vi } from "vitest";
import App from "../App.svelte";
import { session } from "../account/session.svelte";
import type { Message } from "../api/types";
import { ada, answer, error, FakeServer, question, Status } from "../testing/server";
import { router } from "../ui/router.svelte";
import { toasts } from "../ui/toasts.svelte";

const ID = "11111111-1111-4111-8111-111111111111";
const HERE = `/v1/conversations/${ID}`;
const conversation = {
  id: ID,
  title: "Tides",
  created_at: "2026-11-01T10:00:00Z",
  updated_at: "2026-11-01T10:00:00Z",
};

/** Turns `from` to `to`: questions q1, q2 … and answers a1, a2 … */
function turns(from: number, to: number): Message[] {
  const made: Message[] = [];
  for (let turn = from; turn <= to; turn++) {
    const at = `2026-11-01T10:${String(turn).padStart(2, "0")}`;
    const asked = question(`q${turn}`, `Question ${turn}`, turn > 1 ? `a${turn - 1}` : null);
    const said = answer(`a${turn}`, `Answer ${turn}`, `q${turn}`);
    made.push({ ...asked, created_at: `${at}:00Z` }, { ...said, created_at: `${at}:01Z` });
  }
  return made;
}

interface Part {
  messages: Message[];
  has_more?: boolean;
  cut?: string[];
}

/** A server that has this part first, and others by what is asked for. */
function serving(
  first: Part,
  others: Record<string, Part> = {},
  more: Record<string, (body: unknown) => unknown> = {},
): FakeServer {
  return new FakeServer({
    "GET /v1/session": () => ada,
    "GET /v1/conversations": () => ({ data: [], has_more: false }),
    "GET /v1/policies": () => ({ live: "base", data: [] }),
    [`GET ${HERE}`]: (_body, query) => {
      const asked = [...(query ?? [])].find(([name]) => name !== "limit");
      const part = asked ? others[asked.join("=")]! : first;
      return { conversation, has_more: false, cut: [], ...part };
    },
    ...more,
  });
}

function open(path = `/c/${ID}`): void {
  cleanup();
  session.me = null;
  session.isExpired = false;
  toasts.shown = [];
  router.go(path);
  render(App);
}

function shown(): string[] {
  return screen.getAllByRole("article").map((one) => one.dataset.message!);
}

beforeEach(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
});

describe("a long conversation", () => {
  test("begins with its newest part; older messages come in front and none is parsed twice", async () => {
    serving(
      { messages: turns(3, 4), has_more: true },
      { "before=q3": { messages: turns(1, 2), has_more: false } },
    );
    open();
    expect(await screen.findByText("Answer 4")).toBeTruthy();
    expect(shown()).toEqual(["q3", "a3", "q4", "a4"]);
    const parsed = vi.spyOn(DOMPurify, "sanitize");

    await userEvent.click(screen.getByRole("button", { name: "Show earlier messages" }));

    await waitFor(() => expect(shown()).toHaveLength(8));
    expect(shown()[0]).toBe("q1");
    // Two older answers of one block each; questions are plain text.
    expect(parsed).toHaveBeenCalledTimes(2);
    expect(screen.queryByRole("button", { name: "Show earlier messages" })).toBeNull();
    parsed.mockRestore();
  });

  test("draws forty messages at most until someone reads up", async () => {
    serving({ messages: turns(1, 30) });
    open();

    expect(await screen.findByText("Answer 30")).toBeTruthy();
    expect(shown()).toHaveLength(40);
    await userEvent.click(screen.getByRole("button", { name: "Show earlier messages" }));

    expect(shown()).toHaveLength(60);
  });

  test("opens at the message that an address names, with what is around it", async () => {
    serving({ messages: turns(1, 60) });
    open(`/c/${ID}?m=a10`);

    await waitFor(() => expect(document.activeElement).toHaveProperty("dataset.message", "a10"));
    // Twenty messages before a10, the twentieth of all, would be all that are before it.
    expect(shown()[0]).toBe("q1");
    expect(shown().at(-1)).toBe("a20");
    await userEvent.click(screen.getByRole("button", { name: "Show later messages" }));
    expect(shown().at(-1)).toBe("a40");
    await userEvent.click(screen.getByRole("button", { name: "Go to the latest message" }));
    expect(shown().at(-1)).toBe("a60");
  });

  test("reads the branch of a named message that was not loaded", async () => {
    const other = { ...answer("b1", "Other 1", "q1"), created_at: "2026-11-01T10:01:00Z" };
    serving(
      { messages: turns(9, 10), has_more: true },
      { "through=b1": { messages: [...turns(1, 1), other], has_more: false, cut: ["a1"] } },
    );
    open(`/c/${ID}?m=b1`);

    expect(await screen.findByText("Other 1")).toBeTruthy();
    expect(shown()).toEqual(["q1", "b1"]);
  });

  test("reads what follows a sibling when the arrows lead there, and keeps the keyboard", async () => {
    const [q1, a1] = turns(1, 1) as [Message, Message];
    const old = { ...answer("b1", "Other 1", "q1"), created_at: "2026-11-01T10:00:00Z" };
    const after = { ...question("x", "After that", "b1"), created_at: "2026-11-01T10:00:30Z" };
    serving(
      { messages: [q1, old, a1], cut: ["b1"] },
      { "through=b1": { messages: [q1, old, a1, after] } },
    );
    open();

    await userEvent.click(await screen.findByRole("button", { name: "Previous version" }));

    expect(await screen.findByText("After that")).toBeTruthy();
    expect(shown()).toEqual(["q1", "b1", "x"]);
    await waitFor(() =>
      expect(document.activeElement).toBe(screen.getByRole("button", { name: "Next version" })),
    );
  });
});

describe("a message", () => {
  test("is where a new conversation branches off, whose answers are judged elsewhere", async () => {
    const there = "22222222-2222-4222-8222-222222222222";
    const copies = turns(1, 1).map((one) =>
      one.answer ? { ...one, answer: { ...one.answer, last_seq: 0 } } : one,
    );
    const server = serving({ messages: turns(1, 2) }, {}, {
      "GET /v1/messages/a1/details": () => new Status(404, error("Not kept.")),
      "POST /v1/messages/a1/branch": () => ({ ...conversation, id: there }),
      [`GET /v1/conversations/${there}`]: () => ({
        conversation: { ...conversation, id: there },
        messages: copies,
        has_more: false,
        cut: [],
      }),
    });
    const user = userEvent.setup();
    open();
    const said = (await screen.findAllByRole("article", { name: "Danas" }))[0]!;

    await user.click(within(said).getByRole("button", { name: "Details" }));
    await user.click(await screen.findByRole("button", { name: "Branch into a new conversation" }));
    await waitFor(() => expect(router.path).toBe(`/c/${there}`));

    await waitFor(() => expect(shown()).toEqual(["q1", "a1"]));
    expect(screen.queryByRole("button", { name: "Good answer" })).toBeNull();
    const asked = server.requests.find(({ call }) => call === "POST /v1/messages/a1/branch");
    expect(asked?.body).toEqual({ title: "Branch of Tides" });
  });

  test("is deleted with what follows it, and brought back", async () => {
    const server = serving({ messages: turns(1, 3) }, {}, {
      "DELETE /v1/messages/q2": () => new Status(204, null),
      "POST /v1/messages/q2/restore": () => new Status(204, null),
    });
    const user = userEvent.setup();
    open();
    const asked = (await screen.findAllByRole("article", { name: "You" }))[1]!;

    await user.click(
      within(asked).getByRole("button", { name: "Delete this and what follows" }),
    );
    await waitFor(() => expect(shown()).toEqual(["q1", "a1"]));
    expect(document.activeElement).toHaveProperty("dataset.message", "a1");

    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(shown()).toEqual(["q1", "a1", "q2", "a2", "q3", "a3"]));
    const calls = server.requests.map(({ call }) => call);
    expect(calls).toContain("POST /v1/messages/q2/restore");
  });

  test("that another tab deletes and brings back, goes and comes back here", async () => {
    let messages = turns(1, 3);
    const server = serving({
      get messages() {
        return messages;
      },
    });
    open();
    await screen.findByText("Question 3");

    messages = turns(1, 1);
    server.say({ type: "removed", conversation: ID, message: "q2" });
    await waitFor(() => expect(shown()).toEqual(["q1", "a1"]));

    messages = turns(1, 3);
    server.say({ type: "restored", conversation: ID, message: "q2" });
    await waitFor(() => expect(shown()).toEqual(["q1", "a1", "q2", "a2", "q3", "a3"]));
  });

  test("that was deleted above all that is read here takes it along", async () => {
    let part = { messages: turns(5, 6), has_more: true };
    const server = serving({
      get messages() {
        return part.messages;
      },
      get has_more() {
        return part.has_more;
      },
    });
    open();
    await screen.findByText("Question 6");

    part = { messages: turns(1, 1), has_more: false };
    server.say({ type: "removed", conversation: ID, message: "q2" });

    await waitFor(() => expect(shown()).toEqual(["q1", "a1"]));
  });

  test("that was deleted while there was no connection is gone with the next", async () => {
    let messages = turns(1, 3);
    const server = serving({
      get messages() {
        return messages;
      },
    });
    open();
    await screen.findByText("Question 3");

    messages = turns(1, 2);
    server.cut();

    await waitFor(() => expect(shown()).toEqual(["q1", "a1", "q2", "a2"]), { timeout: 3000 });
  });

  test("has details, and is answered again by the model as it came", async () => {
    const details = {
      model: "danas",
      policy: "v7-abc",
      status: "done",
      finish_reason: "length",
      has_memory: true,
      prompt_tokens: 100,
      completion_tokens: 41,
      first_token_ms: 250,
      total_ms: 1250,
      window_tokens: 100,
      window_limit: 2048,
    };
    const server = serving({ messages: turns(1, 1) }, {}, {
      "GET /v1/messages/a1/details": () => details,
    });
    const user = userEvent.setup();
    open();

    await user.click(await screen.findByRole("button", { name: "Details" }));
    const dialog = await screen.findByRole("dialog", { name: "Details of this answer" });
    // Forty tokens after the first, in one second.
    expect(await within(dialog).findByText("40 tokens a second")).toBeTruthy();
    expect(within(dialog).getByText("100 read, 41 written")).toBeTruthy();
    expect(within(dialog).getByText("at the length limit")).toBeTruthy();
    await user.click(within(dialog).getByRole("button", { name: "With the model as it came" }));

    const asked = server.commands.find((command) => command.type === "regenerate");
    expect(asked).toMatchObject({ parent: "q1", model: "base", memory: true });
  });
});

test("nothing is said to a conversation before it was read, and what was written stays", async () => {
  let isDown = true;
  const server = serving({ messages: turns(1, 1) }, {}, {
    [`GET ${HERE}`]: () =>
      isDown
        ? new Status(500, error("It is down."))
        : { conversation, messages: turns(1, 1), has_more: false, cut: [] },
  });
  const user = userEvent.setup();
  open();
  await screen.findByText("It is down.");

  await user.type(screen.getByLabelText("Write to Danas"), "And then?{Enter}");
  expect(server.commands.some(({ type }) => type === "send")).toBe(false);

  isDown = false;
  await user.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(shown()).toEqual(["q1", "a1"]));
  await user.type(screen.getByLabelText("Write to Danas"), "{Enter}");
  const said = server.commands.find((one) => one.type === "send");
  expect(said).toMatchObject({ parent: "a1", parts: [{ type: "text", text: "And then?" }] });
});

describe("keys", () => {
  test("act on the last answer, and never while someone writes", async () => {
    const server = serving({ messages: turns(1, 2) }, {}, {
      "POST /v1/feedback": () => ({ id: "f", reward_version: 3 }),
    });
    const user = userEvent.setup();
    open();
    const box: HTMLTextAreaElement = await screen.findByLabelText("Write to Danas");
    await screen.findByText("Answer 2");

    await user.type(box, "grebe");
    expect(box.value).toBe("grebe");
    expect(server.requests.some(({ call }) => call === "POST /v1/feedback")).toBe(false);

    box.blur();
    await user.keyboard("g");
    await waitFor(() =>
      expect(server.requests.find(({ call }) => call === "POST /v1/feedback")?.body).toEqual({
        message: "a2",
        kind: "up",
        text: "",
      }),
    );
    await user.keyboard("e");
    expect(await screen.findByRole("textbox", { name: "Edit and ask again" })).toBe(
      document.activeElement,
    );
  });

  test("ask again, and move on to the new answer", async () => {
    const server = serving({ messages: turns(1, 1) });
    const user = userEvent.setup();
    open();
    await screen.findByText("Answer 1");

    await user.keyboard("r");

    const asked = server.commands.find((command) => command.type === "regenerate");
    await waitFor(() =>
      expect(document.activeElement).toHaveProperty("dataset.message", asked?.answer),
    );
  });
});

describe("what was being written", () => {
  test("in another tab is there in this one, newest first", async () => {
    serving({ messages: turns(1, 1) });
    open();
    const box: HTMLTextAreaElement = await screen.findByLabelText("Write to Danas");
    await userEvent.type(box, "Here");

    // What the browser tells a tab when another one writes.
    const key = Object.keys(localStorage).find((one) => one.includes("draft"))!;
    localStorage.setItem(key, "Here and there");
    dispatchEvent(new StorageEvent("storage", { key, newValue: "Here and there" }));

    await waitFor(() => expect(box.value).toBe("Here and there"));
  });

  test("in place of a question is there again after a reload", async () => {
    serving({ messages: turns(1, 1) });
    const user = userEvent.setup();
    open();
    await user.click(await screen.findByRole("button", { name: "Edit and ask again" }));
    await user.type(screen.getByRole("textbox", { name: "Edit and ask again" }), ", really");

    open();
    await user.click(await screen.findByRole("button", { name: "Edit and ask again" }));

    const editor = screen.getByRole("textbox", { name: "Edit and ask again" });
    expect(editor).toHaveProperty("value", "Question 1, really");
  });
});

describe("an answer in the making", () => {
  test("shows thoughts and tools folded away", async () => {
    const [q1, a1] = turns(1, 1) as [Message, Message];
    const open_ = { ...a1, parts: [], answer: { ...a1.answer!, status: "queued" as const } };
    const server = serving({ messages: [q1, open_] });
    const user = userEvent.setup();
    open();
    await screen.findByText("Question 1");
    const say = (seq: number, kind: "reasoning" | "tool" | "text", data: object): void =>
      server.say({ type: "event", answer: "a1", seq, kind, data: data as Record<string, unknown> });

    say(1, "reasoning", { text: "The moon, ", ms: 1500 });
    expect(await screen.findByText("Thinking…")).toBeTruthy();
    say(2, "reasoning", { text: "surely.", ms: 1600 });
    say(3, "tool", { id: "t", name: "almanac", arguments: { day: 3 } });
    say(4, "tool", { id: "t", name: "almanac", result: "high at noon" });
    say(5, "text", { text: "At noon." });

    // 3.1 seconds, to the whole second.
    await user.click(await screen.findByText("Thought for 3 s"));
    expect(await screen.findByText("The moon, surely.")).toBeTruthy();
    await user.click(screen.getByText("Used almanac"));
    expect(screen.getByText("high at noon")).toBeTruthy();
    expect(screen.getByText(/"day": 3/)).toBeTruthy();
  });

  test("asks whether a tool may be used, and says once what was decided", async () => {
    const [q1, a1] = turns(1, 1) as [Message, Message];
    const open_ = { ...a1, parts: [], answer: { ...a1.answer!, status: "queued" as const } };
    const decided = vi.fn(() => ({}));
    const here = { "POST /v1/tool-calls/t/decision": decided };
    const server = serving({ messages: [q1, open_] }, {}, here);
    const user = userEvent.setup();
    open();
    await screen.findByText("Question 1");
    const call = { id: "t", name: "almanac", arguments: { day: 3 } };

    server.say({ type: "event", answer: "a1", seq: 1, kind: "tool", data: { ...call, state: "asked" } });
    await user.click(await screen.findByRole("button", { name: "Allow once" }));

    expect(decided).toHaveBeenCalledTimes(1);
    server.say({ type: "event", answer: "a1", seq: 2, kind: "tool", data: { ...call, state: "refused" } });
    expect(await screen.findByText("You did not allow almanac")).toBeTruthy();
  });
});

test("an answer that is read later still shows its thoughts and tools", async () => {
  const [q1, a1] = turns(1, 1) as [Message, Message];
  const call = { type: "tool", id: "t", name: "almanac", arguments: {}, state: "done" } as const;
  const thought = { type: "reasoning", text: "The moon, surely.", ms: 3100 } as const;
  serving({ messages: [q1, { ...a1, parts: [thought, { ...call, result: "noon", ms: 2 }, ...a1.parts] }] });
  open();

  expect(await screen.findByText("Thought for 3 s")).toBeTruthy();
  expect(screen.getByText("Used almanac")).toBeTruthy();
});
