/** The words about one's own data. */

import { number, plural, words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  section: "My data",
  copyTitle: "A copy of everything",
  copyText:
    "Conversations with all branches, images, judgements and what became of them, links, and what you agreed to, as a zip. Temporary chats are not kept and not in it. A copy stays for three days, or until you delete something that may be in it.",
  make: "Make a copy",
  progress: "Making the copy",
  progressWords: (done: number, total: number) =>
    `${number(done)} of ${plural(total, "conversation", "conversations")}`,
  download: "Download",
  ready: (megabytes: string, until: string) => `${megabytes} MB, until ${until}`,
  failed: "The copy could not be made. Try again.",
  deleteTitle: "Delete everything",
  deleteText:
    "This cannot be undone. Your conversations go with their images, judgements and links, and with all that learning keeps of them, an adapter of your own included. Versions of the model that learned from you before keep what they learned: it cannot be taken out of them one person at a time.",
  conversations: "Delete all conversations",
  account: "Delete my account",
  conversationsSure: "Delete all your conversations?",
  accountSure: "Delete your account and everything in it?",
  typeName: (name: string) => `Type your name, ${name}, to confirm`,
  password: "Password",
  passwordHint: "Leave it empty if you sign in without one.",
  left: (count: number) => `Being deleted: ${plural(count, "conversation", "conversations")} left.`,
  gone: "All your conversations are deleted.",
};

export type MyDataMessages = typeof en;

const fil: MyDataMessages = {
  section: "Data ko",
  copyTitle: "Kopya ng lahat",
  copyText:
    "Mga usapan kasama ang lahat ng sanga, larawan, hatol at kinahinatnan ng mga ito, link, at mga pinayagan mo, bilang zip. Hindi itinatago ang mga pansamantalang usapan kaya wala rito. Tatlong araw na mananatili ang kopya, o hanggang burahin mo ang anumang maaaring laman nito.",
  make: "Gumawa ng kopya",
  progress: "Ginagawa ang kopya",
  progressWords: (done, total) => `${number(done)} sa ${number(total)} usapan`,
  download: "I-download",
  ready: (megabytes, until) => `${megabytes} MB, hanggang ${until}`,
  failed: "Hindi nagawa ang kopya. Subukan ulit.",
  deleteTitle: "Burahin ang lahat",
  deleteText:
    "Hindi na ito mababawi. Mabubura ang mga usapan mo kasama ang mga larawan, hatol at link, at lahat ng itinago ng pagkatuto mula sa mga ito, pati ang sarili mong adapter. Mananatili sa mga naunang bersyon ng model ang natutuhan nila sa iyo: hindi ito maaalis nang paisa-isang tao.",
  conversations: "Burahin ang lahat ng usapan",
  account: "Burahin ang account ko",
  conversationsSure: "Burahin ang lahat ng usapan mo?",
  accountSure: "Burahin ang account mo at lahat ng laman nito?",
  typeName: (name) => `I-type ang pangalan mo, ${name}, para kumpirmahin`,
  password: "Password",
  passwordHint: "Iwang blangko kung nagsa-sign in ka nang wala nito.",
  left: (count) => `Binubura: ${number(count)} usapan pa ang natitira.`,
  gone: "Nabura na ang lahat ng usapan mo.",
};

export const t = { ...others, mine: words<MyDataMessages>({ en, fil }) };
