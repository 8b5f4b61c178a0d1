/** The verdict on bars and fills: everything that should be there is, once and right; nothing else is. */
import { Decimal } from 'decimal.js';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { ExecutionRecord } from '../../sandbox/gateway/broker/record.ts';
import type { TapeContract } from '../../sandbox/tapes/tape.ts';
import type { ReferenceBars } from '../helpers/reference-bars.ts';
import type { Ledger } from './ledger.ts';
import type { Week } from './week.ts';

export interface BarAccount {
  readonly symbol: string;
  /** Minutes of its sessions. */
  readonly minutes: number;
  /** Complete bars from prints, equal to the reference. */
  readonly live: number;
  /** Bars from history, equal to the reference, each in a gap that was told. */
  readonly backfill: number;
  /** Silent minutes that were told. */
  readonly flat: number;
  /** Minutes without a trade beyond what is told of silence, or in an outage: no bar, and none is due. */
  readonly silent: number;
  readonly problems: readonly string[];
}

const minuteMs = 60_000;
const FLAT_MAX = 2;

export function accountForBars(
  week: Week,
  contracts: readonly TapeContract[],
  reference: ReadonlyMap<string, ReferenceBars>,
  ledger: Ledger,
): BarAccount[] {
  return week.markets.map(({ localSymbol: symbol, sessions }) => {
    const { conId } = contracts.find((contract) => contract.localSymbol === symbol)!;
    const told = ledger.bars.get(conId) ?? new Map();
    const expected = reference.get(symbol)!;
    const gaps = [...ledger.gaps.values()].filter((gap) => gap.conId === conId);
    const inGap = (ms: number) => gaps.some(({ fromMs, toMs }) => fromMs <= ms && ms < toMs);
    const count = { minutes: 0, live: 0, backfill: 0, flat: 0, silent: 0 };
    const problems: string[] = [];
    const inSession = new Set<number>();
    for (const session of sessions) {
      let lastClose: string | undefined;
      let silence = 0;
      let isPriceKnown = false;
      const firstMs = Math.floor(session.fromMs / minuteMs) * minuteMs;
      for (let startMs = firstMs; startMs < session.toMs; startMs += minuteMs) {
        inSession.add(startMs);
        count.minutes += 1;
        const at = `${symbol} ${new Date(startMs).toISOString()}`;
        const candle: Candle | undefined = told.get(startMs)?.final;
        const right = expected.get(startMs);
        silence = right === undefined ? silence + 1 : 0;
        // In a gap silence is not known to be silence, and behind it the price is from before it until the next trade.
        if (inGap(startMs)) isPriceKnown = false;
        else if (right !== undefined) isPriceKnown = true;
        if (candle !== undefined && candle.sessionDate !== session.date)
          problems.push(`${at} has session date ${candle.sessionDate}, not ${session.date}`);
        if (right === undefined) {
          if (candle === undefined) {
            count.silent += 1;
            if (silence <= FLAT_MAX && isPriceKnown)
              problems.push(`${at} is missing: a silent minute on a live feed is told`);
          } else if (!isFlat(candle, lastClose)) problems.push(`${at} had no trade: ${brief(candle)}`);
          else count.flat += 1;
          continue;
        }
        lastClose = right.split(',')[3];
        if (candle === undefined) {
          problems.push(`${at} is missing`);
          continue;
        }
        if (valuesOf(candle) !== right) problems.push(`${at} is ${brief(candle)} instead of ${right}`);
        else if (candle.partial) problems.push(`${at} stayed partial`);
        else if (candle.source === 'backfill') {
          count.backfill += 1;
          if (!inGap(startMs)) problems.push(`${at} came from history, and no gap says why`);
        } else if (candle.source === 'live') count.live += 1;
        else problems.push(`${at} is ${candle.source}, and there were trades`);
      }
    }
    for (const startMs of told.keys()) {
      // The run ends a little after its last print: what is silent then is none of the week.
      const isAfter = sessions.some(({ toMs, hoursToMs }) => startMs >= toMs && startMs < hoursToMs);
      if (!inSession.has(startMs) && !isAfter)
        problems.push(`${symbol} ${new Date(startMs).toISOString()} lies outside of every session`);
    }
    for (const startMs of expected.keys()) {
      if (!inSession.has(startMs))
        problems.push(`the tape itself trades outside of the sessions at ${new Date(startMs).toISOString()}`);
    }
    return { symbol, ...count, problems };
  });
}

export interface FillAccount {
  readonly executions: number;
  readonly fills: number;
  readonly problems: readonly string[];
}

/** Every execution of the broker's own record exactly once, as it was, with its commission; nothing that it has not. */
export function accountForFills(executions: readonly ExecutionRecord[], ledger: Ledger): FillAccount {
  const problems: string[] = [];
  const told = Map.groupBy(ledger.fills, ({ execId }) => execId);
  const commissions = Map.groupBy(ledger.commissions, (execId) => execId);
  for (const execution of executions) {
    const { execId } = execution;
    const fills = told.get(execId) ?? [];
    const [fill] = fills;
    if (fill === undefined) problems.push(`${execId} was executed and is not told`);
    else if (fills.length > 1) problems.push(`${execId} is told ${fills.length} times`);
    else if (
      !new Decimal(fill.quantity).eq(execution.quantity) ||
      !new Decimal(fill.price).eq(execution.price) ||
      fill.conId !== execution.conId
    )
      problems.push(`${execId} is told as ${JSON.stringify(fill)} and was ${JSON.stringify(execution)}`);
    const costs = commissions.get(execId)?.length ?? 0;
    if (costs !== 1) problems.push(`the commission of ${execId} is told ${costs} times`);
  }
  const known = new Set(executions.map(({ execId }) => execId));
  for (const execId of told.keys()) if (!known.has(execId)) problems.push(`${execId} is told and never was`);
  return { executions: executions.length, fills: ledger.fills.length, problems };
}

function isFlat(candle: Candle, lastClose: string | undefined): boolean {
  const { open, high, low, close, volume, source, noTrades } = candle;
  return (
    source === 'flat' &&
    noTrades &&
    volume === '0' &&
    [open, high, low, close].every((price) => price === lastClose)
  );
}

function valuesOf({ open, high, low, close, volume }: Candle): string {
  return [open, high, low, close, volume].map((value) => new Decimal(value).toFixed()).join(',');
}

function brief(candle: Candle): string {
  return `${candle.source}${candle.partial ? ' partial' : ''} ${valuesOf(candle)} revision ${candle.revision}`;
}
