import { cleanup, render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import App from "../App.svelte";
import { ada, FakeServer, Status } from "../testing/server";
import { router } from "../ui/router.svelte";
import { toasts } from "../ui/toasts.svelte";
import { session } from "./session.svelte";

const refused = (status: number, code: string, message: string): Status =>
  new Status(status, { error: { message, type: "error", param: null, code } });

const signedOut = {
  "GET /v1/session": () => refused(401, "not_signed_in", "Sign in."),
  "GET /v1/conversations": () => ({ data: [], has_more: false }),
  "GET /v1/policies": () => ({ live: "base", data: [] }),
};

function open(path: string): void {
  cleanup();
  session.me = null;
  session.isExpired = false;
  toasts.shown = [];
  router.go(path);
  render(App);
}

beforeEach(() => {
  localStorage.clear();
  vi.unstubAllGlobals();
});

test("a second factor is asked for after the password, and a wrong code said", async () => {
  const server = new FakeServer({
    ...signedOut,
    "POST /v1/session": (body) => {
      const { code } = body as { code?: string };
      if (!code) return refused(401, "second_factor_needed", "Enter the code.");
      return code === "123456" ? ada : refused(403, "second_factor_wrong", "The code is wrong.");
    },
  });
  const user = userEvent.setup();
  open("/");

  await user.type(await screen.findByLabelText("Name"), "Ada");
  await user.type(screen.getByLabelText("Password"), "a long walk");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  await user.type(await screen.findByLabelText("Code"), "000000{Enter}");
  expect((await screen.findByRole("alert")).textContent).toBe("The code is wrong.");

  await user.clear(screen.getByLabelText("Code"));
  await user.type(screen.getByLabelText("Code"), "123456{Enter}");

  expect(await screen.findByText("What’s on your mind, Ada?")).toBeTruthy();
  expect(server.requests.findLast(({ call }) => call === "POST /v1/session")?.body).toEqual({
    name: "Ada",
    password: "a long walk",
    code: "123456",
  });
});

test("who comes back from another site is asked for the code alone", async () => {
  new FakeServer({ ...signedOut, "POST /v1/session/second-step": () => ada });
  const user = userEvent.setup();
  open("/signin?sso=second_factor");

  expect(await screen.findByLabelText("Code")).toBeTruthy();
  expect(screen.queryByLabelText("Password")).toBeNull();
  await user.type(screen.getByLabelText("Code"), "123456{Enter}");

  expect(await screen.findByText("What’s on your mind, Ada?")).toBeTruthy();
  expect(location.pathname + location.search).toBe("/");
});

test("another site's refusal is said in a sentence", async () => {
  new FakeServer(signedOut);
  open("/signin?sso=signup_closed");

  expect((await screen.findByRole("alert")).textContent).toContain("no account here yet");
});

test("an invitation makes an account with its token", async () => {
  const server = new FakeServer({
    ...signedOut,
    "POST /v1/invitations/look": () => ({ role: "reviewer", expires_at: "2026-12-01T10:00:00Z" }),
    "POST /v1/accounts": () => ({ ...ada, training: true, research: false }),
  });
  const user = userEvent.setup();
  open("/invite/t0ken");

  await screen.findByText("Make your account. Your role here: Reviewer.");
  await user.type(screen.getByLabelText("Name"), "Ada");
  await user.type(screen.getByLabelText("Password"), "a long walk");
  await user.click(screen.getByRole("button", { name: "Create account" }));

  expect(await screen.findByText("What’s on your mind, Ada?")).toBeTruthy();
  const made = server.requests.find(({ call }) => call === "POST /v1/accounts");
  expect(made?.body).toMatchObject({ name: "Ada", invitation: "t0ken" });
  expect(location.pathname).toBe("/");
});

test("a used invitation says so and offers nothing to fill in", async () => {
  new FakeServer({
    ...signedOut,
    "POST /v1/invitations/look": () => refused(410, "invitation_invalid", "It was used already."),
  });
  open("/invite/t0ken");

  expect((await screen.findByRole("alert")).textContent).toContain("It was used already.");
  expect(screen.queryByRole("textbox")).toBeNull();
});

test("the first administrator is led through the set-up before anything else", async () => {
  const server = new FakeServer({
    ...signedOut,
    "GET /v1/session": () => ({ ...ada, must_set_up: true, training: null }),
    "GET /v1/installation": () => ({ signup: "closed", signup_is_fixed: false }),
    "POST /v1/setup": () => ({ ...ada, name: "grace", training: null }),
  });
  const user = userEvent.setup();
  open("/");

  const name = await screen.findByLabelText("Name");
  await user.clear(name);
  await user.type(name, "grace");
  await user.type(screen.getByLabelText("New password"), "harbours and moths");
  await user.click(await screen.findByLabelText("Whoever I invite"));
  await user.click(screen.getByRole("button", { name: "Begin" }));

  expect(await screen.findByText("What may Danas learn from?")).toBeTruthy();
  await waitFor(() =>
    expect(server.requests.find(({ call }) => call === "POST /v1/setup")?.body).toEqual({
      name: "grace",
      password: "harbours and moths",
      signup: "invitation",
    }),
  );
});

test("somebody who signs out is not told that the session has expired", async () => {
  let shownOnTheWay = true;
  const server = new FakeServer({
    ...signedOut,
    "GET /v1/session": () => ada,
    "DELETE /v1/session": () => {
      // The socket hears of it while the request is still on its way.
      session.expire();
      shownOnTheWay = session.isExpired;
      return new Status(204, null);
    },
  });
  const user = userEvent.setup();
  session.me = ada;
  open("/");

  await user.click(await screen.findByRole("button", { name: "Sign out" }));

  expect(await screen.findByText("Welcome back")).toBeTruthy();
  expect(server.requests.some(({ call }) => call === "DELETE /v1/session")).toBe(true);
  expect(shownOnTheWay).toBe(false);
});
