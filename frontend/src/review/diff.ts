/** What a correction changes, word by word: the longest common run of words stays, the rest differs. */

export interface Piece {
  kind: "same" | "gone" | "new";
  text: string;
}

/** Beyond this, the middle is shown as one piece taken out and one put in: the table is a product. */
const MOST_CELLS = 4_000_000;

export function difference(before: string, after: string): Piece[] {
  const [old, next] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start++;
  let end = 0;
  const room = Math.min(old.length, next.length) - start;
  while (end < room && old[old.length - 1 - end] === next[next.length - 1 - end]) end++;
  const middle = between(old.slice(start, old.length - end), next.slice(start, next.length - end));
  const tail = old.slice(old.length - end);
  return joined([...same(old.slice(0, start)), ...middle, ...same(tail)]);
}

/** Words with the blanks after them, so that joined they are the text again. */
function wordsOf(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_'’]+|[^\s\p{L}\p{N}_'’]/gu) ?? [];
}

function between(old: string[], next: string[]): Piece[] {
  if (old.length * next.length > MOST_CELLS) return [...gone(old), ...fresh(next)];
  const width = next.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = next.length - 1; j >= 0; j--) {
      common[i * width + j] =
        old[i] === next[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < next.length) {
    if (old[i] === next[j]) {
      pieces.push({ kind: "same", text: old[i++]! });
      j++;
    } else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!) {
      pieces.push({ kind: "gone", text: old[i++]! });
    } else {
      pieces.push({ kind: "new", text: next[j++]! });
    }
  }
  return [...pieces, ...gone(old.slice(i)), ...fresh(next.slice(j))];
}

const same = (words: string[]): Piece[] => words.map((text) => ({ kind: "same", text }));
const gone = (words: string[]): Piece[] => words.map((text) => ({ kind: "gone", text }));
const fresh = (words: string[]): Piece[] => words.map((text) => ({ kind: "new", text }));

function joined(pieces: Piece[]): Piece[] {
  const runs: Piece[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else runs.push({ ...piece });
  }
  return runs;
}
