/** How improbable a token was, in five steps that are told apart by their shade. */

/** Upper bounds of minus the log-probability in nats: probabilities of about 0.9, 0.5, 0.2, 0.05. */
const STEPS = [0.1, 0.7, 1.6, 3];

export function stepOf(logprob: number): number {
  const found = STEPS.findIndex((bound) => -logprob < bound);
  return found < 0 ? STEPS.length : found;
}

/** As a share of one, to two significant digits. */
export function probability(logprob: number): string {
  return String(Number(Math.exp(logprob).toPrecision(2)));
}
