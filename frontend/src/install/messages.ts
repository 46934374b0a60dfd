/** The words of the page without a connection. */

import { words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  title: "You are offline",
  text: "Danas can't be reached. What you write here is kept in this browser as the draft of a new chat.",
  draft: "Draft",
};

export type InstallMessages = typeof en;

const fil: InstallMessages = {
  title: "Offline ka",
  text: "Hindi maabot ang Danas. Ang isusulat mo rito ay itatago sa browser na ito bilang burador ng bagong usapan.",
  draft: "Burador",
};

export const t = { ...others, offline: words<InstallMessages>({ en, fil }) };
