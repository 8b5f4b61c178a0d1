/**
 * How well our candles agree with somebody else's: the broker's history or a vendor's bars. Differences are listed
 * for each session date; flat bars, which a vendor does not have, are counted apart and never differ.
 */
import { Decimal } from 'decimal.js';
import type { Candle } from './candle.ts';

/** A bar to compare with; decimal text. */
export interface ReferenceBar {
  /** Start of the bar, Unix ms, UTC. */
  readonly startMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
}

export type ComparedCandle = ReferenceBar & Pick<Candle, 'sessionDate' | 'source'>;

/** How far apart two bars may be and still agree; decimal text. */
export interface Tolerance {
  /** In price units. */
  readonly price: string;
  /** In parts of the reference's volume, for example `0.01`: historical data is filtered, its volume is smaller. */
  readonly volume: string;
}

export const exactly: Tolerance = { price: '0', volume: '0' };

export type BarField = 'open' | 'high' | 'low' | 'close' | 'volume';

export interface Difference {
  readonly startMs: number;
  readonly sessionDate: string;
  /** `differs` names the fields; `missing`: only the reference has the bar; `extra`: only we have it. */
  readonly kind: 'differs' | 'missing' | 'extra';
  readonly fields: readonly BarField[];
  readonly ours?: ReferenceBar;
  readonly reference?: ReferenceBar;
}

export interface Parity {
  /** Bars of the reference. */
  readonly bars: number;
  /** Equal in all five numbers. */
  readonly exact: number;
  /** Not equal, but within the tolerance. */
  readonly tolerated: number;
  readonly missing: number;
  readonly extra: number;
  /** Our flat bars where the reference has none. */
  readonly flat: number;
  /** In time order; without those within the tolerance. */
  readonly differences: readonly Difference[];
}

export interface ParityReport extends Parity {
  readonly days: readonly (Omit<Parity, 'differences'> & {
    readonly sessionDate: string;
    readonly differs: number;
  })[];
}

const fields: readonly BarField[] = ['open', 'high', 'low', 'close', 'volume'];

/**
 * @param sessionDateAt the session date of a reference bar that we do not have
 */
export function compareBars(
  ours: Iterable<ComparedCandle>,
  reference: Iterable<ReferenceBar>,
  sessionDateAt: (ms: number) => string,
  tolerance: Tolerance = exactly,
): ParityReport {
  const days = new Map<string, Tally>();
  const tallyOf = (sessionDate: string): Tally => {
    let tally = days.get(sessionDate);
    if (!tally) {
      tally = { bars: 0, exact: 0, tolerated: 0, missing: 0, extra: 0, flat: 0, differs: 0 };
      days.set(sessionDate, tally);
    }
    return tally;
  };
  const differences: Difference[] = [];
  const rest = new Map<number, ComparedCandle>();
  for (const candle of ours) rest.set(candle.startMs, candle);
  for (const bar of reference) {
    const candle = rest.get(bar.startMs);
    rest.delete(bar.startMs);
    const sessionDate = candle?.sessionDate ?? sessionDateAt(bar.startMs);
    const tally = tallyOf(sessionDate);
    tally.bars += 1;
    if (!candle) {
      tally.missing += 1;
      differences.push({ startMs: bar.startMs, sessionDate, kind: 'missing', fields: [], reference: bar });
      continue;
    }
    const unequal = fields.filter((field) => !sameNumber(candle[field], bar[field]));
    const differing = unequal.filter((field) => !isWithin(field, candle, bar, tolerance));
    if (unequal.length === 0) tally.exact += 1;
    else if (differing.length === 0) tally.tolerated += 1;
    else {
      tally.differs += 1;
      differences.push({
        startMs: bar.startMs,
        sessionDate,
        kind: 'differs',
        fields: differing,
        ours: candle,
        reference: bar,
      });
    }
  }
  for (const candle of rest.values()) {
    const tally = tallyOf(candle.sessionDate);
    if (candle.source === 'flat') {
      tally.flat += 1;
      continue;
    }
    tally.extra += 1;
    const { startMs, sessionDate } = candle;
    differences.push({ startMs, sessionDate, kind: 'extra', fields: [], ours: candle });
  }
  differences.sort((a, b) => a.startMs - b.startMs);
  const sum = (count: keyof Tally) => [...days.values()].reduce((total, tally) => total + tally[count], 0);
  return {
    bars: sum('bars'),
    exact: sum('exact'),
    tolerated: sum('tolerated'),
    missing: sum('missing'),
    extra: sum('extra'),
    flat: sum('flat'),
    differences,
    days: [...days]
      .map(([sessionDate, tally]) => ({ sessionDate, ...tally }))
      .sort((a, b) => (a.sessionDate < b.sessionDate ? -1 : 1)),
  };
}

interface Tally {
  bars: number;
  exact: number;
  tolerated: number;
  missing: number;
  extra: number;
  flat: number;
  differs: number;
}

/** Equal as numbers: `1313` is `1313.0`. */
function sameNumber(a: string, b: string): boolean {
  return a === b || new Decimal(a).equals(b);
}

function isWithin(
  field: BarField,
  ours: ReferenceBar,
  reference: ReferenceBar,
  tolerance: Tolerance,
): boolean {
  const apart = new Decimal(ours[field]).minus(reference[field]).abs();
  if (field !== 'volume') return apart.lte(tolerance.price);
  return apart.lte(new Decimal(tolerance.volume).times(reference.volume).abs());
}
