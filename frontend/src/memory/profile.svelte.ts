import { get, patch, post, remove } from "../api/http";
import type { Note, NoteAdded, Profile } from "../api/types";

type NoteChange = Partial<Pick<Note, "text" | "is_pinned">>;

const NOTES = "/v1/memory/notes";

/** What is known of a person, as it was last read. */
export class ProfileStore {
  now: Profile | null = $state.raw(null);
  failure = $state("");

  async load(): Promise<void> {
    try {
      this.now = await get<Profile>("/v1/memory");
      this.failure = "";
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  async switch(isOn: boolean): Promise<void> {
    this.now = await patch<Profile>("/v1/memory", { is_on: isOn });
  }

  /** Returns how many notes had to give way. */
  async add(text: string): Promise<number> {
    const added = await post<NoteAdded>(NOTES, { text });
    await this.load();
    return added.gave_way.length;
  }

  async change(note: Note, change: NoteChange): Promise<void> {
    await patch<Note>(`${NOTES}/${note.id}`, change);
    await this.load();
  }

  async remove(note: Note): Promise<void> {
    await remove(`${NOTES}/${note.id}`);
    await this.load();
  }

  async restore(note: Note): Promise<void> {
    await post<Note>(`${NOTES}/${note.id}/restore`);
    await this.load();
  }
}
