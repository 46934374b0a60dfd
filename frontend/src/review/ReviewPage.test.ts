import { cleanup, render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ReviewItem } from "../api/types";
import { FakeServer } from "../testing/server";
import { router } from "../ui/router.svelte";
import ReviewPage from "./ReviewPage.svelte";

const TIDES = "11111111-1111-4111-8111-111111111111";
const MOON = "22222222-2222-4222-8222-222222222222";

function item(id: string, answer: string): ReviewItem {
  return {
    id,
    kind: "down",
    state: "claimed",
    question: `About ${answer}`,
    answer,
    over: "",
    said: "",
    path: [],
    marks: [],
    tags: [],
    used_in: [],
    person: "p".repeat(32),
    policy: "base",
    created_at: "2026-11-03T10:00:00Z",
    token: `token-${id}`,
    is_mine: true,
    opposed: 0,
    claimed_by: "",
  } as unknown as ReviewItem;
}

const tides = item(TIDES, "Tides.");
const moon = item(MOON, "The moon.");
let server: FakeServer;

beforeEach(() => {
  let waiting: ReviewItem[] = [moon];
  const answers: ConstructorParameters<typeof FakeServer>[0] = {
    "GET /v1/review/items": () => ({ data: [tides, moon], next: "" }),
    "GET /v1/review/counts": () => ({}),
    "GET /v1/review/agreement": () => ({ percent: null, kappa: null, pairs: 0 }),
    "POST /v1/review/next": () => ({ item: waiting.shift() ?? null }),
  };
  for (const one of [tides, moon]) {
    const path = `/v1/review/items/${one.id}`;
    answers[`GET ${path}`] = () => one;
    answers[`GET ${path}/similar`] = () => ({ data: [] });
    answers[`POST ${path}/release`] = () => ({});
    answers[`POST ${path}/decide`] = () => ({ ...one, state: "accepted", token: "" });
  }
  server = new FakeServer(answers);
});

afterEach(() => {
  cleanup();
  router.replace("/");
});

test("after an item that the address names comes the next one, and stays", async () => {
  router.replace(`/review/${TIDES}`);
  render(ReviewPage);
  await screen.findByRole("article");

  await userEvent.keyboard("a");

  await screen.findByText("The moon.");
  await new Promise((resolve) => setTimeout(resolve));
  const opened = server.requests.filter(({ call }) => call === `GET /v1/review/items/${TIDES}`);
  expect(opened).toHaveLength(1);
});

test("what was written about one item is not there for another", async () => {
  router.replace(`/review/${TIDES}`);
  render(ReviewPage);
  await screen.findByRole("article");
  await userEvent.keyboard("c");
  await userEvent.type(screen.getByRole("textbox"), " And more.");

  await userEvent.click(screen.getByRole("button", { name: /About The moon/ }));

  await screen.findByText("The moon.");
  expect(screen.queryByRole("textbox")).toBeNull();
});
