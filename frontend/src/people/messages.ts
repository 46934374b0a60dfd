/** The words of the page People. */

import { number, plural, words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  title: "People",
  search: "Search by name or e-mail address",
  none: "Nobody is called that.",
  you: "You",
  closed: "Closed",
  factor: "Second factor",
  joined: (when: string) => `Here since ${when}`,
  seen: (when: string) => `last sign-in ${when}`,
  never: "never signed in",
  role: (name: string) => `Role of ${name}`,
  roleChanged: (name: string, role: string) => `${name} is now: ${role}.`,
  more: (name: string) => `More for ${name}`,
  close: "Close the account",
  closeTitle: (name: string) => `Close the account of ${name}?`,
  closeText:
    "They are signed out and their keys stop working. Nothing is deleted, and you can open it again.",
  isClosed: (name: string) => `The account of ${name} is closed.`,
  reopen: "Open it again",
  isOpen: (name: string) => `The account of ${name} is open again.`,
  reset: "Link to a new password",
  resetTitle: (name: string) => `A new password for ${name}`,
  resetText: (until: string) =>
    `Give this link to them and to nobody else. It works once, until ${until}, and is not shown again.`,
  dropFactor: "Take the second factor off",
  factorDropped: (name: string) => `${name} signs in with the password alone now.`,
  shown: (count: number) => plural(count, "person", "people"),

  signup: {
    title: "Who may make an account?",
    closed: "Nobody. Invitations and the command line still work.",
    invitation: "Whoever has an invitation",
    open: "Everybody who opens the page",
    fixed: "DANAS_SIGNUP decides this.",
    saved: "Saved",
  },
  invite: {
    title: "Invitations",
    role: "Role",
    note: "For whom? (a note for yourself)",
    days: "Good for",
    day: (days: number) => plural(days, "day", "days"),
    make: "Invite somebody",
    madeTitle: "An invitation",
    made: (until: string) =>
      `Whoever has this link can make one account with it, until ${until}. It is not shown again.`,
    done: "I have copied it",
    used: (name: string, when: string) => `used by ${name}, ${when}`,
    somebody: "somebody who is gone",
    until: (when: string) => `until ${when}`,
    by: (name: string) => `by ${name}`,
    revoke: "Take back",
    revokeOf: (what: string) => `Take back: ${what}`,
    revoked: "The invitation is taken back.",
    none: "There are no invitations.",
  },
};

export type PeopleMessages = typeof en;

const fil: PeopleMessages = {
  title: "Mga Tao",
  search: "Maghanap ayon sa pangalan o e-mail address",
  none: "Walang ganoon ang pangalan.",
  you: "Ikaw",
  closed: "Sarado",
  factor: "Ikalawang hakbang",
  joined: (when: string) => `Narito mula ${when}`,
  seen: (when: string) => `huling nag-sign in ${when}`,
  never: "hindi pa nakakapag-sign in",
  role: (name: string) => `Papel ni ${name}`,
  roleChanged: (name: string, role: string) => `Si ${name} ay ngayon: ${role}.`,
  more: (name: string) => `Iba pa para kay ${name}`,
  close: "Isara ang account",
  closeTitle: (name: string) => `Isasara ba ang account ni ${name}?`,
  closeText:
    "Masa-sign out siya at titigil ang mga key niya. Walang mabubura, at mabubuksan mo ito ulit.",
  isClosed: (name: string) => `Sarado na ang account ni ${name}.`,
  reopen: "Buksan ulit",
  isOpen: (name: string) => `Bukas na ulit ang account ni ${name}.`,
  reset: "Link sa bagong password",
  resetTitle: (name: string) => `Bagong password para kay ${name}`,
  resetText: (until: string) =>
    `Sa kanya lang ibigay ang link na ito. Isang beses lang ito gagana, hanggang ${until}, at hindi na ipapakita ulit.`,
  dropFactor: "Alisin ang ikalawang hakbang",
  factorDropped: (name: string) => `Password na lang ang gamit ni ${name} sa pag-sign in.`,
  shown: (count: number) => `${number(count)} tao`,

  signup: {
    title: "Sino ang puwedeng gumawa ng account?",
    closed: "Wala. Gumagana pa rin ang mga imbitasyon at ang command line.",
    invitation: "Ang may imbitasyon",
    open: "Lahat ng magbubukas ng pahina",
    fixed: "Ang DANAS_SIGNUP ang nagpapasya nito.",
    saved: "Na-save na",
  },
  invite: {
    title: "Mga imbitasyon",
    role: "Papel",
    note: "Para kanino? (tala para sa sarili mo)",
    days: "Magagamit nang",
    day: (days: number) => `${number(days)} araw`,
    make: "Mag-anyaya",
    madeTitle: "Isang imbitasyon",
    made: (until: string) =>
      `Makakagawa ng isang account ang may hawak ng link na ito, hanggang ${until}. Hindi na ito ipapakita ulit.`,
    done: "Nakopya ko na",
    used: (name: string, when: string) => `ginamit ni ${name}, ${when}`,
    somebody: "isang wala na rito",
    until: (when: string) => `hanggang ${when}`,
    by: (name: string) => `ni ${name}`,
    revoke: "Bawiin",
    revokeOf: (what: string) => `Bawiin: ${what}`,
    revoked: "Nabawi na ang imbitasyon.",
    none: "Walang imbitasyon.",
  },
};

export const t = { ...others, people: words<PeopleMessages>({ en, fil }) };
