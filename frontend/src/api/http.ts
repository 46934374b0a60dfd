/** The HTTP client: JSON in and out, the CSRF token sent along, errors as sentences. */

import { language } from "../ui/language";
import { t } from "../ui/messages";
import { sentence } from "./codes";

/** A request that failed. `message` is a sentence for a person; `status` is 0 without an answer. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Options {
  body?: unknown;
  /** Makes a POST safe to send twice. */
  idempotencyKey?: string;
}

/** A browser keeps 64 kB on their way for a page that is gone; a character has up to three bytes. */
const KEPT_CHARACTERS = 16_000;

const signedOutListeners = new Set<() => void>();

/** Calls `listener` whenever the server says that nobody is signed in; returns the way to end that. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

export function get<T>(path: string): Promise<T> {
  return request<T>("GET", path);
}

export function post<T>(path: string, body: unknown = {}, idempotencyKey?: string): Promise<T> {
  return request<T>("POST", path, idempotencyKey ? { body, idempotencyKey } : { body });
}

export function put<T>(path: string, body: unknown): Promise<T> {
  return request<T>("PUT", path, { body });
}

export function patch<T>(path: string, body: unknown): Promise<T> {
  return request<T>("PATCH", path, { body });
}

export function remove(path: string): Promise<void> {
  return request<void>("DELETE", path);
}

const asked = new Map<string, Promise<Response | null>>();

/** Asks already for what will be read in a moment; if it fails, whoever reads it asks again. */
export function askAhead(path: string): void {
  const response = reach("GET", path, {});
  asked.set(path, response.then((answer) => (answer.ok ? answer : null)).catch(() => null));
}

/** An answer that was asked for ahead is for the first to read it. */
async function read(path: string): Promise<Response> {
  const ahead = asked.get(path);
  asked.delete(path);
  return (await ahead) ?? (await reach("GET", path, {}));
}

async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const response = await (method === "GET" ? read(path) : reach(method, path, options));
  if (response.ok) return (await bodyOf(response)) as T;
  const error = await errorOf(response);
  // A wrong password is a 401 too, but nobody was signed in before it.
  if (error.isSignedOut && !(path === "/v1/session" && method === "POST")) {
    signedOut();
  }
  throw error;
}

async function reach(method: Method, path: string, options: Options): Promise<Response> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const init: RequestInit = {
    method,
    headers: headersOf(method, options),
    credentials: "same-origin",
    // A thumb, say, arrives although the page is closed right after it.
    keepalive: method !== "GET" && (body?.length ?? 0) <= KEPT_CHARACTERS,
  };
  if (body !== undefined) init.body = body;
  try {
    return await fetch(path, init);
  } catch {
    throw new ApiError(t.errors.unreachable, 0, "unreachable");
  }
}

function headersOf(method: Method, options: Options): Record<string, string> {
  // The language for what is mailed: the page's own, which need not be the browser's.
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": language };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  return headers;
}

export function csrfToken(): string {
  const name = "csrftoken=";
  const found = document.cookie.split("; ").find((entry) => entry.startsWith(name));
  return found ? decodeURIComponent(found.slice(name.length)) : "";
}

export function signedOut(): void {
  for (const listener of signedOutListeners) listener();
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  return text ? JSON.parse(text) : undefined;
}

async function errorOf(response: Response): Promise<ApiError> {
  return failureOf(response.status, await response.text().catch(() => ""));
}

/** What a refusal says, in the page's words. */
export function failureOf(status: number, body: string): ApiError {
  const fallback = t.errors.status(status);
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string; code?: string } };
    const code = error?.code ?? "";
    return new ApiError(sentence(code, error?.message) || fallback, status, code);
  } catch {
    return new ApiError(fallback, status, "");
  }
}
