/** Where a candle's numbers come from. `flat`: a silent minute on a live feed; `backfill`: historical bars. */
export type CandleSource = 'live' | 'flat' | 'backfill';

/** The one source of volume of a market data line, stated on every candle. */
export type VolumeSource = 'rtvolume' | 'tick-by-tick' | 'tick8' | 'historical';

/** One bar of one instrument. Prices and volumes are decimal text in canonical form (`1323.4`, `0.25`, `12`). */
export interface Candle {
  readonly conId: number;
  /** Local symbol, for example `GCZ3`. */
  readonly symbol: string;
  readonly intervalMs: number;
  /** Start of the bar, Unix milliseconds, UTC; the bar's label. */
  readonly startMs: number;
  /** The exchange's session (trade) date, `yyyy-mm-dd`. */
  readonly sessionDate: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  /** Prints that made the bar; 0 for flat and, where the broker does not say, for backfilled bars. */
  readonly tickCount: number;
  readonly source: CandleSource;
  readonly volumeSource: VolumeSource;
  /** True when prints may be missing: first bar, cut by an outage or a shutdown, or a jump of cumulative volume. */
  readonly partial: boolean;
  /** True when no trade printed in the minute. */
  readonly noTrades: boolean;
  /** The lease's fencing token of the streamer that built it. */
  readonly epoch: number;
  /** 0 for the first statement, one more for each correction. */
  readonly revision: number;
}

/** Rank of a candle's quality: partial < flat < backfill < live complete. */
export function candleRank(candle: Pick<Candle, 'source' | 'partial'>): number {
  if (candle.partial) return 0;
  if (candle.source === 'flat') return 1;
  if (candle.source === 'backfill') return 2;
  return 3;
}

/** Whether `next` replaces `stored`: by rank, then epoch, then revision. A repeated candle never does. */
export function supersedes(
  next: Pick<Candle, 'source' | 'partial' | 'epoch' | 'revision'>,
  stored: Pick<Candle, 'source' | 'partial' | 'epoch' | 'revision'>,
): boolean {
  const byRank = candleRank(next) - candleRank(stored);
  if (byRank !== 0) return byRank > 0;
  if (next.epoch !== stored.epoch) return next.epoch > stored.epoch;
  return next.revision > stored.revision;
}
