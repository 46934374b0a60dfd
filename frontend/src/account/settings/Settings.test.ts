import { cleanup, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { ada, FakeServer, Status } from "../../testing/server";
import { session } from "../session.svelte";
import Elsewhere from "./Elsewhere.svelte";
import Keys from "./Keys.svelte";
import Security from "./Security.svelte";
import Sessions from "./Sessions.svelte";

const KEY = {
  id: 7,
  name: "My script",
  prefix: "danas-abcdef",
  scopes: ["chat"],
  created_at: "2026-11-01T10:00:00Z",
  expires_at: null,
  used_at: null,
};
const ACCOUNT = {
  email: "",
  email_confirmed: false,
  sends_mail: false,
  has_password: true,
  second_factor: false,
  recovery_codes_left: 0,
  elsewhere: "",
  is_linked: false,
};

beforeEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  session.me = ada;
});

test("a key is made with its scopes and shown until it is said to be copied", async () => {
  let keys: object[] = [];
  const server = new FakeServer({
    "GET /v1/keys": () => ({ data: keys }),
    "POST /v1/keys": () => {
      keys = [KEY];
      return new Status(201, { key: "danas-abcdef-the-rest", data: KEY });
    },
  });
  const user = userEvent.setup();
  render(Keys);

  expect(await screen.findByText("You have no keys yet.")).toBeTruthy();
  await user.type(screen.getByLabelText("What is it for?"), "My script");
  await user.click(screen.getByLabelText("Judge answers"));
  await user.click(screen.getByRole("button", { name: "Make a key" }));

  expect(await screen.findByText("danas-abcdef-the-rest")).toBeTruthy();
  expect(server.requests.find(({ call }) => call === "POST /v1/keys")?.body).toEqual({
    name: "My script",
    scopes: ["chat", "feedback"],
    expires_in_days: 90,
  });
  await user.click(screen.getByRole("button", { name: "I have copied it" }));
  expect(screen.queryByText("danas-abcdef-the-rest")).toBeNull();
  expect(screen.getByText("danas-abcdef…")).toBeTruthy();
});

test("a key is revoked after a question", async () => {
  const server = new FakeServer({
    "GET /v1/keys": () => ({ data: [KEY] }),
    "DELETE /v1/keys/7": () => new Status(204, null),
  });
  const user = userEvent.setup();
  render(Keys);

  await user.click(await screen.findByRole("button", { name: "Revoke: My script" }));
  const question = await screen.findByRole("dialog");
  await user.click(within(question).getByRole("button", { name: "Revoke" }));

  expect(server.requests.some(({ call }) => call === "DELETE /v1/keys/7")).toBe(true);
});

test("devices are named in words, and all but this one can be signed out", async () => {
  const device = {
    address: "10.0.0.1",
    began_at: "2026-11-01T10:00:00Z",
    seen_at: "2026-11-01T10:00:00Z",
  };
  const server = new FakeServer({
    "GET /v1/sessions": () => ({
      data: [
        { id: 1, browser: "Firefox", system: "Linux", is_this: true, ...device },
        { id: 2, browser: "", system: "", is_this: false, ...device },
      ],
    }),
    "DELETE /v1/sessions/2": () => new Status(204, null),
  });
  const user = userEvent.setup();
  render(Sessions);

  expect(await screen.findByText("Firefox on Linux")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Sign out: Firefox on Linux" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Sign out: An unknown program" }));

  expect(server.requests.some(({ call }) => call === "DELETE /v1/sessions/2")).toBe(true);
});

test("a second factor is set up with the password, the app and the recovery codes", async () => {
  let isOn = false;
  const server = new FakeServer({
    "GET /v1/account": () => ({
      ...ACCOUNT,
      second_factor: isOn,
      recovery_codes_left: isOn ? 2 : 0,
    }),
    "POST /v1/account/factor": () => ({ secret: "ABCD", url: "otpauth://x", svg: "<svg/>" }),
    "PUT /v1/account/factor": () => {
      isOn = true;
      return { codes: ["11111111", "22222222"] };
    },
  });
  const user = userEvent.setup();
  render(Security);

  await user.click(await screen.findByRole("button", { name: "Set it up" }));
  const question = await screen.findByRole("dialog");
  await user.type(within(question).getByLabelText("Present password"), "a long walk{Enter}");
  expect(await screen.findByText("ABCD")).toBeTruthy();
  await user.type(screen.getByLabelText("Code that the app shows"), "123456{Enter}");

  expect(await screen.findByText(/11111111/)).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "I have kept them" }));
  expect(screen.getByText("2 recovery codes left.")).toBeTruthy();
  expect(server.requests.find(({ call }) => call === "PUT /v1/account/factor")?.body).toEqual({
    code: "123456",
  });
});

test("an account elsewhere is linked after the password, by leaving for the other site", async () => {
  const server = new FakeServer({
    "POST /v1/account/link": () => ({ path: "/oidc/login" }),
  });
  const left: string[] = [];
  const user = userEvent.setup();
  render(Elsewhere, {
    account: { ...ACCOUNT, elsewhere: "The office" },
    onchange: async () => {},
    leave: (path: string) => left.push(path),
  });

  await user.type(screen.getByLabelText("Present password"), "by the sea");
  await user.click(screen.getByRole("button", { name: "Link it" }));

  await waitFor(() => expect(left).toEqual(["/oidc/login"]));
  expect(server.requests[0]?.body).toEqual({ password: "by the sea" });
});

test("a linked account is unlinked, but not where it is the only way in", async () => {
  let is_linked = true;
  let has_password = false;
  new FakeServer({
    "GET /v1/account": () => ({ ...ACCOUNT, elsewhere: "The office", is_linked, has_password }),
    "POST /v1/account/unlink": () => {
      is_linked = false;
      return new Status(204, null);
    },
  });
  const user = userEvent.setup();
  render(Security);
  expect(await screen.findByText(/It is your only way in/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Unlink it" })).toBeNull();

  cleanup();
  has_password = true;
  render(Security);
  const button = await screen.findByRole("button", { name: "Unlink it" });
  await user.type(within(button.closest("form")!).getByLabelText("Present password"), "by the sea");
  await user.click(button);

  expect(await screen.findByRole("button", { name: "Link it" })).toBeTruthy();
});
