import { ApiError, get, onSignedOut, patch, post, remove } from "../api/http";
import type { Me } from "../api/types";
import { read, write } from "../ui/storage";

const PERSON = "danas.person";

export interface Registration {
  name: string;
  password: string;
  training: boolean;
  research: boolean;
  /** The token of an invitation. */
  invitation?: string;
}

export interface FirstSteps {
  name: string;
  password: string;
  signup?: SignUpMode;
}

export type SignUpMode = Me["signup"];

/** What the page itself says of the installation, since who is not signed in can't ask. */
function fact(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name=danas-${name}]`)?.content ?? "";
}

/** Who is signed in. `isExpired`: someone was, and the page waits for that person to come back. */
class Session {
  me = $state.raw<Me | null>(null);
  isLoading = $state(true);
  isExpired = $state(false);
  readonly signUpMode = fact("signup");
  readonly canSignUp = this.signUpMode === "open";
  /** Where else people can sign in, in the installation's words; empty where nowhere. */
  readonly elsewhere = fact("oidc");
  readonly hasMail = fact("mail") === "yes";
  /** Why nothing is known yet: a sentence. */
  failure = $state("");
  /** Nothing was answered at all. */
  isUnreachable = $state(false);
  #isLeaving = false;

  constructor() {
    onSignedOut(() => this.expire());
  }

  async load(): Promise<void> {
    this.isLoading = true;
    this.failure = "";
    this.isUnreachable = false;
    try {
      this.#enter(await get<Me>("/v1/session"));
    } catch (error) {
      await this.#stayOut(error);
    }
    this.isLoading = false;
  }

  expire(): void {
    if (this.me && !this.#isLeaving) this.isExpired = true;
  }

  /** `code`: of the second factor, once the server has asked for it. */
  async signIn(name: string, password: string, code = ""): Promise<void> {
    this.#enter(await post<Me>("/v1/session", { name, password, ...(code && { code }) }));
  }

  /** The code of the second factor, after another site has said who it is. */
  async showCode(code: string): Promise<void> {
    this.#enter(await post<Me>("/v1/session/second-step", { code }));
  }

  async setUp(steps: FirstSteps): Promise<void> {
    this.#enter(await post<Me>("/v1/setup", steps));
  }

  async signUp(registration: Registration): Promise<void> {
    this.#enter(await post<Me>("/v1/accounts", registration));
  }

  async signOut(): Promise<void> {
    // The socket may hear of it before this request does; that is no session that has expired.
    this.#isLeaving = true;
    try {
      await remove("/v1/session");
    } finally {
      this.#isLeaving = false;
    }
    this.me = null;
    write(PERSON, null);
    this.isExpired = false;
  }

  async consent(choice: { training?: boolean; research?: boolean }): Promise<void> {
    this.me = await patch<Me>("/v1/session", choice);
  }

  may(scope: string): boolean {
    return this.me?.scopes.includes(scope) ?? false;
  }

  get isAsked(): boolean {
    return this.me !== null && this.me.training !== null && this.me.research !== null;
  }

  /** Who was signed in at this browser and has not signed out, as far as it knows. */
  get lastPerson(): number {
    return Number(read(PERSON) ?? 0);
  }

  #enter(me: Me): void {
    write(PERSON, String(me.id));
    this.me = me;
    this.isExpired = false;
  }

  async #stayOut(error: unknown): Promise<void> {
    if (!(error instanceof ApiError)) throw error;
    if (error.isSignedOut) write(PERSON, null);
    else this.failure = error.message;
    this.isUnreachable = error.status === 0;
  }
}

export const session = new Session();
