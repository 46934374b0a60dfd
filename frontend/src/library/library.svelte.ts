import { get, patch, post, remove } from "../api/http";
import type { Conversation, Folder, LibraryNotice } from "../api/types";

interface Page {
  data: Conversation[];
  has_more: boolean;
}

type Act = "archive" | "unarchive" | "move" | "delete" | "restore";
export type Change = Partial<Pick<Conversation, "title" | "is_pinned" | "is_archived" | "folder">>;

const PAGE = 40;
const MOST = 200;

/** A part of the list: its question, and which of the known conversations are in it. */
interface Part {
  query: string;
  has: (conversation: Conversation) => boolean;
}

const RECENT: Part = {
  query: "pinned=false&folder=none",
  has: (one) => !one.is_archived && !one.is_pinned && !one.folder,
};
const PINNED: Part = { query: "pinned=true", has: (one) => !one.is_archived && one.is_pinned };
const ARCHIVED: Part = { query: "archived=true", has: (one) => one.is_archived };
const inFolder = (folder: string): Part => ({
  query: `folder=${folder}`,
  has: (one) => !one.is_archived && one.folder === folder,
});

/**
 * A person's conversations, as far as they were read: each part of the list a page at a time.
 *
 * A conversation is known once, and says itself to which part it belongs.
 */
export class Library {
  #known = $state.raw<ReadonlyMap<string, Conversation>>(new Map());
  /** By a part's question: whether more of it is to be read. */
  #hasMore = $state.raw<ReadonlyMap<string, boolean>>(new Map());
  /** By a part's question: the moment down to which it was read. Older ones are known by chance. */
  #reach = new Map<string, string>();
  #reading = new Set<string>();
  folders = $state.raw<readonly Folder[]>([]);
  isLoaded = $state(false);

  #sorted = $derived(
    [...this.#known.values()]
      .filter((one) => !one.is_temporary)
      .sort((a, b) => (a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : 0)),
  );
  recent = $derived(this.#sorted.filter(RECENT.has));
  pinned = $derived(this.#sorted.filter(PINNED.has));
  archived = $derived(this.#sorted.filter(ARCHIVED.has));

  of(folder: string): Conversation[] {
    return this.#sorted.filter(inFolder(folder).has);
  }

  find(id: string): Conversation | undefined {
    return this.#known.get(id);
  }

  hasMore(folder: string | null = null, isArchived = false): boolean {
    return this.#hasMore.get(part(folder, isArchived).query) ?? false;
  }

  /** The newest pages anew; what was listed further down stays. */
  async refresh(): Promise<void> {
    await Promise.all([this.#read(RECENT), this.#read(PINNED, MOST), this.readFolders()]);
    this.isLoaded = true;
  }

  async readFolders(): Promise<void> {
    this.folders = (await get<{ data: Folder[] }>("/v1/folders")).data;
  }

  /** The first page of a folder, or of the archive. */
  async open(folder: string | null, isArchived = false): Promise<void> {
    await this.#read(part(folder, isArchived));
  }

  async more(folder: string | null = null, isArchived = false): Promise<void> {
    const which = part(folder, isArchived);
    if (this.#reading.has(which.query)) return;
    this.#reading.add(which.query);
    try {
      await this.#read(which, PAGE, this.lastRead(folder, isArchived));
    } finally {
      this.#reading.delete(which.query);
    }
  }

  /** The id of the last of those that were read in order; empty where none is left. */
  lastRead(folder: string | null = null, isArchived = false): string {
    const which = part(folder, isArchived);
    const reach = this.#reach.get(which.query) ?? "";
    return this.#sorted.findLast((one) => which.has(one) && one.updated_at >= reach)?.id ?? "";
  }

  async #read(which: Part, limit = PAGE, before = ""): Promise<void> {
    const below = before && `&before=${before}`;
    const page = await get<Page>(`/v1/conversations?${which.query}&limit=${limit}${below}`);
    const isFirst = !this.#hasMore.has(which.query);
    if (isFirst || before) {
      this.#reach.set(which.query, page.data.at(-1)?.updated_at ?? "");
      this.#hasMore = new Map([...this.#hasMore, [which.query, page.has_more]]);
    }
    this.put(...page.data);
  }

  async change(id: string, change: Change): Promise<void> {
    this.put(await patch<Conversation>(`/v1/conversations/${id}`, change));
  }

  /** The same with several; what is deleted is out of sight at once, and back if that fails. */
  async together(act: Act, ids: readonly string[], folder: string | null = null): Promise<void> {
    const before = this.#known;
    if (act === "delete") this.drop(...ids);
    try {
      for (let from = 0; from < ids.length; from += MOST) {
        const conversations = ids.slice(from, from + MOST);
        const page = await post<Page>("/v1/conversations/several", { conversations, act, folder });
        this.put(...page.data);
      }
    } catch (error) {
      this.#known = before;
      throw error;
    }
  }

  /** For good, without a way back. */
  async removeNow(id: string): Promise<void> {
    await remove(`/v1/conversations/${id}?now=true`);
    this.drop(id);
  }

  async makeFolder(name: string): Promise<Folder> {
    const folder = await post<Folder>("/v1/folders", { name });
    await this.readFolders();
    return folder;
  }

  async renameFolder(id: string, name: string): Promise<void> {
    await patch<Folder>(`/v1/folders/${id}`, { name });
    await this.readFolders();
  }

  /** Its conversations stay, in no folder. */
  async removeFolder(id: string): Promise<void> {
    await remove(`/v1/folders/${id}`);
    this.put(...this.of(id).map((one) => ({ ...one, folder: null })));
    await this.readFolders();
  }

  /** What another tab, or the server by itself, has changed. */
  take(notice: LibraryNotice): void {
    if (notice.type === "changed") this.put(...notice.conversations);
    else if (notice.type === "gone") this.drop(...notice.conversations);
    else void this.refresh().catch(() => {});
  }

  put(...conversations: Conversation[]): void {
    const entries = conversations.map((one): [string, Conversation] => [one.id, one]);
    this.#known = new Map([...this.#known, ...entries]);
  }

  drop(...ids: string[]): void {
    const known = new Map(this.#known);
    for (const id of ids) known.delete(id);
    this.#known = known;
  }
}

function part(folder: string | null, isArchived: boolean): Part {
  if (isArchived) return ARCHIVED;
  return folder === null ? RECENT : inFolder(folder);
}
