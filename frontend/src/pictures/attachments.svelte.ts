import { ApiError, remove } from "../api/http";
import { upload } from "../api/upload";
import { uuid } from "../ui/ids";
import { t } from "./messages";

const KINDS = ["image/png", "image/jpeg", "image/webp", "image/gif"];
export const ACCEPTED = KINDS.join(",");
/** As many as the server takes in a message. */
export const MOST = 10;

interface Uploaded {
  id: string;
}

/** One image beside the draft: on its way, there, or refused. */
export class Attachment {
  readonly key = uuid();
  /** The server's name for it, once it is there. */
  image = $state<string | null>(null);
  share = $state(0);
  failure = $state("");
  readonly preview: string;
  #stop = new AbortController();

  constructor(
    readonly file: File | null,
    image: string | null = null,
  ) {
    this.image = image;
    this.preview = file ? URL.createObjectURL(file) : `/v1/images/${image}`;
  }

  get name(): string {
    return this.file?.name || t.pictures.one;
  }

  async upload(): Promise<void> {
    if (!this.file) return;
    this.failure = "";
    this.share = 0;
    this.#stop = new AbortController();
    try {
      const told = (share: number): void => void (this.share = share);
      const made = await upload<Uploaded>("/v1/images", this.file, told, this.#stop.signal);
      this.image = made.id;
    } catch (error) {
      this.failure = error instanceof ApiError ? error.message : String(error);
    }
  }

  leave(): void {
    this.#stop.abort();
    if (this.file) URL.revokeObjectURL(this.preview);
  }
}

/** The images that go with what is being written. Those that are there survive a reload. */
export class Attachments {
  items = $state<Attachment[]>([]);
  /** Why something was not even tried. */
  refusal = $state("");
  readonly isBusy = $derived(this.items.some(({ image, failure }) => !image && !failure));
  readonly images = $derived(this.items.flatMap(({ image }) => (image ? [image] : [])));

  constructor(
    stored: string[],
    private readonly keep: (images: string[]) => void,
  ) {
    this.items = stored.map((image) => new Attachment(null, image));
  }

  add(files: Iterable<File>): void {
    this.refusal = "";
    for (const file of files) {
      if (!KINDS.includes(file.type)) this.refusal = t.pictures.kinds(file.name);
      else if (this.items.length >= MOST) this.refusal = t.pictures.tooMany(MOST);
      else void this.#upload(new Attachment(file));
    }
  }

  retry(item: Attachment): void {
    void item.upload().then(() => this.#keep());
  }

  remove(item: Attachment): void {
    item.leave();
    this.refusal = "";
    this.items = this.items.filter((one) => one !== item);
    this.#keep();
    // What is not taken back is deleted after a day anyway.
    if (item.image) remove(`/v1/images/${item.image}`).catch(() => {});
  }

  /** An image that is not there any more: its day is over. */
  lost(item: Attachment): void {
    if (item.file || item.failure) return;
    item.failure = t.pictures.gone;
    item.image = null;
    this.#keep();
  }

  /** They were sent: nothing is left beside the draft. Returns their ids. */
  take(): string[] {
    const images = this.images;
    for (const item of this.items) item.leave();
    this.items = [];
    this.refusal = "";
    this.#keep();
    return images;
  }

  restore(images: string[]): void {
    this.items = [...images.map((image) => new Attachment(null, image)), ...this.items];
    this.#keep();
  }

  async #upload(item: Attachment): Promise<void> {
    this.items.push(item);
    const shown = this.items.at(-1)!;
    await shown.upload();
    this.#keep();
  }

  #keep(): void {
    this.keep(this.images);
  }
}
