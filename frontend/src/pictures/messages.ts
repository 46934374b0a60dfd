/** The words about images. */

import { number, words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  one: "Image",
  add: "Add images",
  drop: "Drop images to add them",
  beside: "Images that go with the message",
  uploading: (name: string) => `Uploading ${name}`,
  percent: (share: number) => `${number(Math.round(100 * share))} %`,
  remove: (name: string) => `Remove ${name}`,
  again: "Try again",
  gone: "This image was not sent within a day and is gone. Add it again.",
  kinds: (name: string) => `${name}: only PNG, JPEG, WebP and GIF images can be added.`,
  tooMany: (most: number) => `A message takes at most ${number(most)} images.`,
  blind:
    "This model cannot see images. It is told that there is one; describe what matters in words.",
  open: (index: number) => `Open image ${number(index)}`,
  said: (index: number) => `Image ${number(index)} of this message`,
  lost: "This image is not there any more.",
};

export type PictureMessages = typeof en;

const fil: PictureMessages = {
  one: "Larawan",
  add: "Magdagdag ng larawan",
  drop: "Bitawan dito ang mga larawan para idagdag",
  beside: "Mga larawang kasama ng mensahe",
  uploading: (name) => `Ina-upload ang ${name}`,
  percent: (share) => `${number(Math.round(100 * share))} %`,
  remove: (name) => `Alisin ang ${name}`,
  again: "Subukan ulit",
  gone: "Hindi naipadala ang larawang ito sa loob ng isang araw at wala na. Idagdag ulit.",
  kinds: (name) => `${name}: larawang PNG, JPEG, WebP at GIF lang ang maidadagdag.`,
  tooMany: (most) => `Hanggang ${number(most)} larawan lang sa isang mensahe.`,
  blind:
    "Hindi nakakakita ng larawan ang model na ito. Sasabihin lang dito na may larawan; ilarawan sa salita ang mahalaga.",
  open: (index) => `Buksan ang larawan ${number(index)}`,
  said: (index) => `Larawan ${number(index)} ng mensaheng ito`,
  lost: "Wala na ang larawang ito.",
};

export const t = { ...others, pictures: words<PictureMessages>({ en, fil }) };
