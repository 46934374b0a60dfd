import { ApiError, get, onSignedOut, patch, post, remove } from "../api/http";
import type { Me } from "../api/types";

export interface Registration {
  name: string;
  password: string;
  training: boolean;
  research: boolean;
}

/** Who is signed in. `isExpired`: someone was, and the page waits for that person to come back. */
class Session {
  me = $state.raw<Me | null>(null);
  isLoading = $state(true);
  isExpired = $state(false);
  /** Told by the page itself, since who is not signed in can't ask. */
  readonly canSignUp =
    document.querySelector<HTMLMetaElement>("meta[name=danas-signup]")?.content === "open";
  /** Why nothing is known yet: a sentence. */
  failure = $state("");

  constructor() {
    onSignedOut(() => this.expire());
  }

  async load(): Promise<void> {
    this.isLoading = true;
    this.failure = "";
    try {
      this.#enter(await get<Me>("/v1/session"));
    } catch (error) {
      await this.#stayOut(error);
    }
    this.isLoading = false;
  }

  expire(): void {
    if (this.me) this.isExpired = true;
  }

  async signIn(name: string, password: string): Promise<void> {
    this.#enter(await post<Me>("/v1/session", { name, password }));
  }

  async signUp(registration: Registration): Promise<void> {
    this.#enter(await post<Me>("/v1/accounts", registration));
  }

  async signOut(): Promise<void> {
    await remove("/v1/session");
    this.me = null;
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

  #enter(me: Me): void {
    this.me = me;
    this.isExpired = false;
  }

  async #stayOut(error: unknown): Promise<void> {
    if (!(error instanceof ApiError)) throw error;
    if (!error.isSignedOut) this.failure = error.message;
  }
}

export const session = new Session();
