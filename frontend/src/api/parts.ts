/**
 * Parts of the page that are loaded later.
 *
 * One that does not come is gone since Danas was updated meanwhile, or the network is. The first needs
 * the new page; in the second a new page would be none at all, and what is on screen is kept.
 */

import { t } from "../ui/messages";
import { toasts } from "../ui/toasts.svelte";

const RELOADED = "danas.reloaded";

export async function afterLostPart(reload = () => location.reload()): Promise<void> {
  if (!(await isReachable())) {
    const isSaid = toasts.shown.some(({ text }) => text === t.errors.unreachable);
    if (!isSaid) toasts.say(t.errors.unreachable, "error");
    return;
  }
  // Once for an address: what is still missing then is not made good by asking again.
  if (sessionStorage.getItem(RELOADED) === location.href) return;
  sessionStorage.setItem(RELOADED, location.href);
  reload();
}

async function isReachable(): Promise<boolean> {
  const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => null);
  return answer?.ok ?? false;
}
