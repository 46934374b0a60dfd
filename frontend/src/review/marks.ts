/** Places in texts, which the server counts in characters and JavaScript in UTF-16 units. */

export interface Span {
  where: string;
  start: number;
  end: number;
}

export interface Segment {
  text: string;
  isMarked: boolean;
}

/** A text cut where marks begin and end. */
export function segments(text: string, where: string, spans: readonly Span[]): Segment[] {
  const characters = Array.from(text);
  const own = spans.filter((span) => span.where === where).sort((a, b) => a.start - b.start);
  const cut: Segment[] = [];
  let at = 0;
  const add = (until: number, isMarked: boolean): void => {
    if (until > at) cut.push({ text: characters.slice(at, until).join(""), isMarked });
    at = Math.max(at, until);
  };
  for (const { start, end } of own) {
    add(start, false);
    add(end, true);
  }
  add(characters.length, false);
  return cut;
}

/** Every place where some words stand in the texts. */
export function placesOf(words: string, texts: Record<string, string>): Span[] {
  const wanted = words.trim();
  if (Array.from(wanted).length < 3) return [];
  return Object.entries(texts).flatMap(([where, text]) => {
    const found: Span[] = [];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const start = Array.from(text.slice(0, at)).length;
      found.push({ where, start, end: start + Array.from(wanted).length });
    }
    return found;
  });
}

/** The same place is marked once, whoever found it. */
export function onlyOnce(spans: readonly Span[]): Span[] {
  const byPlace = spans.map((span) => [`${span.where} ${span.start} ${span.end}`, span] as const);
  return [...new Map(byPlace).values()];
}
