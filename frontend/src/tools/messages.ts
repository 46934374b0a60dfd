/** The words of tools and reminders. */

import { words } from "../ui/language";

const en = {
  section: "Tools",
  title: "What Danas may use",
  why: "Danas is offered these while it answers you. You can be asked each time, or not at all.",
  none: "The model that answers here uses no tools.",
  choice: (tool: string) => `Whether ${tool} may be used`,
  choices: { ask: "Ask me", always: "Always", never: "Never" },
  of: (server: string) => `from ${server}`,
  reminders: {
    title: "Reminders",
    none: "There are none. Ask Danas to remind you of something.",
    due: (at: string) => `at ${at}`,
    cancel: "Cancel",
    cancelOf: (text: string) => `Cancel “${text}”`,
    label: "Reminder",
    putAway: "Put away",
  },
};

export type Messages = typeof en;

const fil: Messages = {
  section: "Mga kagamitan",
  title: "Ano ang puwedeng gamitin ng Danas",
  why: "Inaalok ang mga ito sa Danas habang sinasagot ka. Puwede kang tanungin tuwina, o hindi na.",
  none: "Walang ginagamit na kagamitan ang modelong sumasagot dito.",
  choice: (tool) => `Kung puwedeng gamitin ang ${tool}`,
  choices: { ask: "Tanungin ako", always: "Palagi", never: "Huwag kailanman" },
  of: (server) => `mula sa ${server}`,
  reminders: {
    title: "Mga paalala",
    none: "Wala pa. Sabihin sa Danas na paalalahanan ka.",
    due: (at) => `sa ${at}`,
    cancel: "Kanselahin",
    cancelOf: (text) => `Kanselahin ang “${text}”`,
    label: "Paalala",
    putAway: "Itabi",
  },
};

export const t = words({ en, fil });
