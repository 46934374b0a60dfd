/**
 * The words of the first page; those of a part that is loaded later come with it, in a `messages.ts`
 * of its own folder. Filipino lies beside them (messages.fil.ts).
 *
 * What the server says is worded by its code (codes.ts).
 */

import type { AnswerStatus } from "../api/types";
import { number, plural, words } from "./language";
import { fil } from "./messages.fil";

const en = {
  name: "Danas",
  close: "Close",
  cancel: "Cancel",
  copy: "Copy",
  copied: "Copied",
  tryAgain: "Try again",
  loading: "Loading…",
  showMore: "Show more",
  dismiss: "Dismiss",

  errors: {
    unreachable: "Danas can't be reached. Check that it is running, then try again.",
    status: (status: number) => `Danas answered with an error (${status}). Try again in a moment.`,
    notFoundTitle: "There is no such conversation",
    notFound: "It may have been deleted, or it belongs to someone else.",
    page: "This page does not exist.",
    copy: "The browser would not let Danas copy. Select the text and copy it yourself.",
    answer: "This answer could not be made.",
  },

  connection: {
    waiting: "Reconnecting…",
    hint: "What you write is kept and sent when Danas is back.",
  },

  signIn: {
    title: "Welcome back",
    newTitle: "Make an account",
    tagline: "An assistant that learns from what you tell it, on your own machine.",
    name: "Name",
    password: "Password",
    submit: "Sign in",
    create: "Create account",
    toSignUp: "New here? Make an account",
    toSignIn: "Have an account? Sign in",
    passwordHint: "At least 8 characters.",
    expiredTitle: "Please sign in again",
    expired: "Your session has ended. What you were writing is still here.",
    closed: "Accounts are made by the administrator of this Danas.",
  },

  consent: {
    title: "What may Danas learn from?",
    intro: "You decide, and can change it at any time in Settings.",
    training: "Learn from my chats",
    trainingHint:
      "Your conversations and judgements may train the model that answers here. Off: they are kept for you, and nothing is learned from them.",
    research: "Share my chats with researchers",
    researchHint:
      "Researchers of this Danas may read your conversations, under a pseudonym. Off: they never see them.",
    submit: "Save my choice",
  },

  sidebar: {
    label: "Conversations",
    open: "Open the sidebar",
    close: "Close the sidebar",
    fresh: "New chat",
    empty: "Your conversations will be listed here.",
    learning: "Learning",
    memory: "Memory",
    people: "People",
    review: "Review",
    operations: "Operations",
    research: "Research",
    settings: "Settings",
    signOut: "Sign out",
    shortcuts: "Keyboard shortcuts",
    untitled: "New conversation",
    renameLabel: "Title",
    ages: { today: "Today", yesterday: "Yesterday", week: "Last 7 days", older: "Earlier" },
  },

  chat: {
    greeting: (name: string) => `What’s on your mind, ${name}?`,
    grown: (updates: number) =>
      updates === 0
        ? "Danas has learned nothing yet. Tell it what was good, and what it should have said."
        : `Danas has grown ${plural(updates, "ring", "rings")} from what people told it.`,
    ideas: [
      "Explain how tides work, in three sentences",
      "Write a short thank-you note to a neighbour",
      "Give me five ideas for a rainy Sunday",
    ],
    log: "Conversation",
    you: "You",
    placeholder: "Write to Danas",
    send: "Send",
    stop: "Stop",
    keys: "Enter to send · Shift + Enter for a new line",
    unsent: "Not sent yet. It goes out when Danas is back.",
    thinking: "Danas is thinking",
    started: "Danas is answering.",
    finished: (text: string) => `Danas answered: ${text}`,
    latest: "Go to the latest message",
    earlier: "Show earlier messages",
    edit: "Edit and ask again",
    editSave: "Ask again",
    regenerate: "Answer again",
    retry: "Ask again",
    previous: "Previous version",
    next: "Next version",
    of: (index: number, count: number) => `${index} of ${count}`,
    answeredBy: (policy: string) => `Answered by ${policy}`,
    empty: "Danas had nothing to say.",
    without: (count: number) => `Made without ${plural(count, "thing", "things")} that it remembers.`,
    ended: {
      stopped: "Stopped.",
      length: "Cut at the length limit.",
    },
    status: {
      queued: "Waiting for the model",
      running: "Answering",
      done: "Done",
      stopped: "Stopped",
      failed: "Failed",
      interrupted: "Interrupted",
    } satisfies Record<AnswerStatus, string>,
    image: (host: string) => `Image from ${host}, not loaded. Open it in a new tab`,
    showImage: (alt: string, host: string) => `${alt || "Image"} · open from ${host}`,
    code: "code",
  },

  feedback: {
    up: "Good answer",
    down: "Bad answer",
    correct: "What it should have said",
    correctHint: "Change the answer into the one you wanted. Danas learns from the difference.",
    correctSave: "Teach this",
    corrected: "You taught it to say",
    change: "Change",
    takeBack: "Take back",
    comment: "Say it in words",
    commentHint: "What was good or bad about it?",
    commentSave: "Say it",
    commented: "You said",
    /** Tags, as the reward model reads them, and their words. */
    words: {
      helpful: "Helpful",
      clear: "Clear",
      to_the_point: "To the point",
      wrong: "Wrong",
      too_long: "Too long",
      off_topic: "Off topic",
      confusing: "Confusing",
    } as Record<string, string>,
    prefer: (other: number) => `Better than answer ${other}`,
    receipt: "See what became of it",
    learned: (version: number) => `Learned as reward version ${version}`,
    saved: "Saved",
    savedOnly: "Saved. Learning from your chats is off.",
    saving: "Saving…",
  },

  window: {
    title: "Memory of this answer",
    open: "Show what Danas had in mind",
    meter: (used: number, limit: number) => `${number(used)} of ${number(limit)} tokens`,
    intro:
      "All that the model saw when it answered. Older turns give way when the space is used up.",
    instructions: "Instructions",
    blocks: "What it saw",
    changes: "What changed before this answer",
    noChanges: "Everything was kept as it was said.",
    roles: { user: "You", assistant: "Danas", system: "Instructions", memory: "Memory" } as Record<
      string,
      string
    >,
    tokens: (count: number) => plural(count, "token", "tokens"),
    importance: "Importance",
    verbatim: "word for word",
    rewritten: (count: number) => `shortened ${plural(count, "time", "times")}`,
    actions: { kept: "Kept", extracted: "Shortened", rewritten: "Reworded", forgotten: "Forgotten" },
    before: "Before",
    after: "After",
  },

  settings: {
    title: "Settings",
    consent: "What Danas may learn from",
    appearance: "Appearance",
    themes: { system: "As the device", light: "Light", dark: "Dark" },
    language: "Language",
    account: "Account",
    name: "Name",
    role: "Role",
    roles: {
      member: "Member",
      reviewer: "Reviewer",
      researcher: "Researcher",
      admin: "Administrator",
    } as Record<string, string>,
    model: "Model",
    windowTokens: "Window",
    answerTokens: "Longest answer",
    saved: "Saved",
    policy: {
      title: "Which version answers me",
      now: (name: string) => `${name} answers you now.`,
      live: "Whatever is live",
      liveHint: "The newest version that passed its tests. It changes when Danas has learned.",
      base: "The model as it came",
      baseHint: "Nothing that anybody taught.",
      personal: "Learned for me alone",
      personalHint: "Grown from your judgements only. Nobody else is answered by it.",
      progress: "Your judgements",
      progressWords: (have: number, needed: number) =>
        `${number(have)} of the ${plural(needed, "judgement", "judgements")} it takes`,
      learn: "Learn for me alone",
      learning: "Danas is learning for you. You can follow it under",
      stay: "Stay at a version",
      stayHint: "It stays the same until you change it, whatever is learned.",
      version: "Version",
      noVersions: "There is no other version yet.",
      needsTraining: "Learning from your chats is off. Switch it on above to have your own.",
    },
  },

  shortcuts: {
    title: "Keyboard shortcuts",
    list: [
      ["Enter", "Send"],
      ["Shift + Enter", "New line"],
      ["Esc", "Stop the answer, or close what is open"],
      ["Ctrl + Shift + O", "New chat"],
      ["/", "Write"],
      ["?", "This sheet"],
    ] as [string, string][],
  },
};

export type Messages = typeof en;
export const t: Messages = words({ en, fil });
