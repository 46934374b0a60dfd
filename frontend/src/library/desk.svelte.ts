import { SvelteSet } from "svelte/reactivity";
import { router } from "../ui/router.svelte";
import { toasts } from "../ui/toasts.svelte";
import type { Change, Library } from "./library.svelte";
import { t } from "./messages";

/** What is being done with the list: which rows are selected, moved, deleted. */
export class Desk {
  isSelecting = $state(false);
  readonly selected = new SvelteSet<string>();
  /** Those that a folder is being chosen for. */
  moving = $state.raw<readonly string[]>([]);

  constructor(readonly library: Library) {}

  select(id: string): void {
    this.isSelecting = true;
    this.selected.add(id);
  }

  toggle(id: string): void {
    if (!this.selected.delete(id)) this.selected.add(id);
  }

  stopSelecting(): void {
    this.isSelecting = false;
    this.selected.clear();
  }

  change(id: string, change: Change): Promise<void> {
    return this.library.change(id, change).catch((error: unknown) => toasts.fail(error));
  }

  archive(ids: readonly string[]): void {
    this.#try(async () => {
      await this.library.together("archive", ids);
      this.stopSelecting();
      toasts.offer(t.lib.archivedNow(ids.length), t.lib.undo, () =>
        this.library.together("unarchive", ids),
      );
    });
  }

  unarchive(ids: readonly string[]): void {
    this.#try(async () => {
      await this.library.together("unarchive", ids);
      this.stopSelecting();
    });
  }

  move(ids: readonly string[], folder: string | null): void {
    this.moving = [];
    this.#try(async () => {
      await this.library.together("move", ids, folder);
      this.stopSelecting();
    });
  }

  /** Out of sight at once, with a way back for as long as there is one. */
  remove(ids: readonly string[]): void {
    const { route } = router;
    const open = route.page === "chat" ? route.conversation : null;
    this.#try(async () => {
      await this.library.together("delete", ids);
      this.stopSelecting();
      toasts.offer(t.lib.removed(ids.length), t.lib.undo, async () => {
        await this.library.together("restore", ids);
        if (open && ids.includes(open)) router.go(`/c/${open}`);
      });
      if (open && ids.includes(open)) router.go("/");
    });
  }

  #try(act: () => Promise<void>): void {
    act().catch((error: unknown) => toasts.fail(error));
  }
}
