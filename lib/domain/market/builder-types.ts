/** What goes into a candle builder and what comes out of it. */
import type { Candle, VolumeSource } from './candle.ts';
import type { SessionCalendar } from './sessions.ts';

export interface BuilderConfig {
  readonly conId: number;
  /** Local symbol, for example `GCZ3`. */
  readonly symbol: string;
  /** Length of a bar; bars start at multiples of it in UTC. */
  readonly intervalMs: number;
  /** A bar closes this long after its end, and takes in prints until then. */
  readonly graceMs: number;
  /** For this long after the close a late print still makes a corrected candle. */
  readonly correctionMs: number;
  /** Zero-volume bars in a row at the most, on a live feed that is silent. */
  readonly flatBarsMax: number;
  readonly volumeSource: VolumeSource;
  readonly sizeDecimals: number;
  readonly epoch: number;
  readonly calendar: SessionCalendar;
  /** Bars from the one of this moment on are not accounted for by an earlier life of the streamer. */
  readonly resumeFromMs?: number;
  /** Where nothing says that: what an earlier life, on another disk, may have left unsaid before this one begins. 0 by default. */
  readonly lookBackMs?: number;
  /** Open holes of the cumulative volume that are kept for each count; 64 by default. */
  readonly maxHoles?: number;
  /** Bars whose last emission is remembered, for revisions; 4,096 by default. */
  readonly maxRemembered?: number;
}

/** A bar of the broker's history, scaled integers. */
export interface HistoricalBar {
  /** Start of the bar, Unix ms, UTC. */
  readonly startMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Negative where the broker has none (indices, currencies): counted as 0. */
  readonly volume: number;
  /** Trades in the bar, 0 where the broker does not say. */
  readonly tickCount: number;
}

/** Times are Unix ms, UTC. The builder keeps no input: the caller may use the object again. */
export type BuilderInput =
  | {
      readonly kind: 'trade';
      readonly timeMs: number;
      readonly price: number;
      readonly size: number;
      /** Volume of the session with this print; -1 where the source has none. */
      readonly cumVolume: number;
    }
  /** Only the clock moves. */
  | { readonly kind: 'clock' }
  /** From `atMs` on prints may be missing: every print before it has been handed over. */
  | { readonly kind: 'coverage-lost'; readonly atMs: number; readonly reason: string }
  /** Prints are complete from `fromMs` on; it may lie ahead of the clock. */
  | { readonly kind: 'coverage-gained'; readonly fromMs: number }
  | { readonly kind: 'halt'; readonly halted: boolean; readonly atMs: number }
  | { readonly kind: 'calendar'; readonly calendar: SessionCalendar }
  /** Historical bars for [fromMs, toMs). Bars that end after the market clock are left out: they are still forming. */
  | {
      readonly kind: 'backfill';
      readonly fromMs: number;
      readonly toMs: number;
      readonly bars: readonly HistoricalBar[];
    }
  /** Open bars leave as partial; every later input is without effect. */
  | { readonly kind: 'shutdown' };

export type BuilderEffect =
  | {
      readonly kind: 'candle';
      /** `completed`: the first statement about this bar; `corrected`: it replaces one that this builder made. */
      readonly type: 'completed' | 'corrected';
      readonly candle: Candle;
      /** Of corrections. */
      readonly reason?: 'late-tick' | 'backfill';
    }
  /** A print that came too late to change anything; scaled integers. */
  | {
      readonly kind: 'late-tick';
      readonly timeMs: number;
      readonly price: number;
      readonly size: number;
      /** Counted from the end of its bar. */
      readonly latenessMs: number;
    }
  /** Bars that may miss prints, bar aligned, `toMs` exclusive: asks for backfill once the last of them has ended. */
  | { readonly kind: 'gap'; readonly fromMs: number; readonly toMs: number; readonly reason: string };

/** Why a print was set aside. */
export type IgnoredReason =
  /** Time, price, size or cumulative volume is no number, or the volume of the bar went out of exact range. */
  | 'not-finite'
  /** Price 0 with size 0. */
  | 'halt-tick'
  /** Price -1 with size 0, which IB sends for "no data". */
  | 'no-data'
  | 'negative-size'
  /** The source promises a cumulative volume and the print has none. */
  | 'no-cumulative-volume'
  /** From before the coverage: the last trade, or the previous close, that IB repeats on subscription. */
  | 'before-coverage'
  /** A price without volume outside of the session, before its first trade. */
  | 'session-closed';

export interface BuilderStats {
  /** Prints that are in bars. */
  readonly trades: number;
  readonly duplicates: number;
  /** Prints too late for a correction. */
  readonly lateTicks: number;
  readonly ignored: Readonly<Record<IgnoredReason, number>>;
  readonly candles: number;
  readonly corrections: number;
  readonly flats: number;
  readonly partials: number;
  readonly gaps: number;
  readonly backfilled: number;
  /** Historical bars that were not taken: outside of the range or still forming, live complete, or malformed. */
  readonly backfillIgnored: number;
  readonly backfillMalformed: number;
  /** Partial bars that were not told because their backfill had been. */
  readonly outranked: number;
  /** Times that a bounded list was full and its oldest entry had to go. */
  readonly overflows: { readonly holes: number; readonly remembered: number };
  /** Every bar that starts before this has been told, or had nothing to tell. 0 before the first input. */
  readonly closedThroughMs: number;
  readonly openBars: number;
  readonly holes: number;
  readonly covered: boolean;
}
