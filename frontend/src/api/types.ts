/** Names for what the server's schemas define, and for the JSON whose shape they leave open. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Part = Schemas["TextPart"] | Schemas["ImagePart"];
export type Message = Schemas["MessageOut"];
export type Conversation = Schemas["ConversationOut"];
export type Feedback = Schemas["FeedbackOut"];
export type FeedbackKind = Feedback["kind"];
export type AnswerState = Schemas["AnswerState"];
export type AnswerStatus = AnswerState["status"];
export type Command = Schemas["Command"];
export type Send = Schemas["Send"];
export type Notice = Schemas["Notice"];
export type AnswerEvent = Schemas["Event"];
export type Turn = Schemas["Turn"];

export type Me = Schemas["Me"];
export type MemoryWindow = Schemas["WindowOut"];
export type Change = Schemas["ChangeOut"];
export type Policy = Schemas["PolicyOut"] & { is_personal: boolean };
export interface Policies {
  live: string;
  data: Policy[];
}
export type Receipt = Schemas["FeedbackReceipt"];

export type UpdateState =
  "queued" | "training" | "gating" | "canary" | "live" | "rejected" | "failed";

/** `is_veto`: no other gate can make up for it. */
export interface Gate {
  name: string;
  passed: boolean;
  sentence: string;
  figures: Record<string, unknown>;
  is_veto?: boolean;
}

export interface Trial {
  state: "running" | "promoted" | "rolled_back" | "stopped";
  against: string;
  /** Per cent of people. */
  share: number;
  reason: string;
  figures: Record<string, unknown>;
  started_at: string;
  share_since: string;
  ended_at: string | null;
}

export type Algorithm = "rloo" | "kto";

/** `metrics` has an object of figures a step. */
export type Update = Omit<Schemas["UpdateOut"], "state" | "gates"> & {
  state: UpdateState;
  gates: Gate[];
  algorithm: Algorithm;
  is_personal: boolean;
  trial: Trial | null;
};

/** How well the reward model knew at some version what people would say. */
export interface MetricsPoint {
  version: number;
  events: number;
  people: number;
  auc: number | null;
  log_loss: number | null;
  calibration: number | null;
  held_out_auc: number | null;
  held_out_events: number;
  length_correlation: number | null;
  at: string;
}

export interface Metrics {
  points: MetricsPoint[];
  /** Why nothing is trained now; empty when nothing is in the way. */
  frozen: string;
  effective_events: number;
  needed_events: number;
  next_reason: string;
}

export interface Alarm {
  id: string;
  kind: string;
  sentence: string;
  figures: Record<string, unknown>;
  freezes_training: boolean;
  opened_at: string;
  closed_at: string | null;
  closed_by: string;
  note: string;
}

export interface Influential {
  feedback: string;
  kind: FeedbackKind;
  use: string;
  weight: number | null;
  influence: number | null;
  participant: number;
  is_left_out: boolean;
  at: string;
}

/** What leaving someone out, or taking that back, did. */
export interface LeftOut {
  participant: number;
  is_left_out: boolean;
  version: number | null;
  policies: string[];
}

/** Something that a person said about an answer, and what became of it. */
export interface LearningReceipt {
  feedback: string;
  kind: FeedbackKind;
  text: string;
  tags: string[];
  question: string;
  answer: string;
  conversation: string;
  message: string;
  at: string;
  revoked_at: string | null;
  use: string;
  sentence: string;
  weight: number | null;
  reward_version: number | null;
  /** `is_in_live`: the live version is this one, or was trained from it. */
  policies: { name: string; state: string; is_live: boolean; is_in_live: boolean }[];
}

export interface LedgerEntry {
  seq: number;
  kind: string;
  subject: string;
  body: Record<string, unknown>;
  at: string;
  previous: string;
  digest: string;
}

export interface OpenedReceipt {
  receipt: LearningReceipt;
  entries: LedgerEntry[];
  holds: boolean;
  /** What is wrong with the chain; empty when it holds. */
  break: string;
}

export type PolicyDetail = Policy & {
  update: Update | null;
  manifest: Record<string, unknown>;
  reward_version: number | null;
  /** Judgements that the ledger has; of these, some may be gone, taken back or left out since. */
  trained_on: number;
  gone: number;
  taken_back: number;
  left_out: number;
  judgements: { feedback: string; kind: FeedbackKind; at: string; is_mine: boolean }[];
  /** Whether the judgements give the digest that the ledger has; null: some are gone. */
  digest_holds: boolean | null;
  entries: LedgerEntry[];
};

/** `choice` is "live", "base", "personal" or the name of a version to stay at. */
export interface MyPolicy {
  choice: string;
  answers: string;
  personal: { policy: string | null; judgements: number; needed: number };
  versions: string[];
}
