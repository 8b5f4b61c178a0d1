/** A replay held against itself: once more as it was, and once more with faults on the way. */
import { createHash, type Hash } from 'node:crypto';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { OnStatement } from './market.ts';
import { type ReplayedSymbol, type ReplayOptions, type ReplayResult, replayTape } from './replay.ts';

export interface RepeatOptions {
  readonly tape: string;
  readonly twice: boolean;
  /** Seed. */
  readonly faults?: number;
}

export interface Repeats {
  /** SHA-256 of every statement about a bar, in their order. */
  readonly hash: string;
  /** Of the second replay. */
  readonly hashAgain?: string;
  readonly faulty?: {
    readonly seed: number;
    /** Prints that came late, that came twice, and that were lost in an outage. */
    readonly late: number;
    readonly twice: number;
    readonly lost: number;
    readonly outages: number;
    /** Bars that came from history. */
    readonly backfilled: number;
    /** Silent minutes in a gap, or behind one before the next trade: nobody knows the silence, or the price. No bar. */
    readonly untold: number;
    /** Bars that are not the same, the first ten. */
    readonly differences: readonly string[];
    readonly differs: number;
  };
}

const DIFFERENCES_SHOWN = 10;

/** Every statement with its order, as JSON lines. */
export function hashInto(hash: Hash): OnStatement {
  return (candle, type) => hash.update(`${type} ${JSON.stringify(candle)}\n`);
}

export async function repeat(
  { tape, twice, faults }: RepeatOptions,
  base: ReplayOptions,
  first: ReplayResult,
  hash: string,
): Promise<Repeats> {
  const again = createHash('sha256');
  if (twice) await replayTape(tape, { ...base, onStatement: hashInto(again) });
  return {
    hash,
    ...(twice ? { hashAgain: again.digest('hex') } : {}),
    ...(faults === undefined
      ? {}
      : { faulty: compareFaulty(faults, first, await replayTape(tape, { ...base, faultSeed: faults })) }),
  };
}

export function areSame({ hash, hashAgain = hash, faulty }: Repeats): boolean {
  return hash === hashAgain && (faulty?.differs ?? 0) === 0;
}

export function repeatsText({ hash, hashAgain, faulty }: Repeats): string[] {
  const lines: string[] = [];
  if (hashAgain !== undefined) {
    lines.push(
      hashAgain === hash
        ? `Twice the same to the byte, SHA-256 ${hash}.`
        : `The second replay is another: SHA-256 ${hashAgain}, not ${hash}.`,
    );
  }
  if (faulty !== undefined) {
    const { seed, late, twice, lost, outages, backfilled, untold, differs, differences } = faulty;
    lines.push(
      `With faults from seed ${seed}: ${late} prints late, ${twice} twice, ${lost} lost in ${outages} outages; ${backfilled} bars from history, ${untold} silent minutes in or behind gaps without one.`,
      differs === 0 ? 'The bars are the same.' : `${differs} bars differ. First of them:`,
      ...differences.map((difference) => `  ${difference}`),
    );
  }
  return lines;
}

function compareFaulty(
  seed: number,
  first: ReplayResult,
  second: ReplayResult,
): NonNullable<Repeats['faulty']> {
  const { late, twice, lost, outages } = second.faults!;
  const count = { backfilled: 0, untold: 0 };
  const differences: string[] = [];
  for (const [index, { symbol, candles }] of first.symbols.entries()) {
    const others = new Map(second.symbols[index]!.candles.map((candle) => [candle.startMs, candle]));
    for (const candle of candles) {
      const other = others.get(candle.startMs);
      others.delete(candle.startMs);
      if (other?.source === 'backfill') count.backfilled += 1;
      if (other === undefined && candle.source === 'flat' && isUnknown(candle, second.symbols[index]!))
        count.untold += 1;
      else if (other === undefined || numbersOf(other) !== numbersOf(candle))
        differences.push(
          `${nameOf(symbol, candle)}: ${numbersOf(candle)}, with faults ${other ? numbersOf(other) : 'none'}`,
        );
    }
    for (const other of others.values())
      differences.push(`${nameOf(symbol, other)}: none, with faults ${numbersOf(other)}`);
  }
  return {
    seed,
    late,
    twice,
    lost,
    outages: outages.length,
    ...count,
    differs: differences.length,
    differences: differences.slice(0, DIFFERENCES_SHOWN),
  };
}

/** In a gap silence is not known to be silence, and behind it the price is from before it until the next trade. */
function isUnknown({ startMs }: Candle, { gaps, candles }: ReplayedSymbol): boolean {
  const gap = gaps.findLast(({ fromMs }) => fromMs <= startMs);
  if (gap === undefined) return false;
  return !candles.some(
    (each) => each.source === 'live' && each.startMs >= gap.toMs && each.startMs < startMs,
  );
}

/** What a bar says, whichever way it was learned. */
function numbersOf({ open, high, low, close, volume, partial, sessionDate, noTrades }: Candle): string {
  return [open, high, low, close, volume, sessionDate, noTrades ? 'silent' : '', partial ? 'partial' : '']
    .join(' ')
    .trimEnd();
}

function nameOf(symbol: string, { startMs }: Candle): string {
  return `${new Date(startMs).toISOString()} ${symbol}`;
}
