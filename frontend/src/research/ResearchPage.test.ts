import { cleanup, render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { FoundTrajectory, Snapshot } from "../api/types";
import { ada, FakeServer, Status } from "../testing/server";
import { router } from "../ui/router.svelte";
import ResearchPage from "./ResearchPage.svelte";
import { curlOf, pythonOf } from "./filters";
import { probability, stepOf } from "./surprise";

const found: FoundTrajectory = {
  trajectory_id: "11111111-1111-4111-8111-111111111111",
  place: 7,
  created_at: "2026-11-03T10:00:00Z",
  person: "p".repeat(32),
  policy: "base",
  question: "What is rain?",
  answer: "Water that falls.",
  feedback: ["up"],
  tokens: 2,
  nearness: 0,
};
const looked = {
  row: {
    messages: [{ role: "user", content: "What is rain?" }],
    sampled_token_ids: [4, 5],
    logprobs: [-0.05, -4],
    feedback: [{ id: "f", kind: "up", text: "", use: "learned", tags: ["clear"] }],
    used_by: [{ policy: "danas-v1-abababab" }],
    policy: "base",
    revision: 1,
  },
  pieces: ["Water", " falls"],
};
const snapshot: Snapshot = {
  id: "22222222-2222-4222-8222-222222222222",
  format: "trl-sft",
  filter: { policy: "base" },
  state: "building",
  reason: "",
  looked_at: 30,
  of: 60,
  rows: 0,
  files: [],
  created_at: "2026-11-03T10:00:00Z",
  finished_at: null,
  expires_at: "2026-11-10T10:00:00Z",
};

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer({
    "GET /v1/trajectories/found": () => ({ data: [found], has_more: false }),
    [`GET /v1/trajectories/${found.trajectory_id}`]: () => looked,
    "GET /v1/snapshots": () => ({ data: [snapshot] }),
    "POST /v1/snapshots": () => new Status(202, snapshot),
    "GET /v1/pulls": () => ({ data: [], has_more: false }),
  });
});

function open(path: string): ReturnType<typeof userEvent.setup> {
  cleanup();
  router.go(path);
  render(ResearchPage, { me: ada });
  return userEvent.setup();
}

test("a filter stands in the address", async () => {
  const user = open("/research?feedback=up");

  const kind = await screen.findByRole("combobox", { name: "Feedback" });
  expect((kind as HTMLSelectElement).value).toBe("up");
  await user.type(screen.getByRole("textbox", { name: "Version" }), "base{Tab}");

  expect(router.search).toBe("?feedback=up&policy=base");
});

test("a trajectory is opened and shows how probable each token was", async () => {
  const user = open("/research");

  await user.click(await screen.findByRole("link", { name: "What is rain?" }));

  const drawer = await screen.findByRole("dialog", { name: "Trajectory" });
  // e^-4 is 0.0183.
  const token = await within(drawer).findByTitle("token 5, probability 0.018");
  expect(token.textContent).toBe(" falls");
  expect(within(drawer).getByText("learned from · clear")).toBeTruthy();
  expect(within(drawer).getByText("danas-v1-abababab")).toBeTruthy();
  expect(router.query.get("open")).toBe(found.trajectory_id);
});

test("a snapshot is asked for with the filter, and its progress is shown", async () => {
  const user = open("/research?policy=base");

  await user.click(await screen.findByText("Pull this"));
  await user.selectOptions(screen.getByRole("combobox", { name: "Format" }), "trl-sft");
  await user.click(screen.getByRole("button", { name: "Make a snapshot of this filter" }));

  expect(await screen.findByText("30 of 60 read")).toBeTruthy();
  const asked = server.requests.find(({ call }) => call === "POST /v1/snapshots");
  expect(asked?.body).toEqual({ format: "trl-sft", filter: { policy: "base" } });
});

test("what a program would ask for is what the filter says", () => {
  const query = new URLSearchParams("q=rain&feedback=up&from=2026-11-01&open=x");

  expect(curlOf(query, "native", "http://d")).toContain(
    '"http://d/v1/trajectories?format=native&since=0&from=2026-11-01&feedback=up"',
  );
  const python = pythonOf(query, "native", "http://d");
  expect(python).toContain('start="2026-11-01",');
  expect(python).toContain('feedback=["up"],');
});

test("surprise has five steps", () => {
  expect([0, -0.1, -0.7, -1.6, -3].map(stepOf)).toEqual([0, 1, 2, 3, 4]);
  expect(probability(0)).toBe("1");
});
