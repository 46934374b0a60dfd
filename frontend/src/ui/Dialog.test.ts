import { render, screen, within } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { expect, test, vi } from "vitest";
import Dialog from "./Dialog.svelte";
import { toasts } from "./toasts.svelte";

const children = createRawSnippet(() => ({ render: () => "<p>Inside</p>" }));

test("a question that has to be answered is there again when the browser closes it", () => {
  render(Dialog, { title: "Sign in", onclose: () => {}, children, canClose: false });
  const dialog = screen.getByRole<HTMLDialogElement>("dialog");

  dialog.close();
  dialog.dispatchEvent(new Event("close"));

  expect(dialog.open).toBe(true);
});

test("a window that the browser closes is gone for the page too", () => {
  const onclose = vi.fn();
  render(Dialog, { title: "Details", onclose, children });

  screen.getByRole("dialog").dispatchEvent(new Event("close"));

  expect(onclose).toHaveBeenCalled();
});

test("what is said while a window is open is said in it", async () => {
  render(Dialog, { title: "Password", onclose: () => {}, children });

  toasts.say("That is not the password.", "error");

  await within(screen.getByRole("dialog")).findByText("That is not the password.");
});
