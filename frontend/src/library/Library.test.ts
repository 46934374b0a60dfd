import { cleanup, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";
import App from "../App.svelte";
import { session } from "../account/session.svelte";
import type { Conversation, Send } from "../api/types";
import { ada, answer, FakeServer, question } from "../testing/server";
import { router } from "../ui/router.svelte";
import { toasts } from "../ui/toasts.svelte";

const ID = "11111111-1111-4111-8111-111111111111";
const OTHER = "22222222-2222-4222-8222-222222222222";

function row(id: string, title: string, more: Partial<Conversation> = {}): Conversation {
  return {
    id,
    title,
    is_pinned: false,
    is_archived: false,
    is_temporary: false,
    uses_memory: true,
    folder: null,
    created_at: "2026-11-01T10:00:00Z",
    updated_at: "2026-11-01T10:00:00Z",
    ...more,
  };
}

let tides = row(ID, "Tides");
const rain = row(OTHER, "Rain");

function serving(more: Record<string, (body: unknown, query?: URLSearchParams) => unknown> = {}) {
  const messages = [question("q", "How?"), answer("a", "The Moon.", "q")];
  return new FakeServer({
    "GET /v1/session": () => ada,
    "GET /v1/policies": () => ({ live: "base", data: [] }),
    "GET /v1/conversations": (_, query) => ({
      data: /pinned=true|archived=true/.test(String(query)) ? [] : [tides, rain],
      has_more: false,
    }),
    [`GET /v1/conversations/${ID}`]: () => ({
      conversation: tides,
      messages,
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

const list = async () => within(await screen.findByRole("navigation", { name: "Conversations" }));

async function act(title: string, name: string) {
  const user = userEvent.setup();
  const nav = await list();
  await user.click(await nav.findByRole("button", { name: `What to do with “${title}”` }));
  await user.click(screen.getByRole("menuitem", { name }));
  return user;
}

beforeEach(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
  tides = row(ID, "Tides");
});

describe("a person's list", () => {
  test("renames in place, and Esc leaves the title as it was", async () => {
    const server = serving({
      [`PATCH /v1/conversations/${ID}`]: (body) => ({ ...tides, ...(body as object) }),
    });
    open("/");

    const user = await act("Tides", "Rename");
    await user.keyboard("Ebb and flow{Enter}");
    const nav = await list();
    await nav.findByRole("link", { name: "Ebb and flow" });
    await act("Ebb and flow", "Rename");
    await user.keyboard("Nothing{Escape}");

    expect(nav.getByRole("link", { name: "Ebb and flow" })).toBeTruthy();
    expect(server.requests.filter(({ call }) => call.startsWith("PATCH"))).toEqual([
      { call: `PATCH /v1/conversations/${ID}`, body: { title: "Ebb and flow" } },
    ]);
  });

  test("shows what is pinned apart from the rest", async () => {
    serving({ [`PATCH /v1/conversations/${ID}`]: () => ({ ...tides, is_pinned: true }) });
    open("/");

    await act("Tides", "Pin");

    const nav = await list();
    await nav.findByRole("heading", { name: "Pinned" });
    expect(nav.getAllByRole("link", { name: "Tides" })).toHaveLength(1);
  });

  test("reads the next page below what was read in order, not below what is known by chance", async () => {
    const made = (id: string, title: string, day: string) =>
      row(id, title, { updated_at: `2026-${day}T10:00:00Z` });
    const asked: string[] = [];
    const old = { ...tides, updated_at: "2026-01-01T10:00:00Z" };
    serving({
      "GET /v1/conversations": (_, query) => {
        if (query?.get("pinned") !== "false") return { data: [], has_more: false };
        const before = query.get("before");
        if (before) asked.push(before);
        return before
          ? { data: [made("three", "Three", "08-01")], has_more: false }
          : { data: [made("one", "One", "10-01"), made("two", "Two", "09-01")], has_more: true };
      },
      [`GET /v1/conversations/${ID}`]: () => ({
        conversation: old,
        messages: [],
        has_more: false,
        cut: [],
      }),
    });
    open(`/c/${ID}`);
    const nav = await list();
    await nav.findByRole("link", { name: "Tides" });

    await userEvent.click(nav.getByRole("button", { name: "Show more" }));

    await nav.findByRole("link", { name: "Three" });
    expect(asked).toEqual(["two"]);
    expect(nav.queryByRole("button", { name: "Show more" })).toBeNull();
  });

  test("deletes at once and brings back what was deleted", async () => {
    const server = serving({
      "POST /v1/conversations/several": (body) => ({
        data: (body as { act: string }).act === "restore" ? [tides] : [],
        has_more: false,
      }),
    });
    open(`/c/${ID}`);

    const user = await act("Tides", "Delete");
    const nav = await list();
    await waitFor(() => expect(nav.queryByRole("link", { name: "Tides" })).toBeNull());
    await waitFor(() => expect(router.path).toBe("/"));
    await user.click(await screen.findByRole("button", { name: "Undo" }));

    await nav.findByRole("link", { name: "Tides" });
    expect(router.path).toBe(`/c/${ID}`);
    expect(server.requests.filter(({ call }) => call.endsWith("several"))).toHaveLength(2);
  });

  test("archives several together", async () => {
    const server = serving({
      "POST /v1/conversations/several": () => ({
        data: [row(ID, "Tides", { is_archived: true }), row(OTHER, "Rain", { is_archived: true })],
        has_more: false,
      }),
    });
    open("/");

    const user = await act("Tides", "Select several");
    await user.click(screen.getByRole("checkbox", { name: "Select “Rain”" }));
    await user.click(
      within(screen.getByRole("toolbar")).getByRole("button", { name: "Archive" }),
    );

    const nav = await list();
    await waitFor(() => expect(nav.queryByRole("link", { name: "Rain" })).toBeNull());
    const asked = server.requests.find(({ call }) => call.endsWith("several"))!;
    expect(asked.body).toEqual({ conversations: [ID, OTHER], act: "archive", folder: null });
    await user.click(nav.getByRole("button", { name: "Archived" }));
    expect(nav.getByRole("link", { name: "Rain" })).toBeTruthy();
  });

  test("moves into a folder that is made on the way", async () => {
    let folders: object[] = [];
    const moved = row(ID, "Tides", { folder: "f" });
    const server = serving({
      "GET /v1/conversations": (_, query) => ({
        data: query?.has("folder") && query.get("folder") !== "none" ? [moved] : [tides, rain],
        has_more: false,
      }),
      "GET /v1/folders": () => ({ data: folders }),
      "POST /v1/folders": () => {
        folders = [{ id: "f", name: "Sea" }];
        return folders[0];
      },
      "POST /v1/conversations/several": () => ({
        data: [moved],
        has_more: false,
      }),
    });
    open("/");

    const user = await act("Tides", "Move to a folder");
    const dialog = within(screen.getByRole("dialog"));
    await user.type(dialog.getByLabelText("New folder"), "Sea");
    await user.click(dialog.getByRole("button", { name: "Make it" }));
    const nav = await list();
    await user.click(await nav.findByRole("button", { name: "Sea" }));

    expect(nav.getByRole("link", { name: "Tides" }).closest("ul")!.id).toBeTruthy();
    expect(server.requests.find(({ call }) => call.endsWith("several"))!.body).toEqual({
      conversations: [ID],
      act: "move",
      folder: "f",
    });
  });

  test("hears of a title that the model gave, without a reload", async () => {
    const server = serving();
    open("/");
    const nav = await list();
    await nav.findByRole("link", { name: "Tides" });

    server.say({ type: "changed", conversations: [row(ID, "Why the sea rises")] });

    expect(await nav.findByRole("link", { name: "Why the sea rises" })).toBeTruthy();
  });

  test("says so when what is open was deleted in another tab", async () => {
    const server = serving();
    open(`/c/${ID}`);
    await screen.findByText("The Moon.");

    server.say({ type: "gone", conversations: [ID] });

    expect(await screen.findByText("There is no such conversation")).toBeTruthy();
  });
});

describe("a search", () => {
  test("opens with Ctrl+K and leads to the message, with the found words marked", async () => {
    serving({
      "GET /v1/search": () => ({
        data: [
          {
            conversation: tides,
            message: "a",
            role: "assistant",
            at: "2026-11-01T10:00:00Z",
            found_by: ["words", "meaning"],
            excerpt: [
              { text: "The ", is_match: false },
              { text: "<b>Moon</b>", is_match: true },
            ],
          },
        ],
      }),
    });
    const user = userEvent.setup();
    open("/");
    await list();

    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("combobox", { name: "What was said" }), "moon");
    const hit = await screen.findByRole("option", { name: /Tides/ });

    expect(within(hit).getByText("<b>Moon</b>").tagName).toBe("MARK");
    expect(hit.textContent).toContain("its words, its meaning");
    await user.keyboard("{Enter}");
    expect(router.path + router.search).toBe(`/c/${ID}?m=a`);
  });
});

describe("a temporary chat", () => {
  async function lastSend(server: FakeServer): Promise<Send> {
    return await waitFor(() => {
      const send = server.commands.findLast((command) => command.type === "send");
      if (!send) throw new Error("nothing was sent");
      return send;
    });
  }

  test("is asked for before the first word, and marked", async () => {
    const server = serving();
    const user = userEvent.setup();
    open("/");

    await user.click(await screen.findByRole("button", { name: "Make it a temporary chat" }));
    await user.type(screen.getByLabelText("Write to Danas"), "A secret{Enter}");

    expect((await lastSend(server)).is_temporary).toBe(true);
    expect(screen.getByText("Temporary chat")).toBeTruthy();
  });

  test("is not listed, and is asked about when it is left", async () => {
    tides = row(ID, "Secret", { is_temporary: true });
    const server = serving({
      "GET /v1/conversations": () => ({ data: [rain], has_more: false }),
      [`DELETE /v1/conversations/${ID}`]: () => undefined,
    });
    const user = userEvent.setup();
    open(`/c/${ID}`);
    await screen.findByText("Temporary chat");
    const nav = await list();

    expect(nav.queryByRole("link", { name: "Secret" })).toBeNull();
    await user.click(nav.getByRole("link", { name: "New chat" }));
    await user.click(await screen.findByRole("button", { name: "Delete it" }));

    await waitFor(() =>
      expect(server.requests.some(({ call }) => call.startsWith("DELETE"))).toBe(true),
    );
  });
});
