const LONGEST = 60;

/** The beginning of a text, to name what a button is for. */
export function excerpt(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
