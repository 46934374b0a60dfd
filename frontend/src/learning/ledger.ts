/** Entries of the ledger in plain words; `learning/ledger.py` says what each kind holds. */

import type { LedgerEntry } from "../api/types";
import { short, spoken } from "./figures";
import { t } from "./messages";

const words = t.learning.chain;

export function sentenceOf({ kind, subject, body }: LedgerEntry): string {
  switch (kind) {
    case "judged":
      return words.uses[String(body.use)] ?? words.taken(Number(body.version), short(body.weight));
    case "revoked":
      return typeof body.version === "number"
        ? words.revokedSince(body.version)
        : words.revoked;
    case "left_out":
      return body.is_left_out ? words.leftOut(subject) : words.takenIn(subject);
    case "trained":
      return words.trained(subject, String(body.parent), Number(body.judgements));
    case "examined":
      return examined(subject, body);
    case "tried":
      return body.state === "running"
        ? words.onTrial(subject, Number(body.share))
        : words.trialEnded(subject, spoken(String(body.state)));
    case "activated":
      return words.activated(subject, String(body.by));
    default:
      return words.other(spoken(kind), subject);
  }
}

function examined(subject: string, body: LedgerEntry["body"]): string {
  const gates = Object.entries((body.gates ?? {}) as Record<string, boolean>);
  const failed = gates.filter(([, passed]) => !passed).map(([name]) => name);
  if (failed.length) return words.refused(subject, failed.join(", "));
  return words.examined(subject, gates.length, gates.length);
}
