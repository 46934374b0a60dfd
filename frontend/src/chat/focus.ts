/** Where the keyboard is after something was done: where a person would go on. */

import { tick } from "svelte";

/** The message itself, or the button of it that does `act`, or else one of `others`. */
export async function refocus(message: string, act = "", ...others: string[]): Promise<void> {
  await tick();
  const shown = document.querySelector<HTMLElement>(`[data-message="${CSS.escape(message)}"]`);
  const buttons = [act, ...others].map((name) => find(shown, name));
  const target = buttons.find((button) => button && !button.disabled) ?? shown;
  target?.focus({ preventScroll: target === shown });
}

/** Presses the button of a message that does `act`, if it is there and can be pressed. */
export function press(message: string, act: string): void {
  const shown = document.querySelector<HTMLElement>(`[data-message="${CSS.escape(message)}"]`);
  find(shown, act)?.click();
}

function find(shown: HTMLElement | null, act: string): HTMLButtonElement | null {
  return act ? (shown?.querySelector(`[data-act="${act}"]`) ?? null) : null;
}
