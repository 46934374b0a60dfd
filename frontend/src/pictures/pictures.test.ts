import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import Composer from "../chat/Composer.svelte";
import { Attachments } from "./attachments.svelte";
import { partsOf } from "./parts";

/** Uploads that wait until they are answered. */
class Uploads {
  waiting: { name: string; answer: (status: number, body: object) => void }[] = [];

  constructor() {
    const { waiting } = this;
    vi.stubGlobal(
      "XMLHttpRequest",
      class {
        upload = {};
        status = 0;
        responseText = "";
        onload = (): void => {};
        open(): void {}
        abort(): void {}
        setRequestHeader(): void {}
        send(form: FormData): void {
          const answer = (status: number, body: object): void => {
            this.status = status;
            this.responseText = JSON.stringify(body);
            this.onload();
          };
          waiting.push({ name: (form.get("file") as File).name, answer });
        }
      },
    );
  }
}

const png = (name = "cat.png"): File => new File(["…"], name, { type: "image/png" });

beforeEach(() => {
  vi.unstubAllGlobals();
  URL.createObjectURL = () => "blob:preview";
  URL.revokeObjectURL = () => {};
});

function writing(attachments: Attachments, isSeeing = false) {
  const onsend = vi.fn();
  render(Composer, {
    props: { draft: "Look!", attachments, isSeeing, isAnswering: false, onsend, onstop: vi.fn() },
  });
  return onsend;
}

test("an image is uploaded when it is picked, and sent with the words once it is there", async () => {
  const uploads = new Uploads();
  const kept: string[][] = [];
  const onsend = writing(new Attachments([], (images) => kept.push(images)));
  const user = userEvent.setup();

  await user.upload(screen.getByLabelText("Add images", { selector: "input" }), png());
  expect(screen.getByRole("meter", { name: "Uploading cat.png" })).toBeTruthy();
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Send" }).disabled).toBe(true);
  uploads.waiting[0]!.answer(200, { id: "i" });
  await waitFor(() => expect(kept).toEqual([["i"]]));
  await user.click(screen.getByRole("button", { name: "Send" }));

  expect(onsend).toHaveBeenCalledWith("Look!", ["i"]);
  expect(kept.at(-1)).toEqual([]);
});

test("a pasted image is taken, and one that was refused says why and can be tried again", async () => {
  const uploads = new Uploads();
  writing(new Attachments([], () => {}));
  const user = userEvent.setup();

  screen.getByLabelText("Write to Danas").focus();
  const pasted = new Event("paste", { bubbles: true, cancelable: true });
  Object.assign(pasted, { clipboardData: { files: [png()] } });
  screen.getByLabelText("Write to Danas").dispatchEvent(pasted);
  await waitFor(() => expect(uploads.waiting.length).toBe(1));
  uploads.waiting[0]!.answer(413, { error: { message: "Too large.", code: "image_oversize" } });

  expect((await screen.findByRole("alert")).textContent).toBe("Too large.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  uploads.waiting[1]!.answer(200, { id: "i" });
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
});

test("other files are refused before they are sent", async () => {
  const uploads = new Uploads();
  const attachments = new Attachments([], () => {});
  writing(attachments);

  attachments.add([new File(["…"], "page.html", { type: "text/html" })]);

  expect((await screen.findByRole("alert")).textContent).toContain("page.html: only PNG");
  expect(uploads.waiting).toEqual([]);
});

test("a message takes ten images", () => {
  new Uploads();
  const attachments = new Attachments([], () => {});

  attachments.add(Array.from({ length: 11 }, (_, index) => png(`${index}.png`)));

  expect(attachments.items.length).toBe(10);
  expect(attachments.refusal).toContain("at most 10");
});

test("it is said before sending that the model cannot see images", () => {
  writing(new Attachments(["i"], () => {}));

  expect(screen.getByRole("status").textContent).toContain("This model cannot see images.");
});

test("nothing is said where the model sees images", () => {
  writing(new Attachments(["i"], () => {}), true);

  expect(screen.queryByRole("status")).toBeNull();
});

test("an image needs no words", () => {
  expect(partsOf("", ["i"])).toEqual([{ type: "image", image: "i" }]);
  expect(partsOf("Look!", [])).toEqual([{ type: "text", text: "Look!" }]);
});
