import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { session } from "../account/session.svelte";
import DataSection from "../mydata/DataSection.svelte";
import { ada, error, FakeServer, Status } from "../testing/server";
import ShareDialog from "./ShareDialog.svelte";
import SharedPage from "./SharedPage.svelte";

const LINK = {
  id: "1",
  conversation: "c",
  path: "/s/token",
  title: "Tides",
  messages: 2,
  has_name: false,
  created_at: "2026-11-01T10:00:00Z",
};

beforeEach(() => vi.unstubAllGlobals());

test("a link is made to what is shown, and revoked", async () => {
  let links = [] as object[];
  const server = new FakeServer({
    "GET /v1/conversations/c/shares": () => ({ data: links }),
    "POST /v1/conversations/c/shares": () => ((links = [LINK]), LINK),
    "DELETE /v1/shares/1": () => ((links = []), new Status(204, null)),
  });
  const user = userEvent.setup();
  render(ShareDialog, { props: { conversation: "c", leaf: "m", onclose: () => {} } });

  await user.click(screen.getByRole("button", { name: "Make a link" }));
  const link = await screen.findByRole("link", { name: "Tides" });
  expect(link.getAttribute("href")).toBe("/s/token");
  expect(server.requests.find(({ call }) => call.startsWith("POST"))?.body).toEqual({
    leaf: "m",
    with_name: false,
  });

  await user.click(screen.getByRole("button", { name: "Revoke" }));
  await waitFor(() => expect(screen.queryByRole("link", { name: "Tides" })).toBeNull());
});

test("what was shared is read without signing in", async () => {
  const image = { type: "image", image: "i" };
  new FakeServer({
    "GET /v1/shared/token": () => ({
      title: "Tides",
      name: "",
      shared_at: "2026-11-01T10:00:00Z",
      messages: [
        { role: "user", parts: [{ type: "text", text: "Why?" }, image], created_at: "" },
        { role: "assistant", parts: [{ type: "text", text: "The **Moon**." }], created_at: "" },
      ],
    }),
  });
  render(SharedPage, { props: { token: "token" } });

  expect((await screen.findByRole("heading", { name: "Tides" })).tagName).toBe("H1");
  expect(screen.getByText("Moon").tagName).toBe("STRONG");
  const shown = screen.getByRole<HTMLImageElement>("img");
  expect(shown.getAttribute("src")).toBe("/v1/shared/token/images/i");
});

test("a link that was revoked says so", async () => {
  new FakeServer({ "GET /v1/shared/token": () => new Status(404, error("Nothing.")) });
  render(SharedPage, { props: { token: "token" } });

  expect((await screen.findByRole("alert")).textContent).toContain("It was revoked");
});

test("everything is deleted only with the name typed", async () => {
  session.me = ada;
  const server = new FakeServer({
    "GET /v1/exports": () => ({ data: [] }),
    "GET /v1/shares": () => ({ data: [] }),
    "GET /v1/me/erasure": () => null,
    "POST /v1/me/erasure": () => ({ what: "conversations", left: 3 }),
  });
  const user = userEvent.setup();
  render(DataSection);

  await user.click(screen.getByRole("button", { name: "Delete all conversations" }));
  const [, sure] = screen.getAllByRole("button", { name: "Delete all conversations" });
  expect((sure as HTMLButtonElement).disabled).toBe(true);
  await user.type(screen.getByLabelText("Type your name, Ada, to confirm"), "Ada");
  await user.type(screen.getByLabelText("Password"), "secret");
  await user.click(sure!);

  await waitFor(() =>
    expect(server.requests.find(({ call }) => call === "POST /v1/me/erasure")?.body).toEqual({
      what: "conversations",
      name: "Ada",
      password: "secret",
    }),
  );
});
