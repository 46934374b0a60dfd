/** What a person says about an answer, shown at once and put right by the server's reply. */

import { post, remove } from "../api/http";
import type { Feedback, FeedbackKind, Receipt } from "../api/types";
import { uuid } from "../ui/ids";
import type { Entry } from "./entry.svelte";

const OPPOSITE: Partial<Record<FeedbackKind, FeedbackKind>> = { up: "down", down: "up" };

export function said(entry: Entry, kind: FeedbackKind): Feedback | undefined {
  return entry.feedback.find((feedback) => feedback.kind === kind);
}

/** Says it; the server puts it in place of the other thumb, or of an earlier correction. */
export async function judge(entry: Entry, kind: FeedbackKind, text = ""): Promise<void> {
  const before = entry.feedback;
  const key = uuid();
  const draft: Feedback = { id: key, kind, text, over: null, tags: [], reward_version: null };
  const rest = before.filter((one) => one.kind !== kind && one.kind !== OPPOSITE[kind]);
  entry.feedback = [...rest, draft];
  try {
    const body = { message: entry.id, kind, text: text.toWellFormed() };
    const receipt = await post<Receipt>("/v1/feedback", body, key);
    entry.feedback = [...rest, { ...draft, ...receipt }];
  } catch (error) {
    entry.feedback = before;
    throw error;
  }
}

export async function takeBack(entry: Entry, feedback: Feedback): Promise<void> {
  const before = entry.feedback;
  entry.feedback = before.filter(({ id }) => id !== feedback.id);
  try {
    await remove(`/v1/feedback/${feedback.id}`);
  } catch (error) {
    entry.feedback = before;
    throw error;
  }
}
