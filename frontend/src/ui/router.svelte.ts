/** Addresses of the page, over the history API. assistant/urls.py lists the same ones. */

export type Route =
  { page: "chat"; conversation: string | null } | { page: "learning" } | { page: "settings" };

const CONVERSATION = /^\/c\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\/?$/;

export function routeOf(path: string): Route {
  const conversation = CONVERSATION.exec(path)?.[1];
  if (conversation) return { page: "chat", conversation };
  if (/^\/learning\/?$/.test(path)) return { page: "learning" };
  if (/^\/settings\/?$/.test(path)) return { page: "settings" };
  return { page: "chat", conversation: null };
}

class Router {
  path = $state(location.pathname);
  route: Route = $derived(routeOf(this.path));

  constructor() {
    addEventListener("popstate", () => (this.path = location.pathname));
  }

  go(path: string): void {
    if (path !== location.pathname) history.pushState(null, "", path);
    this.path = path;
  }

  /** Leaves no entry in the history. */
  replace(path: string): void {
    history.replaceState(null, "", path);
    this.path = path;
  }
}

export const router = new Router();

/** For a link inside the page: left to the browser when opened in a new tab. */
export function follow(event: MouseEvent): void {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  const link = event.currentTarget as HTMLAnchorElement;
  if (!isPlain) return;
  event.preventDefault();
  router.go(link.pathname);
}
