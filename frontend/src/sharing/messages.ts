/** The words about links and files of a conversation. */

import { number, plural, words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  open: "Share or save",
  title: "Share or save this conversation",
  intro:
    "Whoever has the link can read the messages shown here, as they are now, without signing in. What you say later is not in it. You can revoke it at any time.",
  withName: "Show my name",
  withNameHint: "Otherwise nobody is told who shared it.",
  make: "Make a link",
  links: "Links",
  all: "Links that I shared",
  none: "You have not shared anything.",
  link: "Link",
  facts: (messages: number, when: string) => `${plural(messages, "message", "messages")}, ${when}`,
  named: "with my name",
  copy: "Copy the link",
  revoke: "Revoke",
  revoked: "The link is revoked.",
  untitled: "Conversation",
  file: "Save as a file",
  fileHint: "With all branches.",
  shared: (when: string) => `Shared from Danas, ${when}`,
  sharedBy: (name: string, when: string) => `Shared from Danas by ${name}, ${when}`,
  gone: "There is nothing behind this link",
  goneHint: "It was revoked, or what it showed was deleted.",
  reader: "They",
  home: "Go to Danas",
};

export type SharingMessages = typeof en;

const fil: SharingMessages = {
  open: "Ibahagi o i-save",
  title: "Ibahagi o i-save ang usapang ito",
  intro:
    "Mababasa ng sinumang may link ang mga mensaheng nakikita rito, kung ano ang mga ito ngayon, nang hindi nagsa-sign in. Hindi kasama ang sasabihin mo pa. Mababawi mo ito kahit kailan.",
  withName: "Ipakita ang pangalan ko",
  withNameHint: "Kung hindi, walang malalaman kung sino ang nagbahagi.",
  make: "Gumawa ng link",
  links: "Mga link",
  all: "Mga link na ibinahagi ko",
  none: "Wala ka pang ibinahagi.",
  link: "Link",
  facts: (messages, when) => `${number(messages)} mensahe, ${when}`,
  named: "may pangalan ko",
  copy: "Kopyahin ang link",
  revoke: "Bawiin",
  revoked: "Nabawi na ang link.",
  untitled: "Usapan",
  file: "I-save bilang file",
  fileHint: "Kasama ang lahat ng sanga.",
  shared: (when) => `Ibinahagi mula sa Danas, ${when}`,
  sharedBy: (name, when) => `Ibinahagi mula sa Danas ni ${name}, ${when}`,
  gone: "Walang laman ang link na ito",
  goneHint: "Binawi na ito, o nabura ang ipinakita nito.",
  reader: "Sila",
  home: "Pumunta sa Danas",
};

export const t = { ...others, sharing: words<SharingMessages>({ en, fil }) };
