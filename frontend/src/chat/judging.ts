/** What a person says about an answer, shown at once and put right by the server's reply. */

import { post, remove } from "../api/http";
import type { Feedback, FeedbackKind, Receipt } from "../api/types";
import { uuid } from "../ui/ids";
import type { Entry } from "./entry.svelte";

const OPPOSITE: Partial<Record<FeedbackKind, FeedbackKind>> = { up: "down", down: "up" };

/** `over`: the answer that a preference rejects; tags are reasons. */
export interface Said {
  text?: string;
  over?: string;
  tags?: string[];
}

export function said(entry: Entry, kind: FeedbackKind, over: string | null = null) {
  return entry.feedback.find((feedback) => feedback.kind === kind && feedback.over === over);
}

/** Says it; the server puts it in place of the other thumb, or of an earlier correction. */
export async function judge(entry: Entry, kind: FeedbackKind, opinion: Said = {}): Promise<void> {
  const { text = "", over = null, tags = [] } = opinion;
  const before = entry.feedback;
  const key = uuid();
  const draft: Feedback = { id: key, kind, text, over, tags, reward_version: null };
  const rest = before.filter((one) => !isReplaced(one, draft));
  entry.feedback = [...rest, draft];
  try {
    const body = {
      message: entry.id,
      kind,
      text: text.toWellFormed(),
      ...(over !== null && { over }),
      ...(tags.length > 0 && { tags }),
    };
    const receipt = await post<Receipt>("/v1/feedback", body, key);
    entry.feedback = [...rest, { ...draft, ...receipt }];
  } catch (error) {
    entry.feedback = before;
    throw error;
  }
}

/** Prefers an answer to a sibling; an earlier preference the other way round is gone with it. */
export async function prefer(entry: Entry, rival: Entry): Promise<void> {
  await judge(entry, "preference", { over: rival.id });
  const reverse = said(rival, "preference", entry.id);
  rival.feedback = rival.feedback.filter((one) => one !== reverse);
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

/** Comments stand beside each other; of all else there is one. */
function isReplaced(before: Feedback, { kind, over }: Feedback): boolean {
  if (before.kind === OPPOSITE[kind]) return true;
  return before.kind === kind && before.over === over && kind !== "comment";
}
