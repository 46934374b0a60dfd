import { cleanup, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";
import App from "../App.svelte";
import { session } from "../account/session.svelte";
import type { MemoryBlock, MemoryWindow, Note, Profile } from "../api/types";
import { ada, answer, error, FakeServer, question, Status } from "../testing/server";
import { router } from "../ui/router.svelte";
import { toasts } from "../ui/toasts.svelte";

const ID = "11111111-1111-4111-8111-111111111111";
const CONVERSATION = {
  id: ID,
  title: "Cats",
  is_pinned: false,
  is_archived: false,
  is_temporary: false,
  uses_memory: true,
  folder: null,
  created_at: "2026-11-01T10:00:00Z",
  updated_at: "2026-11-01T10:00:00Z",
};

function note(id: string, text: string, more: Partial<Note> = {}): Note {
  return {
    id,
    text,
    kind: "fact",
    is_pinned: false,
    tokens: 6,
    source: "q1",
    conversation: ID,
    title: "Cats",
    created_at: "2026-11-01T10:00:00Z",
    changed_at: "2026-11-01T10:00:00Z",
    ...more,
  };
}

function profile(notes: Note[], isOn = true): Profile {
  return {
    is_on: isOn,
    notes,
    used_tokens: 6 * notes.length,
    limit_tokens: 256,
    pinned_tokens: 0,
    pinned_limit: 128,
  };
}

function block(id: number, text: string, more: Partial<MemoryBlock> = {}): MemoryBlock {
  return {
    id,
    message: `q${id}`,
    role: "user",
    text,
    tokens: 5,
    importance: 0.5,
    is_read: true,
    rewrites: 0,
    is_pinned: false,
    ...more,
  };
}

function windowOf(more: Partial<MemoryWindow> = {}): MemoryWindow {
  const seen = [block(0, "My cat is called Tom."), block(1, "What is it called?")];
  return {
    limit_tokens: 2048,
    used_tokens: 40,
    system_text: "You are Danas.",
    notes: [{ id: "n1", text: "I like rice." }],
    blocks: seen,
    changes: [],
    left_out: [],
    is_current: true,
    memory: [...seen, block(2, "Tom.", { message: "a1", role: "assistant" })],
    pinned_tokens: 0,
    pinned_limit: 900,
    uses_memory: true,
    is_on: true,
    ...more,
  };
}

type Answers = Record<string, (body: unknown) => unknown>;

function serving(more: Answers): FakeServer {
  return new FakeServer({
    "GET /v1/session": () => ada,
    "GET /v1/conversations": () => ({ data: [], has_more: false }),
    "GET /v1/policies": () => ({ live: "base", data: [] }),
    [`GET /v1/conversations/${ID}`]: () => ({
      conversation: CONVERSATION,
      messages: [question("q1", "What is it called?"), answer("a1", "Tom.", "q1")],
      has_more: false,
      cut: [],
    }),
    ...more,
  });
}

function open(path: string): void {
  cleanup();
  session.me = null;
  session.isExpired = false;
  toasts.shown = [];
  router.go(path);
  render(App);
}

async function drawer(): Promise<HTMLElement> {
  const user = userEvent.setup();
  open(`/c/${ID}`);
  await user.click(await screen.findByRole("button", { name: "Show what Danas had in mind" }));
  const dialog = await screen.findByRole("dialog", { name: "Memory of this answer" });
  await within(dialog).findByText("What it remembers now");
  return dialog;
}

const sent = (server: FakeServer, call: string): unknown =>
  server.requests.find((request) => request.call === call)?.body;

beforeEach(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
});

describe("the page of what is remembered", () => {
  test("says where each line came from, and finds one by its words", async () => {
    const user = userEvent.setup();
    const own = { kind: "own" as const, source: null, conversation: null, title: "" };
    serving({
      "GET /v1/memory": () =>
        profile([note("n1", "I have two cats."), note("n2", "I keep bees.", own)]),
    });
    open("/memory");

    const from = await screen.findByRole("link", { name: "From “Cats”" });
    await user.type(screen.getByRole("searchbox"), "BEES");

    expect(from.getAttribute("href")).toBe(`/c/${ID}?m=q1`);
    expect(screen.queryByText("I have two cats.")).toBeNull();
    expect(screen.getByText("I keep bees.")).toBeTruthy();
    expect(screen.getByText(/^Written by you/)).toBeTruthy();
  });

  test("a line is added, and what had to give way is said", async () => {
    const user = userEvent.setup();
    const server = serving({
      "GET /v1/memory": () => profile([]),
      "POST /v1/memory/notes": () => ({
        note: note("n2", "I keep bees."),
        gave_way: [note("n1", "I have two cats.")],
      }),
    });
    open("/memory");

    await user.type(await screen.findByLabelText("Something to remember"), "I keep bees.{Enter}");

    expect(await screen.findByText("Remembered. 1 other line had to give way.")).toBeTruthy();
    expect(sent(server, "POST /v1/memory/notes")).toEqual({ text: "I keep bees." });
  });

  test("a line is deleted and brought back", async () => {
    const user = userEvent.setup();
    let notes = [note("n1", "I have two cats.")];
    serving({
      "GET /v1/memory": () => profile(notes),
      "DELETE /v1/memory/notes/n1": () => {
        notes = [];
        return new Status(204, null);
      },
      "POST /v1/memory/notes/n1/restore": () => {
        notes = [note("n1", "I have two cats.")];
        return notes[0];
      },
    });
    open("/memory");

    await user.click(await screen.findByRole("button", { name: "Delete: I have two cats." }));
    expect(await screen.findByText("Nothing yet")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Undo" }));

    expect(await screen.findByText("I have two cats.")).toBeTruthy();
  });

  test("a pin beyond the room is refused in a sentence, and the line stays as it was", async () => {
    const user = userEvent.setup();
    serving({
      "GET /v1/memory": () => profile([note("n1", "I have two cats.")]),
      "PATCH /v1/memory/notes/n1": () => new Status(409, error("Pinned notes have 120 of 128.")),
    });
    open("/memory");

    const pin = await screen.findByRole("button", { name: "Pin: I have two cats." });
    await user.click(pin);

    expect(await screen.findByText("Pinned notes have 120 of 128.")).toBeTruthy();
    expect(pin.getAttribute("aria-pressed")).toBe("false");
  });

  test("is switched off for all, and follows what another tab does", async () => {
    const user = userEvent.setup();
    let isOn = true;
    const server = serving({
      "GET /v1/memory": () => profile([], isOn),
      "PATCH /v1/memory": () => profile([], (isOn = false)),
    });
    open("/memory");

    await user.click(await screen.findByRole("switch", { name: "Use memory" }));
    expect(await screen.findByText(/^Memory is off\./)).toBeTruthy();
    isOn = true;
    server.say({ type: "memory_changed", conversation: null });

    await waitFor(() => expect(screen.queryByText(/^Memory is off\./)).toBeNull());
  });
});

describe("the memory of the last answer", () => {
  test("is pinned and added to", async () => {
    const user = userEvent.setup();
    const server = serving({
      "GET /v1/messages/a1/window": () => windowOf(),
      "PATCH /v1/messages/a1/memory/0": () =>
        windowOf({ memory: [block(0, "My cat is called Tom.", { is_pinned: true })] }),
      "POST /v1/messages/a1/memory": () => windowOf({ memory: [block(3, "It is Friday.")] }),
    });
    const dialog = within(await drawer());

    await user.click(dialog.getByRole("button", { name: "Pin: My cat is called Tom." }));
    expect(await dialog.findByText("Pinned")).toBeTruthy();
    await user.type(
      dialog.getByLabelText("Something to remember in this chat"),
      "It is Friday.{Enter}",
    );

    expect(await dialog.findByText("It is Friday.")).toBeTruthy();
    expect(sent(server, "PATCH /v1/messages/a1/memory/0")).toEqual({ is_pinned: true });
  });

  test("forgets only when asked twice, and says that the message stays", async () => {
    const user = userEvent.setup();
    let memory = windowOf();
    const server = serving({
      "GET /v1/messages/a1/window": () => memory,
      "DELETE /v1/messages/a1/memory/0": () => {
        memory = windowOf({ memory: [] });
        return new Status(204, null);
      },
    });
    const dialog = within(await drawer());

    await user.click(dialog.getByRole("button", { name: "Forget this: My cat is called Tom." }));
    expect(dialog.getByText(/The message itself stays in the chat/)).toBeTruthy();
    expect(sent(server, "DELETE /v1/messages/a1/memory/0")).toBeUndefined();
    await user.click(dialog.getByRole("button", { name: "Forget it" }));

    await waitFor(() => expect(dialog.queryByText("My cat is called Tom.")).toBeNull());
  });

  test("is left out of another answer, in part", async () => {
    const user = userEvent.setup();
    const server = serving({ "GET /v1/messages/a1/window": () => windowOf() });
    const dialog = within(await drawer());
    const without = "Leave out of another answer";

    // Neither the question nor the answer itself.
    expect(dialog.getAllByRole("button", { name: new RegExp(`^${without}`) })).toHaveLength(2);
    await user.click(dialog.getByRole("button", { name: `${without}: My cat is called Tom.` }));
    await user.click(dialog.getByRole("button", { name: `${without}: I like rice.` }));
    await user.click(dialog.getByRole("button", { name: "Answer again without 2 things" }));

    const asked = server.commands.find(({ type }) => type === "regenerate");
    expect(asked).toMatchObject({ parent: "q1", without: { blocks: [0], notes: ["n1"] } });
  });

  test("what should have been kept is said, and taken back", async () => {
    const user = userEvent.setup();
    let isMissed = false;
    const change = () => ({
      block: 7,
      action: "forgotten" as const,
      role: "user",
      text_before: "My dog is called Rex.",
      text_after: "",
      tokens_before: 6,
      tokens_after: 0,
      reason: "among the oldest",
      is_missed: isMissed,
    });
    serving({
      "GET /v1/messages/a1/window": () => windowOf({ changes: [change()] }),
      "POST /v1/messages/a1/memory/7/missed": () => {
        isMissed = true;
        return { outcome: "noted" };
      },
      "DELETE /v1/messages/a1/memory/7/missed": () => {
        isMissed = false;
        return new Status(204, null);
      },
    });
    const dialog = within(await drawer());
    const button = () =>
      dialog.getByRole("button", {
        name: "Should have been kept: My dog is called Rex.",
        hidden: true,
      });

    await user.click(button());
    expect(await screen.findAllByText(/^Noted\. Danas learns from it overnight/)).not.toEqual([]);
    await waitFor(() => expect(button().getAttribute("aria-pressed")).toBe("true"));
    await user.click(button());

    await waitFor(() => expect(button().getAttribute("aria-pressed")).toBe("false"));
  });

  test("is history once the chat went on, and says what an answer did without", async () => {
    const user = userEvent.setup();
    const past = windowOf({ is_current: false, memory: [], left_out: ["My dog is called Rex."] });
    serving({ "GET /v1/messages/a1/window": () => past });
    open(`/c/${ID}`);

    await user.click(await screen.findByRole("button", { name: "Show what Danas had in mind" }));

    expect(await screen.findByText("Left out of this answer")).toBeTruthy();
    expect(screen.getByText("My dog is called Rex.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /^Forget this/ })).toBeNull();
  });
});
