/** The words of the page Memory, and of what can be done with an answer's window. */

import { number, plural, words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  title: "Memory",
  intro:
    "What Danas keeps of you beyond one chat. Every answer reads these lines. They come from what you said of yourself, or from your own hand.",
  on: "Use memory",
  onHint:
    "Off: answers go by what was said last in a chat, these lines are not read, and none come by themselves.",
  isOff: "Memory is off. Nothing below is read, and nothing is added by itself.",
  meter: (used: number, limit: number) => `${number(used)} of ${number(limit)} tokens used`,
  pins: (pinned: number, limit: number) => `${number(pinned)} of at most ${number(limit)} tokens pinned`,
  full: "Where there is no more room, the line that is needed least gives way. Pinned ones stay.",
  search: "Search in your memory",
  nothing: "Nothing here says that.",
  shown: (count: number) => plural(count, "line", "lines"),
  add: "Something to remember",
  addHint: "I am allergic to peanuts.",
  save: "Remember it",
  added: "Remembered.",
  gaveWay: (count: number) =>
    `Remembered. ${plural(count, "other line", "other lines")} had to give way.`,
  emptyTitle: "Nothing yet",
  empty:
    "When a chat has been quiet for half an hour, or you begin another one, what you said of yourself and may need again comes here.",
  kinds: {
    preference: "Preference",
    question: "Open question",
    fact: "Fact",
    own: "In your words",
  },
  from: (title: string) => `From “${title}”`,
  fromUntitled: "From a chat",
  written: (when: string) => `Written by you, ${when}`,
  pin: "Pin",
  unpin: "Unpin",
  pinOf: (text: string) => `Pin: ${text}`,
  edit: "Change",
  editOf: (text: string) => `Change: ${text}`,
  remove: "Delete",
  removeOf: (text: string) => `Delete: ${text}`,
  removed: "It is forgotten.",
  undo: "Undo",

  drawer: {
    now: "What it remembers now",
    nowHint: "From here the chat goes on. What you change here counts from the next answer on.",
    past: "The chat went on since. Its last answer has the memory that can be changed.",
    notes: "What it knew of you",
    page: "Your memory",
    leftOut: "Left out of this answer",
    here: "Use memory in this chat",
    hereHint: "Off: only what was said last counts, and nothing of this chat gets into your memory.",
    offForAll: "Memory is off for all chats.",
    temporary: "A temporary chat neither reads your memory nor adds to it.",
    pinned: "Pinned",
    unseen: "New since",
    unread: "By its age: nobody has read it yet",
    likely: (chance: number) => `Likely to be asked for: ${Math.round(100 * chance)} %`,
    without: "Leave out of another answer",
    withoutOf: (text: string) => `Leave out of another answer: ${text}`,
    again: (count: number) => `Answer again without ${plural(count, "thing", "things")}`,
    forget: "Forget this",
    forgetOf: (text: string) => `Forget this: ${text}`,
    forgetAsk:
      "Danas forgets this and everything made of it, in this chat and in your memory. The message itself stays in the chat.",
    forgetNow: "Forget it",
    forgetMessage: "Delete the message and what follows it",
    keep: "Keep it",
    forgotten: "Forgotten. The message stays in the chat.",
    add: "Something to remember in this chat",
    addHint: "We meet on Friday.",
    save: "Remember it here",
  },
};

export type MemoryMessages = typeof en;

const fil: MemoryMessages = {
  title: "Alaala",
  intro:
    "Ang itinatabi ng Danas tungkol sa iyo lampas sa isang usapan. Binabasa ng bawat sagot ang mga linyang ito. Galing ang mga ito sa sinabi mo tungkol sa sarili mo, o sa mismong sulat mo.",
  on: "Gamitin ang alaala",
  onHint:
    "Kapag patay: ang huling sinabi sa usapan lang ang batayan, hindi binabasa ang mga linyang ito, at walang kusang nadaragdag.",
  isOff: "Patay ang alaala. Walang binabasa sa mga nasa ibaba, at walang kusang nadaragdag.",
  meter: (used: number, limit: number) => `${number(used)} sa ${number(limit)} token ang gamit`,
  pins: (pinned: number, limit: number) =>
    `${number(pinned)} token ang naka-pin, hanggang ${number(limit)}`,
  full: "Kapag puno na, nagbibigay-daan ang linyang pinakahindi kailangan. Nananatili ang naka-pin.",
  search: "Maghanap sa iyong alaala",
  nothing: "Walang ganoon dito.",
  shown: (count: number) => `${number(count)} linya`,
  add: "Dapat tandaan",
  addHint: "Bawal sa akin ang mani.",
  save: "Tandaan ito",
  added: "Natandaan na.",
  gaveWay: (count: number) => `Natandaan na. ${number(count)} linya ang nagbigay-daan.`,
  emptyTitle: "Wala pa",
  empty:
    "Kapag kalahating oras nang tahimik ang usapan, o nagsimula ka ng bago, mapupunta rito ang sinabi mo tungkol sa sarili mo na maaaring kailanganin ulit.",
  kinds: {
    preference: "Kagustuhan",
    question: "Bukas na tanong",
    fact: "Katotohanan",
    own: "Sa iyong salita",
  },
  from: (title: string) => `Mula sa “${title}”`,
  fromUntitled: "Mula sa isang usapan",
  written: (when: string) => `Isinulat mo, ${when}`,
  pin: "I-pin",
  unpin: "Alisin ang pin",
  pinOf: (text: string) => `I-pin: ${text}`,
  edit: "Baguhin",
  editOf: (text: string) => `Baguhin: ${text}`,
  remove: "Burahin",
  removeOf: (text: string) => `Burahin: ${text}`,
  removed: "Nakalimutan na ito.",
  undo: "Ibalik",

  drawer: {
    now: "Ang natatandaan nito ngayon",
    nowHint: "Dito magpapatuloy ang usapan. Mula sa susunod na sagot ang bisa ng babaguhin mo rito.",
    past: "Nagpatuloy na ang usapan. Nasa huling sagot nito ang alaalang mababago.",
    notes: "Ang alam nito tungkol sa iyo",
    page: "Ang iyong alaala",
    leftOut: "Hindi isinama sa sagot na ito",
    here: "Gamitin ang alaala sa usapang ito",
    hereHint:
      "Kapag patay: ang huling sinabi lang ang bilang, at walang mapupunta sa iyong alaala mula rito.",
    offForAll: "Patay ang alaala sa lahat ng usapan.",
    temporary: "Ang pansamantalang usapan ay hindi bumabasa ng iyong alaala at hindi nagdaragdag dito.",
    pinned: "Naka-pin",
    unseen: "Bago mula noon",
    unread: "Ayon sa tagal: wala pang bumasa nito",
    likely: (chance: number) => `Tsansang itanong: ${Math.round(100 * chance)} %`,
    without: "Huwag isama sa isa pang sagot",
    withoutOf: (text: string) => `Huwag isama sa isa pang sagot: ${text}`,
    again: (count: number) => `Sagutin ulit nang wala ang ${number(count)} bagay`,
    forget: "Kalimutan ito",
    forgetOf: (text: string) => `Kalimutan ito: ${text}`,
    forgetAsk:
      "Kalilimutan ito ng Danas at ang lahat ng nagmula rito, sa usapang ito at sa iyong alaala. Mananatili sa usapan ang mismong mensahe.",
    forgetNow: "Kalimutan na",
    forgetMessage: "Burahin ang mensahe at ang kasunod nito",
    keep: "Itabi ito",
    forgotten: "Nakalimutan na. Nasa usapan pa ang mensahe.",
    add: "Dapat tandaan sa usapang ito",
    addHint: "Magkikita tayo sa Biyernes.",
    save: "Tandaan dito",
  },
};

export const t = { ...others, memory: words<MemoryMessages>({ en, fil }) };
