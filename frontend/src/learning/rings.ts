/** How many updates a policy has been through, by its name: `danas-v3-ab12cd34` has grown 3 rings. */
export function ringsOf(policy: string): number {
  return Number(/^danas-v(\d+)/.exec(policy)?.[1] ?? 0);
}
