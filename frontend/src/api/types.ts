/** Names for what the server's schemas define, and for the JSON whose shape they leave open. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Part = Schemas["TextPart"] | Schemas["ImagePart"];
/** An answer may have more in it than a person can send. */
export type AnswerPart = Part | Schemas["ReasoningPart"] | Schemas["ToolPart"];
export type Message = Schemas["MessageOut"];
export type Conversation = Schemas["ConversationOut"];
export type ConversationPart = Schemas["ConversationTree"];
export type AnswerDetails = Schemas["DetailsOut"];
export type Folder = Schemas["FolderOut"];
export type Hit = Schemas["HitOut"];
export type LibraryNotice = Schemas["Changed"] | Schemas["Gone"] | Schemas["Rearranged"];
export type MemoryNotice = Schemas["MemoryChanged"];
export type MessageNotice = Schemas["Removed"] | Schemas["Restored"];
export type Reminder = Schemas["ReminderOut"];
export type RemindersNotice = Schemas["Reminded"];
export type Tool = Schemas["ToolOut"];
export type MyTools = Schemas["MyTools"];
export type Feedback = Schemas["FeedbackOut"];
export type FeedbackKind = Feedback["kind"];
export type AnswerState = Schemas["AnswerState"];
export type AnswerStatus = AnswerState["status"];
export type Command = Schemas["Command"];
export type Send = Schemas["Send"];
export type Notice = Schemas["Notice"];
export type AnswerEvent = Schemas["Event"];
export type Turn = Schemas["Turn"];

export type ErrorCode = Schemas["ErrorCode"];

export type Me = Schemas["Me"];
export type Account = Schemas["AccountOut"];
export type FactorSetUp = Schemas["FactorSetUp"];
export type RecoveryCodes = Schemas["RecoveryCodes"];
export type Key = Schemas["KeyOut"];
export type MadeKey = Schemas["MadeKey"];
export type Device = Schemas["DeviceOut"];
export type Person = Schemas["PersonOut"];
export type Invitation = Schemas["InvitationOut"];
export type LinkMade = Schemas["LinkOut"];
export type Installation = Schemas["InstallationOut"];
export type MemoryWindow = Schemas["WindowOut"];
export type MemoryBlock = Schemas["BlockOut"];
export type Profile = Schemas["Profile"];
export type Note = Schemas["NoteOut"];
export type NoteAdded = Schemas["NoteAdded"];
export type Without = Schemas["Without"];
export type Missed = Schemas["Missed"];
export type Change = Schemas["ChangeOut"];
export type Policy = Schemas["PolicyOut"];
export type Policies = Schemas["Policies"];
export type Receipt = Schemas["FeedbackReceipt"];

export type Share = Schemas["ShareOut"];
export type SharedConversation = Schemas["SharedOut"];
export type DataCopy = Schemas["ExportOut"];
export type Erasure = Schemas["ErasureOut"];

export type Metrics = Schemas["Metrics"];
export type MetricsPoint = Schemas["MetricsPoint"];
export type Alarm = Schemas["AlarmOut"];
export type Influential = Schemas["InfluentialItem"];
export type LeftOut = Schemas["LeftOut"];
export type LearningReceipt = Schemas["LearnedOut"];
export type OpenedReceipt = Schemas["ReceiptProof"];
export type LedgerEntry = Schemas["EntryOut"];
export type MyPolicy = Schemas["MyPolicy"];

export type UpdateState =
  "queued" | "training" | "gating" | "canary" | "live" | "rejected" | "failed";
export type Algorithm = "rloo" | "kto";

/** `is_veto`: no other gate and no person can outweigh it. */
export interface Gate {
  name: string;
  passed: boolean;
  sentence: string;
  figures: Record<string, unknown>;
  is_veto?: boolean;
}

/** `share` is per cent of people; learning/trial.ts reads the figures. */
export type Trial = Omit<Schemas["TrialOut"], "state"> & {
  state: "running" | "promoted" | "rolled_back" | "stopped";
};

/** `metrics` has an object of figures a step. */
export type Update = Omit<Schemas["UpdateOut"], "state" | "gates" | "trial"> & {
  state: UpdateState;
  gates: Gate[];
  trial: Trial | null;
};

export type PolicyDetail = Omit<Schemas["PolicyLineage"], "update"> & { update: Update | null };

export type FoundTrajectory = Schemas["FoundTrajectory"];
export type LookedAt = Schemas["LookedAt"];
export type Snapshot = Schemas["SnapshotOut"];
export type PullRecord = Schemas["PullOut"];
export type ReviewSummary = Schemas["ItemOut"];
export type ReviewItem = Schemas["WholeItem"];
export type ReviewPage = Schemas["Items"];
export type ReviewCounts = Schemas["Counts"];
export type ReviewAgreement = Schemas["AgreementOut"];
export type ReviewPreview = Schemas["PreviewOut"];
export type SimilarItem = Schemas["SimilarOut"];
export type ReviewAct = Schemas["AuditOut"];
