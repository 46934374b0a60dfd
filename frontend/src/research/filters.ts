/** The filter as it stands in the page's address, and what a program would ask for. */

export const FORMATS = ["native", "openai", "sharegpt", "atif", "trl-sft", "trl-dpo", "trl-kto"];
export const KINDS = ["up", "down", "correction", "preference", "comment"];
/** Of a pull as of a search. */
const FILTER = ["from", "until", "policy", "feedback", "tag", "update"] as const;
const SEARCH = ["q", "by"] as const;
const IN_PYTHON: Record<string, string> = { from: "start" };

export type Name = (typeof FILTER)[number] | (typeof SEARCH)[number];

function only(query: URLSearchParams, names: readonly string[]): URLSearchParams {
  const kept = names.flatMap((name) => query.getAll(name).map((value) => [name, value]));
  return new URLSearchParams(kept.filter(([, value]) => value));
}

export function filterOf(query: URLSearchParams): URLSearchParams {
  return only(query, FILTER);
}

/** What is looked for, filter and query. */
export function wantedOf(query: URLSearchParams): URLSearchParams {
  return only(query, [...SEARCH, ...FILTER]);
}

/** The filter as the body of `POST /v1/snapshots` has it. */
export function bodyOf(query: URLSearchParams): Record<string, string | string[]> {
  const filter = filterOf(query);
  return Object.fromEntries(
    [...new Set(filter.keys())].map((name) => [
      name,
      name === "feedback" ? filter.getAll(name) : filter.get(name)!,
    ]),
  );
}

export function curlOf(query: URLSearchParams, format: string, origin: string): string {
  const asked = new URLSearchParams([["format", format], ["since", "0"], ...filterOf(query)]);
  return `curl "${origin}/v1/trajectories?${asked}" \\\n  -H "Authorization: Bearer $KEY" > ${format}.ndjson`;
}

export function pythonOf(query: URLSearchParams, format: string, origin: string): string {
  const given = Object.entries(bodyOf(query)).map(
    ([name, value]) => `\n    ${IN_PYTHON[name] ?? name}=${JSON.stringify(value)},`,
  );
  return [
    "import danas",
    "",
    `client = danas.Client(${JSON.stringify(origin)}, KEY)`,
    `for row in client.iter_trajectories(\n    ${JSON.stringify(format)},\n    since=${JSON.stringify(`${format}.checkpoint`)},${given.join("")}\n):`,
    "    ...",
  ].join("\n");
}

/** In few words, for a list. */
export function inWords(filter: Record<string, unknown>, everything: string): string {
  const said = Object.entries(filter).map(([name, value]) => `${name}: ${String(value)}`);
  return said.join(", ") || everything;
}
