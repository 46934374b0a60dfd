/** Versions as the tree that they grew into. */

import type { Policy } from "../api/types";

export interface Row {
  policy: Policy;
  /** 0 on the way from the base to the live version; more on side branches. */
  depth: number;
}

/** The newest first, each above its parent; branches that the live version is not on stand aside. */
export function lineage(policies: Policy[]): Row[] {
  const names = new Set(policies.map(({ name }) => name));
  const children = Map.groupBy(policies, ({ parent }) => (parent && names.has(parent) ? parent : ""));
  const trunk = trunkOf(policies);
  const grow = (name: string, depth: number): Row[] => {
    const own = (children.get(name) ?? []).toSorted((a, b) => b.number - a.number);
    const next = own.find((one) => trunk.has(one.name)) ?? (trunk.has(name) ? undefined : own[0]);
    const aside = own.filter((policy) => policy !== next);
    const under = (policy: Policy, at: number): Row[] => [
      ...grow(policy.name, at),
      { policy, depth: at },
    ];
    return [
      ...(next ? under(next, depth) : []),
      ...aside.flatMap((policy) => under(policy, name === "" ? depth : depth + 1)),
    ];
  };
  return grow("", 0);
}

/** The live version and all before it. */
function trunkOf(policies: Policy[]): Set<string> {
  const byName = new Map(policies.map((policy) => [policy.name, policy]));
  const trunk = new Set<string>();
  let at = policies.find(({ live }) => live);
  while (at && !trunk.has(at.name)) {
    trunk.add(at.name);
    at = at.parent === null ? undefined : byName.get(at.parent);
  }
  return trunk;
}
