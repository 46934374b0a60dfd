/** What the chat says, beside the words that it shares with the rest of the page. */

import { number, plural, words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  markdown: {
    wrap: "Wrap lines",
    done: "Done",
    toDo: "To do",
    image: (alt: string, host: string) =>
      `${alt || "Image"} · not loaded, opens from ${host} in a new tab`,
    table: "Table",
    codeIn: (language: string) => (language ? `Code in ${language}` : "Code"),
  },
  copy: {
    plain: "Copy as plain text",
  },
  earlier: "Loading earlier messages…",
  later: "Show later messages",
  announced: {
    whole: (text: string) => `Danas answered: ${text}`,
    long: (words: number) => `Danas answered in ${plural(words, "word", "words")}.`,
  },
  details: {
    title: "Details of this answer",
    open: "Details",
    policy: "Answered by",
    asked: "Asked for",
    tokens: "Tokens",
    tokensOf: (prompt: number, completion: number) =>
      `${number(prompt)} read, ${number(completion)} written`,
    speed: "Speed",
    perSecond: (rate: number) => `${number(rate)} tokens a second`,
    first: "First token after",
    ms: (ms: number) => (ms < 1000 ? `${number(Math.round(ms))} ms` : `${number(ms / 1000)} s`),
    window: "Window",
    windowOf: (used: number, limit: number) => `${number(used)} of ${number(limit)} tokens`,
    noWindow: "Answered without memory",
    ended: "Ended",
    ends: {
      stop: "by itself",
      length: "at the length limit",
      stopped: "You stopped it",
      failed: "It failed",
      interrupted: "It was interrupted",
    } as Record<string, string>,
    unknown: "Not known",
    again: "Answer again",
    withBase: "With the model as it came",
    withLive: "With what it has learned",
    withoutMemory: "Without memory",
  },
  thought: {
    now: "Thinking…",
    done: "Thought",
    for: (seconds: number) => `Thought for ${number(seconds)} s`,
  },
  tool: {
    used: (name: string) => `Used ${name}`,
    wants: (name: string) => `Danas would like to use ${name}`,
    decisions: { once: "Allow once", always: "Always allow", no: "Don’t allow" },
    states: {
      allowed: (name: string) => `About to use ${name}`,
      running: (name: string) => `Using ${name}…`,
      failed: (name: string) => `${name} failed`,
      refused: (name: string) => `You did not allow ${name}`,
      expired: (name: string) => `${name} was not used: nobody allowed it in time`,
      yours: (name: string) => `Asked its caller to use ${name}`,
    } as Record<string, (name: string) => string>,
    asked: "Asked for",
    result: "Got",
  },
  removal: {
    message: "Delete this and what follows",
    done: "Deleted, with what followed it.",
    undo: "Undo",
  },
  branch: {
    open: "Branch into a new conversation",
    title: (of: string) => `Branch of ${of}`,
    done: "A new conversation, which begins with a copy of what was said up to here.",
    copy: "A copy of an answer in another conversation. It can be judged there.",
  },
  missing: "That message is not there any more.",
  shortcuts: [
    ["R", "Answer again"],
    ["C", "Copy the last answer"],
    ["G", "Good answer"],
    ["B", "Bad answer"],
    ["E", "Edit the last question"],
    ["[", "Previous version of the last answer"],
    ["]", "Next version of the last answer"],
  ] as [string, string][],
};

export type TalkMessages = typeof en;

const fil: TalkMessages = {
  markdown: {
    wrap: "Itupi ang linya",
    done: "Tapos na",
    toDo: "Gagawin pa",
    image: (alt, host) =>
      `${alt || "Larawan"} · hindi ni-load, bubukas mula sa ${host} sa bagong tab`,
    table: "Talahanayan",
    codeIn: (language) => (language ? `Code sa ${language}` : "Code"),
  },
  copy: {
    plain: "Kopyahin bilang karaniwang teksto",
  },
  earlier: "Kinukuha ang mga naunang mensahe…",
  later: "Ipakita ang mga kasunod na mensahe",
  announced: {
    whole: (text) => `Sumagot ang Danas: ${text}`,
    long: (words) => `Sumagot ang Danas nang may ${number(words)} salita.`,
  },
  details: {
    title: "Mga detalye ng sagot na ito",
    open: "Mga detalye",
    policy: "Sinagot ng",
    asked: "Hiniling",
    tokens: "Mga token",
    tokensOf: (prompt, completion) => `${number(prompt)} binasa, ${number(completion)} isinulat`,
    speed: "Bilis",
    perSecond: (rate) => `${number(rate)} token bawat segundo`,
    first: "Unang token pagkalipas ng",
    ms: en.details.ms,
    window: "Window",
    windowOf: (used, limit) => `${number(used)} sa ${number(limit)} token`,
    noWindow: "Sinagot nang walang alaala",
    ended: "Natapos",
    ends: {
      stop: "nang kusa",
      length: "sa hangganan ng haba",
      stopped: "Pinatigil mo",
      failed: "Hindi nagawa",
      interrupted: "Naputol",
    },
    unknown: "Hindi alam",
    again: "Sagutin ulit",
    withBase: "Gamit ang orihinal na modelo",
    withLive: "Gamit ang mga natutunan nito",
    withoutMemory: "Nang walang alaala",
  },
  thought: {
    now: "Nag-iisip…",
    done: "Nag-isip",
    for: (seconds) => `Nag-isip nang ${number(seconds)} s`,
  },
  tool: {
    used: (name) => `Ginamit ang ${name}`,
    wants: (name) => `Gustong gamitin ng Danas ang ${name}`,
    decisions: { once: "Payagan ngayon", always: "Laging payagan", no: "Huwag payagan" },
    states: {
      allowed: (name) => `Gagamitin na ang ${name}`,
      running: (name) => `Ginagamit ang ${name}…`,
      failed: (name) => `Hindi gumana ang ${name}`,
      refused: (name) => `Hindi mo pinayagan ang ${name}`,
      expired: (name) => `Hindi nagamit ang ${name}: walang pumayag sa oras`,
      yours: (name) => `Hiniling sa tumawag na gamitin ang ${name}`,
    },
    asked: "Hiniling",
    result: "Nakuha",
  },
  removal: {
    message: "Burahin ito at ang mga kasunod",
    done: "Nabura na, pati ang mga kasunod.",
    undo: "Ibalik",
  },
  branch: {
    open: "Magsanga sa bagong usapan",
    title: (of) => `Sanga ng ${of}`,
    done: "Bagong usapan ito na nagsisimula sa kopya ng mga nasabi hanggang dito.",
    copy: "Kopya ito ng sagot sa ibang usapan. Doon ito mahuhusgahan.",
  },
  missing: "Wala na ang mensaheng iyon.",
  shortcuts: [
    ["R", "Sagutin ulit"],
    ["C", "Kopyahin ang huling sagot"],
    ["G", "Magandang sagot"],
    ["B", "Hindi magandang sagot"],
    ["E", "Baguhin ang huling tanong"],
    ["[", "Naunang bersyon ng huling sagot"],
    ["]", "Kasunod na bersyon ng huling sagot"],
  ],
};

export const t = { ...others, talk: words<TalkMessages>({ en, fil }) };
