/** Whether what a page shows is as fresh as it should be, and how old it is where it is not. */

/** A topic is live while it is no older than so many times its pace. */
const latePaces = 5;

export interface ShownTopic {
  readonly name: string;
  /** Whether anything of it is shown. */
  readonly isKnown: boolean;
  /** Whether its last reading failed. */
  readonly isFaulty: boolean;
  /** As of when it is, Unix ms UTC. */
  readonly atMs: number;
  /** How often it should be read. */
  readonly paceMs: number;
}

export interface Stale {
  readonly name: string;
  /** Null where it was never read. */
  readonly ageMs: number | null;
  readonly isFaulty: boolean;
}

/** The topic that a person has to know of first: one that cannot be read, then the oldest; undefined where all is live. */
export function staleness(topics: readonly ShownTopic[], nowMs: number): Stale | undefined {
  const stale = topics
    .map(({ name, isKnown, isFaulty, atMs, paceMs }) => {
      const ageMs = isKnown ? Math.max(0, nowMs - atMs) : null;
      return { name, ageMs, isFaulty, isLate: ageMs !== null && ageMs > paceMs * latePaces };
    })
    .filter(({ isFaulty, isLate }) => isFaulty || isLate)
    .sort((a, b) => Number(b.isFaulty) - Number(a.isFaulty) || (b.ageMs ?? 0) - (a.ageMs ?? 0));
  const [first] = stale;
  return first && { name: first.name, ageMs: first.ageMs, isFaulty: first.isFaulty };
}
