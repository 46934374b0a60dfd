import { cleanup, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";
import App from "./App.svelte";
import { session } from "./account/session.svelte";
import type { Send } from "./api/types";
import { ada, answer, error, FakeServer, question, Status } from "./testing/server";
import { router } from "./ui/router.svelte";
import { toasts } from "./ui/toasts.svelte";

const CONVERSATION = {
  id: "c",
  title: "Tides",
  created_at: "2026-11-01T10:00:00Z",
  updated_at: "2026-11-01T10:00:00Z",
};
const ID = "11111111-1111-4111-8111-111111111111";

const signedIn = {
  "GET /v1/session": () => ada,
  "GET /v1/conversations": () => ({ data: [], has_more: false }),
  "GET /v1/policies": () => ({ live: "base", data: [] }),
};

/** The whole page as a browser opens it, at an address. */
function open(path: string): void {
  cleanup();
  session.me = null;
  session.isExpired = false;
  toasts.shown = [];
  router.go(path);
  render(App);
}

function serving(
  messages: object[],
  more: Record<string, (body: unknown) => unknown> = {},
): FakeServer {
  const conversation = { ...CONVERSATION, id: ID };
  return new FakeServer({
    ...signedIn,
    [`GET /v1/conversations/${ID}`]: () => ({ conversation, messages, has_more: false, cut: [] }),
    ...more,
  });
}

function event(
  answer: string,
  seq: number,
  kind: "start" | "text" | "done",
  data: Record<string, unknown>,
) {
  return { type: "event" as const, answer, seq, kind, data };
}

async function lastSend(server: FakeServer): Promise<Send> {
  return await waitFor(() => {
    const send = server.commands.findLast((command) => command.type === "send");
    if (!send) throw new Error("nothing was sent");
    return send;
  });
}

beforeEach(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
});

describe("a person", () => {
  test("signs in, and is told why when that fails", async () => {
    let isRight = false;
    new FakeServer({
      ...signedIn,
      "GET /v1/session": () => new Status(401, error("Sign in.")),
      "POST /v1/session": () =>
        isRight ? ada : new Status(401, error("The name or the password is wrong.")),
    });
    const user = userEvent.setup();
    open("/");

    await user.type(await screen.findByLabelText("Name"), "Ada");
    await user.type(screen.getByLabelText("Password"), "wrong");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect((await screen.findByRole("alert")).textContent).toBe(
      "The name or the password is wrong.",
    );

    isRight = true;
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("What’s on your mind, Ada?")).toBeTruthy();
  });

  test("is asked once what may be learned from", async () => {
    const server = new FakeServer({
      ...signedIn,
      "GET /v1/session": () => ({ ...ada, training: null, research: null }),
      "PATCH /v1/session": (choice) => ({ ...ada, ...(choice as object) }),
    });
    const user = userEvent.setup();
    open("/");

    await user.click(await screen.findByLabelText("Learn from my chats"));
    await user.click(screen.getByRole("button", { name: "Save my choice" }));

    await waitFor(() => expect(screen.queryByText("What may Danas learn from?")).toBeNull());
    expect(server.requests.find(({ call }) => call === "PATCH /v1/session")?.body).toEqual({
      training: false,
      research: false,
    });
  });

  test("asks, and sees the answer grow", async () => {
    const server = new FakeServer(signedIn);
    const user = userEvent.setup();
    open("/");

    await user.type(await screen.findByLabelText("Write to Danas"), "Why tides?{Enter}");
    const send = await lastSend(server);
    server.say({ type: "accepted", request: send.request });
    server.say(
      event(send.answer, 1, "start", { policy: "base", window_tokens: 9, window_limit: 99 }),
    );
    server.say(event(send.answer, 2, "text", { text: "Because of " }));
    server.say(event(send.answer, 3, "text", { text: "the moon." }));
    server.say(event(send.answer, 4, "done", { finish_reason: "stop" }));

    expect(location.pathname).toBe(`/c/${send.conversation}`);
    expect(screen.getByText("Why tides?")).toBeTruthy();
    expect(await screen.findByText("Because of the moon.")).toBeTruthy();
    expect(await screen.findByRole("button", { name: "Good answer" })).toBeTruthy();
  });

  test("loses nothing when the connection breaks before the server has answered", async () => {
    const server = new FakeServer(signedIn);
    const user = userEvent.setup();
    open("/");
    await user.type(await screen.findByLabelText("Write to Danas"), "Why tides?{Enter}");
    const first = await lastSend(server);

    server.cut();
    expect(await screen.findByText("Reconnecting…")).toBeTruthy();
    server.commands = [];
    dispatchEvent(new Event("online"));

    expect(await lastSend(server)).toEqual(first);
  });

  test("gets back what the server refused, to change it", async () => {
    const server = new FakeServer(signedIn);
    const user = userEvent.setup();
    open("/");
    const box: HTMLTextAreaElement = await screen.findByLabelText("Write to Danas");
    await user.type(box, "A long story{Enter}");
    const send = await lastSend(server);

    const refusal = {
      code: "message_oversize",
      message: "The message is too long.",
      can_retry: false,
      retry_after_s: null,
    };
    server.say({ type: "refused", request: send.request, ...refusal });

    expect(await screen.findByText("The message is too long.")).toBeTruthy();
    await waitFor(() => expect(box.value).toBe("A long story"));
    expect(screen.queryByRole("article")).toBeNull();
  });

  test("finds an unfinished sentence again after a reload", async () => {
    serving([question("q", "Why tides?"), answer("a", "The moon.", "q")]);
    const user = userEvent.setup();
    open(`/c/${ID}`);
    await user.type(await screen.findByLabelText("Write to Danas"), "And then");

    open(`/c/${ID}`);

    const box: HTMLTextAreaElement = await screen.findByLabelText("Write to Danas");
    expect(box.value).toBe("And then");
  });

  test("praises an answer and is told that it was learned", async () => {
    const server = serving([question("q", "Why tides?"), answer("a", "The moon.", "q")], {
      "POST /v1/feedback": () => ({ id: "f", reward_version: 12 }),
      "DELETE /v1/feedback/f": () => new Status(204, null),
    });
    const user = userEvent.setup();
    open(`/c/${ID}`);

    const thumb = await screen.findByRole("button", { name: "Good answer" });
    await user.click(thumb);
    expect(await screen.findByText("Learned as reward version 12")).toBeTruthy();
    expect(thumb.getAttribute("aria-pressed")).toBe("true");

    await user.click(thumb);
    await waitFor(() => expect(thumb.getAttribute("aria-pressed")).toBe("false"));
    expect(server.requests.at(-1)?.call).toBe("DELETE /v1/feedback/f");
  });

  test("says what an answer should have been, beginning from what it was", async () => {
    const server = serving([question("q", "Why tides?"), answer("a", "The sun.", "q")], {
      "POST /v1/feedback": () => ({ id: "f", reward_version: null }),
    });
    const user = userEvent.setup();
    open(`/c/${ID}`);

    await user.click(await screen.findByRole("button", { name: "What it should have said" }));
    const editor: HTMLTextAreaElement = screen.getByLabelText("What it should have said", {
      selector: "textarea",
    });
    expect(editor.value).toBe("The sun.");
    await user.clear(editor);
    await user.type(editor, "The moon.");
    await user.click(screen.getByRole("button", { name: "Teach this" }));

    expect(await screen.findByText("You taught it to say")).toBeTruthy();
    expect(server.requests.at(-1)?.body).toEqual({
      message: "a",
      kind: "correction",
      text: "The moon.",
    });
  });

  test("says in words what was good or bad about an answer", async () => {
    const server = serving([question("q", "Why tides?"), answer("a", "The sun.", "q")], {
      "POST /v1/feedback": () => ({ id: "f", reward_version: 13 }),
    });
    const user = userEvent.setup();
    open(`/c/${ID}`);

    await user.click(await screen.findByRole("button", { name: "Say it in words" }));
    await user.click(screen.getByRole("button", { name: "Wrong" }));
    await user.click(screen.getByRole("button", { name: "Too long" }));
    await user.click(screen.getByRole("button", { name: "Say it" }));

    expect(await screen.findByText("Wrong, Too long.")).toBeTruthy();
    expect(server.requests.at(-1)?.body).toEqual({
      message: "a",
      kind: "comment",
      text: "Wrong, Too long.",
      tags: ["wrong", "too_long"],
    });
    const receipt = await screen.findByRole("link", { name: "Learned as reward version 13" });
    expect(receipt.getAttribute("href")).toBe("/learning/receipts/f");
  });

  test("prefers one answer to the other, and changes their mind", async () => {
    let given = 0;
    const server = serving(
      [question("q", "Why tides?"), answer("a", "The sun.", "q"), answer("b", "The moon.", "q")],
      { "POST /v1/feedback": () => ({ id: `f${(given += 1)}`, reward_version: given }) },
    );
    const user = userEvent.setup();
    open(`/c/${ID}`);

    await user.click(
      await screen.findByRole("button", { name: "Better than answer 1" }),
    );
    expect(server.requests.at(-1)?.body).toMatchObject({ kind: "preference", over: "a" });

    await user.click(screen.getByRole("button", { name: "Previous version" }));
    await user.click(screen.getByRole("button", { name: "Better than answer 2" }));
    await user.click(screen.getByRole("button", { name: "Next version" }));
    const first = screen.getByRole("button", { name: "Better than answer 1" });
    await waitFor(() => expect(first.getAttribute("aria-pressed")).toBe("false"));
  });

  test("asks again after an interruption, and can look at both answers", async () => {
    const broken = answer("a", "The m", "q");
    const server = serving([
      question("q", "Why tides?"),
      { ...broken, answer: { ...broken.answer!, status: "interrupted", can_retry: true } },
    ]);
    const user = userEvent.setup();
    open(`/c/${ID}`);

    await user.click(await screen.findByRole("button", { name: "Ask again" }));
    const asked = server.commands.find((command) => command.type === "regenerate");
    expect(asked?.parent).toBe("q");
    server.say(event(asked!.answer, 1, "text", { text: "The moon." }));
    server.say(event(asked!.answer, 2, "done", { finish_reason: "stop" }));

    expect(await screen.findByText("The moon.")).toBeTruthy();
    expect(screen.getByText("2 of 2")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Previous version" }));
    expect(await screen.findByText("The m")).toBeTruthy();
  });

  test("signs in again over the page when the session has ended, and keeps the draft", async () => {
    serving([question("q", "Why tides?"), answer("a", "The moon.", "q")], {
      "POST /v1/feedback": () => new Status(401, error("Sign in.")),
      "POST /v1/session": () => ada,
    });
    const user = userEvent.setup();
    open(`/c/${ID}`);
    const box: HTMLTextAreaElement = await screen.findByLabelText("Write to Danas");
    await user.type(box, "And then");

    await user.click(screen.getByRole("button", { name: "Bad answer" }));
    const dialog = await screen.findByRole("dialog", { name: "Please sign in again" });
    await user.type(within(dialog).getByLabelText("Password"), "right");
    await user.click(within(dialog).getByRole("button", { name: "Sign in" }));

    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(box.value).toBe("And then");
  });
});
