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
export type Policy = Schemas["PolicyOut"];
export type Policies = Schemas["Policies"];
export type Receipt = Schemas["FeedbackReceipt"];

export type UpdateState =
  "queued" | "training" | "gating" | "canary" | "live" | "rejected" | "failed";

export interface Gate {
  name: string;
  passed: boolean;
  sentence: string;
  figures: Record<string, unknown>;
}

/** `metrics` has an object of figures a step. */
export type Update = Omit<Schemas["UpdateOut"], "state" | "gates"> & {
  state: UpdateState;
  gates: Gate[];
};
