/** When prints may have been missed. At first that is all of time: coverage has to be proven. */
export interface Outage {
  fromMs: number;
  /** Exclusive; Infinity while it lasts. */
  toMs: number;
  /** True for lost coverage, false for a stretch that a jump of the volume made doubtful. */
  readonly feed: boolean;
}

export interface Outages {
  /** The one that lasts, if any. */
  current: Outage | undefined;
  /** No two of a kind share a bar, and those that no bar can ask about are forgotten: a handful at most. */
  ended: Outage[];
  /** End of the last outage of the feed; a jump of the volume from before it is explained by it. */
  lastGainMs: number;
  readonly intervalMs: number;
}

export function createOutages(intervalMs: number): Outages {
  return {
    current: { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, feed: true },
    ended: [],
    lastGainMs: Number.NEGATIVE_INFINITY,
    intervalMs,
  };
}

/** Whether prints of [fromMs, toMs) may be missing. */
export function touched(outages: Outages, fromMs: number, toMs: number): boolean {
  if (outages.current && outages.current.fromMs < toMs) return true;
  for (const outage of outages.ended) if (outage.fromMs < toMs && outage.toMs > fromMs) return true;
  return false;
}

/** Whether the bar that ends at `endMs` lies in an outage of the feed that is over, and before the bar of its end. */
export function beforeCoverage(outages: Outages, endMs: number): boolean {
  for (const outage of outages.ended) {
    if (outage.feed && outage.fromMs < endMs && outage.toMs >= endMs) return true;
  }
  return false;
}

export function endOutage(outages: Outages, toMs: number): void {
  const { current } = outages;
  if (!current) return;
  outages.current = undefined;
  // Proven complete from before it began: nothing was missed.
  if (toMs <= current.fromMs) return;
  if (toMs > outages.lastGainMs) outages.lastGainMs = toMs;
  current.toMs = toMs;
  addOutage(outages, current);
}

/** Adds one that is over. Outages that share a bar become one: they touch the same bars. */
export function addOutage(outages: Outages, outage: Outage): void {
  const { intervalMs } = outages;
  const barOf = (ms: number) => Math.floor(ms / intervalMs);
  const lastBarOf = (toMs: number) => Math.ceil(toMs / intervalMs) - 1;
  const sharesBar = (other: Outage) =>
    other.feed === outage.feed &&
    barOf(other.fromMs) <= lastBarOf(outage.toMs) &&
    barOf(outage.fromMs) <= lastBarOf(other.toMs);
  const joined = { ...outage };
  const kept = outages.ended.filter((other) => {
    if (!sharesBar(other)) return true;
    joined.fromMs = Math.min(joined.fromMs, other.fromMs);
    joined.toMs = Math.max(joined.toMs, other.toMs);
    return false;
  });
  outages.ended = [...kept, joined];
}

/** Forgets what ended before a moment that no bar can ask about any more. */
export function pruneOutages(outages: Outages, beforeMs: number): void {
  if (outages.ended.some((outage) => outage.toMs < beforeMs)) {
    outages.ended = outages.ended.filter((outage) => outage.toMs >= beforeMs);
  }
}
