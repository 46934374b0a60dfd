/**
 * Addresses of the page, over the history API. assistant/urls.py lists the same ones.
 *
 * `route` is read from the path. A page that filters keeps its filters in `router.query`, so that
 * what is shown can be linked to, reloaded and gone back to.
 */

export type ResearchSection = "found" | "snapshots" | "pulls";
export type LearningSection = "learned" | "quality" | "updates" | "versions" | "review";

/** `item`: a receipt or a version that is open over its section; a piece of feedback in review. */
export type Route =
  | { page: "chat"; conversation: string | null }
  | { page: "learning"; section: LearningSection; item: string | null }
  | { page: "review"; item: string | null }
  | { page: "memory" }
  | { page: "people" }
  | { page: "operations" }
  | { page: "research"; section: ResearchSection }
  | { page: "settings"; section: string }
  | { page: "link"; kind: LinkKind; token: string };

/** Links that were sent to somebody: they lead in, or to a new password, or confirm an address. */
export type LinkKind = "invite" | "reset" | "confirm";

const LEARNING = /^\/learning(?:\/(quality|updates|versions|review|receipts)(?:\/([\w.-]+))?)?\/?$/;
const REVIEW = /^\/review(?:\/([0-9a-f-]{36}))?\/?$/;
const RESEARCH = /^\/research(?:\/(snapshots|pulls))?\/?$/;
const SETTINGS = /^\/settings(?:\/([a-z]+))?\/?$/;
const LINK = /^\/(invite|reset|confirm)\/([\w:.=-]+)\/?$/;
const CONVERSATION = /^\/c\/([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\/?$/;

export function routeOf(path: string): Route {
  const conversation = CONVERSATION.exec(path)?.[1];
  if (conversation) return { page: "chat", conversation };
  const learning = LEARNING.exec(path);
  if (learning) return learningRoute(learning[1] ?? "receipts", learning[2] ?? null);
  const review = REVIEW.exec(path);
  if (review) return { page: "review", item: review[1] ?? null };
  const settings = SETTINGS.exec(path);
  if (settings) return { page: "settings", section: settings[1] ?? "" };
  if (/^\/memory\/?$/.test(path)) return { page: "memory" };
  if (/^\/people\/?$/.test(path)) return { page: "people" };
  const research = RESEARCH.exec(path);
  if (research) return { page: "research", section: (research[1] ?? "found") as ResearchSection };
  if (/^\/operations\/?$/.test(path)) return { page: "operations" };
  const link = LINK.exec(path);
  if (link) return { page: "link", kind: link[1] as LinkKind, token: link[2]! };
  return { page: "chat", conversation: null };
}

function learningRoute(part: string, item: string | null): Route {
  const section = part === "receipts" ? "learned" : (part as LearningSection);
  const hasItems = section === "learned" || section === "versions";
  return { page: "learning", section, item: hasItems ? item : null };
}

/** The address of a section, or of something in it. */
export function learningPath(section: LearningSection, item = ""): string {
  const part = section === "learned" ? "receipts" : section;
  if (item) return `/learning/${part}/${encodeURIComponent(item)}`;
  return section === "learned" ? "/learning" : `/learning/${part}`;
}

export function researchPath(section: ResearchSection): string {
  return section === "found" ? "/research" : `/research/${section}`;
}

class Router {
  path = $state(location.pathname);
  /** With its question mark, or empty. */
  search = $state(location.search);
  route: Route = $derived(routeOf(this.path));
  query: URLSearchParams = $derived(new URLSearchParams(this.search));

  constructor() {
    addEventListener("popstate", () => this.#read());
  }

  /** `address`: a path, and a query if it has one. */
  go(address: string): void {
    if (address !== location.pathname + location.search) history.pushState(null, "", address);
    this.#read();
  }

  /** Leaves no entry in the history. */
  replace(address: string): void {
    history.replaceState(null, "", address);
    this.#read();
  }

  /** Another query at the same path; without an entry in the history, since typing changes it. */
  ask(query: URLSearchParams): void {
    const text = query.toString();
    this.replace(this.path + (text && `?${text}`));
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }
}

export const router = new Router();

/** For a link inside the page: left to the browser when opened in a new tab. */
export function follow(event: MouseEvent): void {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  const link = event.currentTarget as HTMLAnchorElement;
  if (!isPlain) return;
  event.preventDefault();
  router.go(link.pathname + link.search);
}
