import { sentence } from "../api/codes";
import { EMPTY, hasGap, isOpen, take, type Log, type ToolCall } from "../api/log";
import type { AnswerEvent, AnswerStatus, Feedback, Message } from "../api/types";
import { t } from "../ui/messages";

/** One message on screen. An answer that is being made, or just was, has its log. */
export class Entry {
  message: Message = $state.raw() as Message;
  log: Log | null = $state.raw(null);
  /** False until the server has said that it is stored. */
  isStored = $state(true);
  /** A replay of the events that are missing has been asked for. */
  isReplaying = false;

  constructor(message: Message, isStored = true) {
    this.message = message;
    this.isStored = isStored;
    if (message.answer && isOpen(message.answer.status)) this.log = EMPTY;
  }

  get id(): string {
    return this.message.id;
  }

  get parent(): string | null {
    return this.message.parent;
  }

  get created_at(): string {
    return this.message.created_at;
  }

  get text(): string {
    if (this.log) return this.log.text;
    const texts = this.message.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
    return texts.join("\n");
  }

  /** What was thought before the answer, and for how long. */
  get thought(): { text: string; ms: number } {
    if (this.log) return { text: this.log.reasoning, ms: this.log.thought_ms };
    const part = this.message.parts.find((one) => one.type === "reasoning");
    return part ? { text: part.text, ms: part.ms } : { text: "", ms: 0 };
  }

  get tools(): readonly ToolCall[] {
    return this.log ? this.log.tools : this.message.parts.filter((one) => one.type === "tool");
  }

  get status(): AnswerStatus {
    return this.log?.status ?? this.message.answer?.status ?? "done";
  }

  get isOpen(): boolean {
    return this.message.answer !== null && isOpen(this.status);
  }

  /** A copy of an answer in another conversation, which is the one that can be judged. */
  get isCopy(): boolean {
    return this.message.answer?.last_seq === 0 && this.log === null && !this.isOpen;
  }

  get policy(): string {
    return this.log?.policy || this.message.answer?.policy || "";
  }

  /** Why there is no whole answer, in a sentence; empty when there is one. */
  get trouble(): string {
    if (this.status !== "failed" && this.status !== "interrupted") return "";
    const code = this.log?.error?.code ?? (this.message.answer?.error_code || this.status);
    return sentence(code, this.log?.error?.message) || t.errors.answer;
  }

  get feedback(): Feedback[] {
    return this.message.feedback;
  }

  set feedback(feedback: Feedback[]) {
    this.message = { ...this.message, feedback };
  }

  /** The server's word on this message. What the log already tells is not taken back by it. */
  merge(message: Message): void {
    this.message = message;
    this.isStored = true;
    const isStillOpen = message.answer !== null && isOpen(message.answer.status);
    if (!isStillOpen) this.log = this.log && !isOpen(this.log.status) ? this.log : null;
    else this.log ??= EMPTY;
  }

  /** Returns true when events are missing that have to be asked for. */
  take(event: AnswerEvent): boolean {
    if (!this.log) return false;
    this.log = take(this.log, event);
    return hasGap(this.log);
  }
}
