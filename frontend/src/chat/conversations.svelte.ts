import { get, patch, remove } from "../api/http";
import type { Conversation } from "../api/types";

interface Page {
  data: Conversation[];
  has_more: boolean;
}

const PAGE = 40;

/** The list in the sidebar, newest first. */
export class Conversations {
  #known = $state.raw<ReadonlyMap<string, Conversation>>(new Map());
  isLoaded = $state(false);
  hasMore = $state(false);

  list = $derived(
    [...this.#known.values()].sort((a, b) => b.updated_at.localeCompare(a.updated_at)),
  );

  find(id: string): Conversation | undefined {
    return this.#known.get(id);
  }

  /** The newest page anew; what was listed further down stays. */
  async refresh(): Promise<void> {
    this.#take(await get<Page>(`/v1/conversations?limit=${PAGE}`), !this.isLoaded);
    this.isLoaded = true;
  }

  async more(): Promise<void> {
    const last = this.list.at(-1);
    if (!last) return;
    this.#take(await get<Page>(`/v1/conversations?limit=${PAGE}&before=${last.id}`), true);
  }

  async rename(id: string, title: string): Promise<void> {
    this.put(await patch<Conversation>(`/v1/conversations/${id}`, { title }));
  }

  async remove(id: string): Promise<void> {
    await remove(`/v1/conversations/${id}`);
    const known = new Map(this.#known);
    known.delete(id);
    this.#known = known;
  }

  put(...conversations: Conversation[]): void {
    const entries = conversations.map((one): [string, Conversation] => [one.id, one]);
    this.#known = new Map([...this.#known, ...entries]);
  }

  #take(page: Page, isEnd: boolean): void {
    this.put(...page.data);
    if (isEnd) this.hasMore = page.has_more;
  }
}
