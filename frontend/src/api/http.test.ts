import { beforeEach, expect, test, vi } from "vitest";
import { FakeServer, Status, error } from "../testing/server";
import { askAhead, get, onSignedOut } from "./http";

beforeEach(() => vi.unstubAllGlobals());

test("what was asked for ahead is not asked for again, but once", async () => {
  const server = new FakeServer({ "GET /v1/thing": () => ({ is: "there" }) });

  askAhead("/v1/thing");
  expect(await get("/v1/thing")).toEqual({ is: "there" });
  expect(server.requests).toHaveLength(1);

  await get("/v1/thing");
  expect(server.requests).toHaveLength(2);
});

test("what was asked for ahead by nobody is asked for again after signing in", async () => {
  let isSignedIn = false;
  new FakeServer({
    "GET /v1/thing": () => (isSignedIn ? { is: "there" } : new Status(401, error("Sign in."))),
  });
  const signedOut = vi.fn();
  const end = onSignedOut(signedOut);

  askAhead("/v1/thing");
  isSignedIn = true;

  expect(await get("/v1/thing")).toEqual({ is: "there" });
  expect(signedOut).not.toHaveBeenCalled();
  end();
});
