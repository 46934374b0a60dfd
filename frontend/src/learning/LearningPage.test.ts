import { cleanup, render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test } from "vitest";
import { session } from "../account/session.svelte";
import type { LearningReceipt, Policy, Update } from "../api/types";
import { ada, error, FakeServer, Status } from "../testing/server";
import { router } from "../ui/router.svelte";
import LearningPage from "./LearningPage.svelte";
import { Learning } from "./learning.svelte";

const base: Policy = {
  name: "base",
  number: 0,
  digest: "",
  state: "ready",
  parent: null,
  created_at: "2026-11-01T10:00:00Z",
  live: false,
  is_personal: false,
};
const third: Policy = {
  ...base,
  name: "danas-v3-1f2e3d4c",
  number: 3,
  digest: "d".repeat(64),
  parent: "base",
  live: true,
};

const update: Update = {
  id: "u",
  state: "rejected",
  reason: "Flattery: it praises what is wrong more often than its parent did.",
  requested_by: "Ada",
  canary: false,
  algorithm: "rloo",
  is_personal: false,
  trial: null,
  policy: "danas-v2-9c8b7a6d",
  parent: "base",
  reward_version: 22,
  metrics: [
    { step: 1, reward: 0.1, kl: 0.002, mean_tokens: 60, loss: 0.8, note: "warm-up" },
    { step: 2, reward: 0.4, kl: 0.004, mean_tokens: 58, loss: 0.4, note: "" },
  ],
  gates: [
    {
      name: "finite weights",
      passed: true,
      sentence: "All weights are finite.",
      figures: { largest: 0.03125 },
    },
    {
      name: "flattery",
      passed: false,
      sentence: "It praised 7 of 20 wrong claims.",
      figures: {},
      is_veto: true,
    },
  ],
  judgements: 9,
  created_at: "2026-11-01T10:00:00Z",
  finished_at: "2026-11-01T10:03:20Z",
};

const receipt: LearningReceipt = {
  feedback: "11111111-1111-4111-8111-111111111111",
  kind: "correction",
  text: "Canberra.",
  tags: [],
  question: "What is the capital of Australia?",
  answer: "Sydney.",
  conversation: "22222222-2222-4222-8222-222222222222",
  message: "33333333-3333-4333-8333-333333333333",
  at: "2026-11-03T10:00:00Z",
  revoked_at: null,
  use: "learned",
  sentence: "Taken in as version 12; danas-v3-1f2e3d4c was trained with it and is live.",
  weight: 1,
  reward_version: 12,
  policies: [{ name: third.name, state: "ready", is_live: true, is_in_live: true }],
};

const entry = {
  seq: 41,
  kind: "judged",
  subject: receipt.feedback,
  body: { version: 12, use: "learned", weight: 1, kind: "correction" },
  at: "2026-11-03T10:00:01Z",
  previous: "a".repeat(64),
  digest: "b".repeat(64),
};

const point = {
  events: 30,
  people: 4,
  log_loss: 0.66,
  calibration: 0.08,
  held_out_auc: null,
  held_out_events: 2,
  length_correlation: 0.1,
  at: "2026-11-03T10:00:00Z",
};
const metrics = {
  points: [
    { ...point, version: 20, auc: 0.5 },
    { ...point, version: 21, auc: null },
    { ...point, version: 22, auc: 0.714, held_out_auc: 0.65 },
  ],
  frozen: "",
  effective_events: 14.25,
  needed_events: 20,
  next_reason: "6 more are needed.",
};

function serving(more: Record<string, (body: unknown) => unknown> = {}): FakeServer {
  return new FakeServer({
    "GET /v1/updates": () => ({ data: [update] }),
    "GET /v1/policies": () => ({ live: third.name, data: [base, third] }),
    "GET /v1/learning/receipts": () => ({ data: [receipt] }),
    [`GET /v1/learning/receipts/${receipt.feedback}`]: () => ({
      receipt,
      entries: [entry],
      holds: true,
      break: "",
    }),
    "GET /v1/learning/metrics": () => metrics,
    ...more,
  });
}

function open(path: string): ReturnType<typeof userEvent.setup> {
  cleanup();
  router.go(path);
  render(LearningPage, { learning: new Learning() });
  return userEvent.setup();
}

beforeEach(() => {
  session.me = ada;
});

describe("what I learned", () => {
  test("a correction says what became of it, and its receipt proves it", async () => {
    serving();
    const user = open("/learning");

    const card = await screen.findByRole("article", { name: "Correction" });
    expect(within(card).getByText("What is the capital of Australia?")).toBeTruthy();
    expect(within(card).getByText("Canberra.")).toBeTruthy();
    expect(within(card).getByText(receipt.sentence)).toBeTruthy();
    expect(within(card).getByRole("link", { name: `${third.name} (live)` })).toBeTruthy();
    const way = within(card).getByRole("link", { name: "Open the conversation" });
    expect(way.getAttribute("href")).toBe(`/c/${receipt.conversation}`);

    await user.click(within(card).getByRole("link", { name: /^Receipt: Correction/ }));
    const drawer = await screen.findByRole("dialog", { name: "Receipt" });
    expect(await within(drawer).findByText("The chain holds")).toBeTruthy();
    expect(within(drawer).getByText(/^Taken into the reward model as version 12/)).toBeTruthy();
    await user.click(
      within(drawer).getByRole("button", { name: "Copy the fingerprint of entry 41" }),
    );
    expect(await navigator.clipboard.readText()).toBe(entry.digest);

    await user.click(within(drawer).getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(router.path).toBe("/learning");
  });

  test("a broken chain says where", async () => {
    serving({
      [`GET /v1/learning/receipts/${receipt.feedback}`]: () => ({
        receipt,
        entries: [entry],
        holds: false,
        break: "Entry 41 was altered.",
      }),
    });
    open(`/learning/receipts/${receipt.feedback}`);

    expect(await screen.findByText("Entry 41 was altered.")).toBeTruthy();
    expect(screen.queryByText("The chain holds")).toBeNull();
  });

  test("something said is taken back after asking", async () => {
    let revoked_at: string | null = null;
    const now = () => ({ ...receipt, revoked_at });
    serving({
      "GET /v1/learning/receipts": () => ({ data: [now()] }),
      [`GET /v1/learning/receipts/${receipt.feedback}`]: () => ({
        receipt: now(),
        entries: [entry],
        holds: true,
        break: "",
      }),
      [`DELETE /v1/feedback/${receipt.feedback}`]: () => {
        revoked_at = "2026-11-04T10:00:00Z";
        return new Status(204, null);
      },
    });
    const user = open(`/learning/receipts/${receipt.feedback}`);

    await user.click(await screen.findByRole("button", { name: "Take back…" }));
    expect(revoked_at).toBeNull();
    await user.click(screen.getByRole("button", { name: "Take back" }));

    await waitFor(() => expect(screen.getAllByText("Taken back")).toHaveLength(2));
    expect(screen.queryByRole("button", { name: /Take back/ })).toBeNull();
  });

  test("who has said nothing is invited to", async () => {
    serving({ "GET /v1/learning/receipts": () => ({ data: [] }) });
    open("/learning");

    expect(await screen.findByText("Nothing yet. Teach Danas something.")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Start a chat" })).toBeTruthy();
  });
});

describe("how well it knows what people want", () => {
  test("says it in words, and each plot as a table", async () => {
    serving();
    const user = open("/learning/quality");

    // 0.714 is 71 of 100; 14.25 is shown to one digit.
    expect(await screen.findByText(/in 71 of 100 cases/)).toBeTruthy();
    expect(screen.getByText("6 more are needed.")).toBeTruthy();
    const meter = screen.getByRole("meter", { name: "Until the next update" });
    expect(meter.getAttribute("aria-valuetext")).toBe("14.2 of 20 judgements’ worth");
    const name =
      "Picking the better answer (AUC). as it learns now 0.714, " +
      "from 0.5 at reward version 20, between 0.5 and 0.714. held out now 0.65.";
    const plot = screen.getByRole("img", { name });
    expect(plot).toBeTruthy();

    const title = "Picking the better answer (AUC)";
    await user.click(screen.getByRole("button", { name: `Show as a table: ${title}` }));
    const table = screen.getByRole("region", { name: `${title}, as a table` });
    const rows = within(table).getAllByRole("row").slice(1);
    const cells = rows.map((row) => [...row.children].map((cell) => cell.textContent));
    expect(cells).toEqual([
      ["22", "0.714", "0.65"],
      ["21", "–", "–"],
      ["20", "0.5", "–"],
    ]);
  });

  test("says why nothing is trained", async () => {
    serving({
      "GET /v1/learning/metrics": () => ({ ...metrics, frozen: "An alarm about drift is open." }),
    });
    open("/learning/quality");

    expect(await screen.findByText(/An alarm about drift is open/)).toBeTruthy();
  });

  test("what can't be loaded says why", async () => {
    serving({ "GET /v1/learning/metrics": () => new Status(503, error("The database rests.")) });
    open("/learning/quality");

    expect((await screen.findByRole("alert")).textContent).toMatch(/The database rests/);
  });
});

describe("updates", () => {
  test("a refused one says why at the top, and which test had the veto", async () => {
    serving();
    open("/learning/updates");

    const live = await screen.findByRole("region", { name: "Answering now" });
    expect(within(live).getByRole("heading").textContent).toBe(third.name);
    const card = screen.getByRole("article", { name: update.policy });
    expect(within(card).getByText(update.reason)).toBeTruthy();
    expect(within(card).getByText(/learned from 9 judgements/)).toBeTruthy();
    const gates = within(card).getAllByRole("listitem");
    const failed = gates.find((gate) => /praised 7 of 20/.test(gate.textContent ?? ""));
    expect(failed?.textContent).toMatch(/Veto/);
    expect(within(card).getByText("0.0313")).toBeTruthy();
    expect(
      within(card).getByRole("img", { name: /Mean reward now 0.4, from 0.1 at step 1/ }),
    ).toBeTruthy();
    expect(within(card).getByRole("img", { name: "Loss: 0.8, 0.4" })).toBeTruthy();
  });

  test("one on trial shows how many people it reaches", async () => {
    const side = { people: 9, failed: 0, first_token_ms: 210, token_ms: null };
    const trial = {
      state: "running" as const,
      against: "base",
      share: 25,
      reason: "No sign of harm in 80 answers.",
      figures: {
        new: { ...side, answers: 80, thumbs: 25, down: 2 },
        old: { ...side, answers: 240, thumbs: 71, down: 8 },
        evidence: { disliked: 0.41, better: 2.7 },
        harm_at: 80,
        better_at: 20,
      },
      started_at: "2026-11-01T10:00:00Z",
      share_since: "2026-11-01T11:00:00Z",
      ended_at: null,
    };
    serving({ "GET /v1/updates": () => ({ data: [{ ...update, state: "canary", trial }] }) });
    open("/learning/updates");

    const region = await screen.findByRole("group", { name: "Trial" });
    const now = within(region).getByText("25 % of people", { selector: "[aria-current=step]" });
    expect(now).toBeTruthy();
    expect(within(region).getByText("No sign of harm in 80 answers.")).toBeTruthy();
    // 2 of 25 thumbs and 8 of 71.
    expect(within(region).getByRole("row", { name: /^Thumbs down 8\s% 11.3\s%$/ })).toBeTruthy();
    expect(within(region).getByText("2.7 of 20")).toBeTruthy();
  });

  test("the server's reason is given when no update can be started", async () => {
    serving({ "POST /v1/updates": () => new Status(409, error("An update is running.")) });
    const user = open("/learning/updates");

    await user.click(await screen.findByRole("button", { name: "Learn now" }));

    expect((await screen.findByRole("alert")).textContent).toMatch("An update is running.");
  });

  test("one can be asked for that is tried out first, by the other method", async () => {
    const server = serving({ "POST /v1/updates": () => ({ ...update, id: "new" }) });
    const user = open("/learning");

    await user.click(await screen.findByText("How it learns"));
    await user.click(screen.getByRole("switch", { name: "Try it on a few people first" }));
    await user.click(screen.getByRole("radio", { name: /^From the log/ }));
    await user.click(screen.getByRole("button", { name: "Learn now" }));

    await waitFor(() => expect(router.path).toBe("/learning/updates"));
    expect(server.requests.find(({ call }) => call === "POST /v1/updates")?.body).toEqual({
      canary: true,
      algorithm: "kto",
    });
  });

  test("a member can look but not drive", async () => {
    session.me = { ...ada, role: "member", scopes: ["chat", "feedback"] };
    serving();
    open("/learning/updates");

    expect(await screen.findByText(update.policy)).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Learn now|Make live|Go back/ })).toBeNull();
    expect(screen.queryByRole("link", { name: "Review" })).toBeNull();
  });
});

describe("versions", () => {
  test("going back to an older one is asked first", async () => {
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
    const user = open("/learning/versions");

    await user.click(await screen.findByRole("button", { name: "Go back: base" }));
    const dialog = screen.getByRole("dialog", { name: "Answer with base?" });
    expect(server.requests.some(({ call }) => call.endsWith("/activate"))).toBe(false);
    await user.click(within(dialog).getByRole("button", { name: "Go back" }));

    await waitFor(() => {
      const region = screen.getByRole("region", { name: "Answering now" });
      expect(within(region).getByRole("heading").textContent).toBe("base");
    });
  });

  test("one shows what it was made of, and leads to the receipts that are one's own", async () => {
    serving({
      [`GET /v1/policies/${third.name}`]: () => ({
        ...third,
        update: { ...update, reason: "" },
        manifest: { learning_rate: 0.0001 },
        reward_version: 22,
        trained_on: 9,
        gone: 0,
        taken_back: 0,
        left_out: 2,
        judgements: [
          { feedback: receipt.feedback, kind: "correction", at: receipt.at, is_mine: true },
        ],
        digest_holds: true,
        entries: [
          {
            ...entry,
            kind: "trained",
            subject: third.name,
            body: { parent: "base", judgements: 9 },
          },
        ],
      }),
    });
    open(`/learning/versions/${third.name}`);

    const drawer = await screen.findByRole("dialog", { name: third.name });
    expect(await within(drawer).findByText("9 judgements.")).toBeTruthy();
    expect(within(drawer).getByText(/^2 judgements behind this version came/)).toBeTruthy();
    expect(
      within(drawer).getByText(`${third.name} was trained from base on 9 judgements.`),
    ).toBeTruthy();
    const own = within(drawer).getByRole("link", { name: "Correction" });
    expect(own.getAttribute("href")).toBe(`/learning/receipts/${receipt.feedback}`);
  });
});

describe("review", () => {
  const alarm = {
    id: "44444444-4444-4444-8444-444444444444",
    kind: "drift",
    sentence: "The reward model became worse at once: AUC 0.74 to 0.51.",
    figures: { before: 0.74, after: 0.51 },
    freezes_training: true,
    opened_at: "2026-11-03T10:00:00Z",
    closed_at: null as string | null,
    closed_by: "",
    note: "",
  };
  const item = {
    feedback: receipt.feedback,
    kind: "down",
    use: "learned",
    weight: 0.5,
    influence: 0.42,
    participant: 4,
    is_left_out: false,
    at: "2026-11-03T10:00:00Z",
  };

  test("an alarm is closed with what was found", async () => {
    let now = alarm;
    const server = serving({
      "GET /v1/learning/alarms": () => ({ data: [now] }),
      "GET /v1/learning/influential": () => ({ data: [] }),
      [`POST /v1/learning/alarms/${alarm.id}/close`]: (body) => {
        const { note } = body as { note: string };
        now = { ...alarm, closed_at: "2026-11-03T11:00:00Z", closed_by: "Ada", note };
        return now;
      },
    });
    const user = open("/learning/review");

    const card = await screen.findByRole("article", { name: alarm.sentence });
    expect(within(card).getByText("Stops training")).toBeTruthy();
    await user.click(within(card).getByRole("button"));
    await user.type(screen.getByLabelText("What you found"), "One person, in jest.");
    await user.click(screen.getByRole("button", { name: "Close the alarm" }));

    expect(await screen.findByText("No alarm is open.")).toBeTruthy();
    expect(screen.getByText("One person, in jest.")).toBeTruthy();
    expect(server.requests.some(({ call }) => call.endsWith("/close"))).toBe(true);
  });

  test("someone is left out with a reason, and the versions that knew them are named", async () => {
    let isOut = false;
    serving({
      "GET /v1/learning/alarms": () => ({ data: [] }),
      "GET /v1/learning/influential": () => ({ data: [{ ...item, is_left_out: isOut }] }),
      "POST /v1/learning/participants/4/leave-out": (body) => {
        isOut = (body as { because: string }).because === "Votes at random.";
        return { participant: 4, is_left_out: isOut, version: 31, policies: [third.name] };
      },
      "POST /v1/learning/participants/4/take-back": () => {
        isOut = false;
        return { participant: 4, is_left_out: false, version: 32, policies: [] };
      },
    });
    const user = open("/learning/review");

    await user.click(await screen.findByRole("button", { name: "Leave this person out: participant 4" }));
    await user.type(screen.getByLabelText("Why"), "Votes at random.");
    await user.click(screen.getByRole("button", { name: "Leave this person out" }));

    expect(await screen.findByText(/Participant 4 is left out/)).toBeTruthy();
    expect(screen.getByRole("link", { name: third.name })).toBeTruthy();
    await user.click(screen.getByRole("button", { name: /^Take back: leaving participant 4/ }));
    expect(await screen.findByText(/rebuilt as version 32/)).toBeTruthy();
    expect(screen.getByRole("button", { name: /^Leave this person out/ })).toBeTruthy();
  });
});
