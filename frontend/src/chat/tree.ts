/**
 * A conversation is a tree of messages; the page shows one path from the first to a leaf, or the
 * lower part of it: what stands above is loaded when someone reads up to it.
 *
 * At each fork the reader's own choice holds; without one, the path leads to the newest message.
 */

export interface Place {
  id: string;
  parent: string | null;
  created_at: string;
}

export interface Step<T> {
  place: T;
  /** All answers to (or versions of) the same thing, this one included, oldest first. */
  siblings: T[];
}

type Children<T> = Map<string | null, T[]>;

export function path<T extends Place>(
  places: Iterable<T>,
  choices: ReadonlyMap<string | null, string>,
  /** The path is that below this message. */
  root: string | null = null,
): Step<T>[] {
  const children = childrenOf(places);
  const newest = newestBelow(children, root);
  const steps: Step<T>[] = [];
  let siblings = children.get(root);
  while (siblings) {
    const chosen = choices.get(siblings[0]!.parent);
    const place =
      siblings.find(({ id }) => id === chosen) ??
      siblings.reduce((best, one) => (newest.get(one.id)! >= newest.get(best.id)! ? one : best));
    steps.push({ place, siblings });
    siblings = children.get(place.id);
  }
  return steps;
}

function childrenOf<T extends Place>(places: Iterable<T>): Children<T> {
  const children: Children<T> = new Map();
  for (const place of places) {
    const siblings = children.get(place.parent);
    if (siblings) siblings.push(place);
    else children.set(place.parent, [place]);
  }
  for (const siblings of children.values()) {
    siblings.sort((a, b) => a.created_at.localeCompare(b.created_at));
  }
  return children;
}

/** For each message, when the newest message at or below it was made. */
function newestBelow<T extends Place>(
  children: Children<T>,
  root: string | null,
): Map<string, string> {
  const newest = new Map<string, string>();
  const order = [...(children.get(root) ?? [])];
  for (const place of order) order.push(...(children.get(place.id) ?? []));
  for (const place of order.reverse()) {
    const below = children.get(place.id) ?? [];
    const moments = below.map(({ id }) => newest.get(id)!);
    newest.set(
      place.id,
      [place.created_at, ...moments].reduce((a, b) => (a > b ? a : b)),
    );
  }
  return newest;
}
