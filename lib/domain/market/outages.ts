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
  readonly ended: Outage[];
  /** End of the last outage of the feed; a jump of the volume from before it is explained by it. */
  lastGainMs: number;
  /** Times that the list was full and two outages became one longer one. */
  merged: number;
}

const endedMax = 64;

export function createOutages(): Outages {
  return {
    current: { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, feed: true },
    ended: [],
    lastGainMs: Number.NEGATIVE_INFINITY,
    merged: 0,
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

export function addOutage(outages: Outages, outage: Outage): void {
  outages.ended.push(outage);
  if (outages.ended.length <= endedMax) return;
  const [oldest, next] = outages.ended.splice(0, 2) as [Outage, Outage];
  outages.merged += 1;
  outages.ended.unshift({
    fromMs: Math.min(oldest.fromMs, next.fromMs),
    toMs: Math.max(oldest.toMs, next.toMs),
    feed: oldest.feed || next.feed,
  });
}

/** Forgets what no bar can ask about any more. */
export function pruneOutages(outages: Outages, beforeMs: number): void {
  while (outages.ended.length > 0 && outages.ended[0]!.toMs < beforeMs) outages.ended.shift();
}
