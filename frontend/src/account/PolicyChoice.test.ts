import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { MyPolicy } from "../api/types";
import { error, FakeServer, Status } from "../testing/server";
import { toasts } from "../ui/toasts.svelte";
import PolicyChoice from "./PolicyChoice.svelte";

const mine: MyPolicy = {
  choice: "live",
  answers: "danas-v3",
  personal: { policy: null, judgements: 12, needed: 30 },
  versions: ["danas-v3", "danas-v1", "base"],
};

function radio(name: string): HTMLInputElement {
  return screen.getByRole("radio", { name });
}

test("a person stays at a version, and is told who answers", async () => {
  let now = mine;
  new FakeServer({
    "GET /v1/me/policy": () => now,
    "PUT /v1/me/policy": (body) => {
      const { choice } = body as { choice: string };
      now = { ...now, choice, answers: choice };
      return now;
    },
  });
  const user = userEvent.setup();
  render(PolicyChoice, { isTraining: true });

  await user.click(await screen.findByRole("radio", { name: "Stay at a version" }));
  await user.selectOptions(await screen.findByRole("combobox", { name: "Version" }), "danas-v1");

  expect(await screen.findByText("danas-v1 answers you now.")).toBeTruthy();
  expect(radio("Stay at a version").checked).toBe(true);
});

test("a refused choice jumps back and says why", async () => {
  new FakeServer({
    "GET /v1/me/policy": () => mine,
    "PUT /v1/me/policy": () => new Status(409, error("No engine has it.")),
  });
  const user = userEvent.setup();
  render(PolicyChoice, { isTraining: true });

  await user.click(await screen.findByRole("radio", { name: "The model as it came" }));

  await waitFor(() => expect(radio("Whatever is live").checked).toBe(true));
  expect(toasts.shown.at(-1)?.text).toBe("No engine has it.");
});

test("an adapter of one's own waits for enough judgements", async () => {
  new FakeServer({ "GET /v1/me/policy": () => mine });
  render(PolicyChoice, { isTraining: true });

  const meter = await screen.findByRole("meter", { name: "Your judgements" });
  expect(meter.getAttribute("aria-valuetext")).toBe("12 of the 30 judgements it takes");
  expect(radio("Learned for me alone").disabled).toBe(true);
  expect(screen.queryByRole("button", { name: "Learn for me alone" })).toBeNull();
});

test("whoever has said enough can have Danas learn for them alone", async () => {
  const server = new FakeServer({
    "GET /v1/me/policy": () => ({ ...mine, personal: { ...mine.personal, judgements: 31 } }),
    "POST /v1/updates": () => ({}),
  });
  const user = userEvent.setup();
  render(PolicyChoice, { isTraining: true });

  await user.click(await screen.findByRole("button", { name: "Learn for me alone" }));

  expect(await screen.findByText(/Danas is learning for you/)).toBeTruthy();
  expect(server.requests.at(-1)?.body).toEqual({ personal: true });
});
