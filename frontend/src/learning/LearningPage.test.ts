import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import { session } from "../account/session.svelte";
import { ada, error, FakeServer, Status } from "../testing/server";
import LearningPage from "./LearningPage.svelte";
import { Learning } from "./learning.svelte";

const base = {
  name: "base",
  number: 0,
  digest: "",
  state: "ready",
  parent: null,
  created_at: "2026-11-01T10:00:00Z",
  live: false,
};
const third = { ...base, name: "danas-v3-1f2e3d4c", number: 3, parent: "base", live: true };

const update = {
  id: "u",
  state: "rejected",
  reason: "General text became worse.",
  requested_by: "Ada",
  canary: false,
  policy: "danas-v2-9c8b7a6d",
  parent: "base",
  reward_version: 22,
  metrics: [
    { step: 1, loss: 0.8, note: "warm-up" },
    { step: 2, loss: 0.4, note: "" },
  ],
  gates: [
    {
      name: "finite weights",
      passed: true,
      sentence: "All weights are finite.",
      figures: { largest: 0.03125 },
    },
    { name: "general text", passed: false, sentence: "It became worse by 3 %.", figures: {} },
  ],
  judgements: 9,
  created_at: "2026-11-01T10:00:00Z",
  finished_at: "2026-11-01T10:03:20Z",
};

function serving(more: Record<string, (body: unknown) => unknown> = {}): FakeServer {
  return new FakeServer({
    "GET /v1/updates": () => ({ data: [update] }),
    "GET /v1/policies": () => ({ live: third.name, data: [base, third] }),
    ...more,
  });
}

beforeEach(() => {
  session.me = ada;
});

describe("the learning page", () => {
  test("says what answers, and why an update did not go live", async () => {
    serving();
    render(LearningPage, { learning: new Learning() });

    const live = await screen.findByRole("region", { name: "Answering now" });
    expect(within(live).getByRole("heading").textContent).toBe("danas-v3-1f2e3d4c");
    const card = screen.getByRole("article", { name: "danas-v2-9c8b7a6d" });
    expect(within(card).getByText("General text became worse.")).toBeTruthy();
    expect(within(card).getByText(/learned from 9 judgements/)).toBeTruthy();
    expect(within(card).getByText("It became worse by 3 %.")).toBeTruthy();
    expect(within(card).getByText("0.0313")).toBeTruthy();
    expect(within(card).getByRole("img", { name: "Loss: 0.8, 0.4" })).toBeTruthy();
  });

  test("gives the server's reason when no update can be started", async () => {
    serving({ "POST /v1/updates": () => new Status(409, error("An update is running.")) });
    const user = userEvent.setup();
    render(LearningPage, { learning: new Learning() });

    await user.click(await screen.findByRole("button", { name: "Learn now" }));

    expect((await screen.findByRole("alert")).textContent).toBe("An update is running.");
  });

  test("goes back to an older version after asking", async () => {
    let live = third.name;
    const server = serving({
      "GET /v1/policies": () => ({
        live,
        data: [base, third].map((one) => ({ ...one, live: one.name === live })),
      }),
      "POST /v1/policies/base/activate": () => {
        live = "base";
        return { ...base, live: true };
      },
    });
    const user = userEvent.setup();
    render(LearningPage, { learning: new Learning() });

    await user.click(await screen.findByRole("button", { name: "Make live: base" }));
    const dialog = screen.getByRole("dialog", { name: "Answer with base?" });
    expect(server.requests.some(({ call }) => call.endsWith("/activate"))).toBe(false);
    await user.click(within(dialog).getByRole("button", { name: "Make live" }));

    await waitFor(() => {
      const region = screen.getByRole("region", { name: "Answering now" });
      expect(within(region).getByRole("heading").textContent).toBe("base");
    });
  });

  test("lets a member look but not drive", async () => {
    session.me = { ...ada, role: "member", scopes: ["chat", "feedback"] };
    serving();
    render(LearningPage, { learning: new Learning() });

    expect(await screen.findByText("danas-v2-9c8b7a6d")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Learn now|Make live/ })).toBeNull();
  });
});
