import type { AnswerPart, Part } from "../api/types";

/** A message's parts: what was written, then the images by their ids. */
export function partsOf(text: string, images: string[]): Part[] {
  const shown = images.map((image) => ({ type: "image" as const, image }));
  return text || shown.length === 0 ? [{ type: "text", text }, ...shown] : shown;
}

export function imagesIn(parts: AnswerPart[]): string[] {
  return parts.flatMap((part) => (part.type === "image" ? [part.image] : []));
}

export function textIn(parts: AnswerPart[]): string {
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}
