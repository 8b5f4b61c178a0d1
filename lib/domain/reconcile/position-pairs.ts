/** The positions of broker and book side by side: only those that differ, in the order of their conId. */
import type { PositionBody } from '../book/accounts.ts';
import type { Instrument } from '../market/instrument.ts';
import type { PositionFact } from '../orders/broker-facts.ts';
import { type Amount, zero } from '../orders/decimals.ts';
import { averagePriceOf, sameSize, sizeOf } from './holdings.ts';
import type { ReconcileInput, ReconcileRules, Versioned } from './types.ts';

export interface PositionPair {
  readonly conId: string;
  /** Undefined where the broker's list does not have it. */
  readonly row: PositionFact | undefined;
  readonly stored: Versioned<PositionBody> | undefined;
  readonly instrument: Instrument | undefined;
  /** Sizes; 0 for what is not there. */
  readonly broker: Amount;
  readonly book: Amount;
  /** The size is the same, the average price is not. */
  readonly priceAlone: boolean;
}

/** What is the same text on both sides needs no arithmetic. */
export function differingPositions(
  { book, rules }: ReconcileInput,
  positions: ReadonlyMap<string, PositionFact>,
): readonly PositionPair[] {
  const pairs: PositionPair[] = [];
  const judge = (conId: string, row: PositionFact | undefined) => {
    const stored = book.positions.get(conId);
    const body = stored?.body;
    if (row && row.position === body?.position && row.averageCost === body.averageCost) return;
    const pair = {
      conId,
      row,
      stored,
      instrument: book.instruments.get(conId),
      broker: row ? sizeOf(row.position) : zero,
      book: body ? sizeOf(body.position) : zero,
    };
    const secType = (row ?? body)!.contract.secType;
    const priceAlone = sameSize(pair.broker, pair.book, secType, rules.quantityTolerance);
    if (priceAlone && !pricesDiffer(pair, rules)) return;
    pairs.push({ ...pair, priceAlone });
  };
  for (const [conId, row] of positions) judge(conId, row);
  for (const conId of book.positions.keys()) if (!positions.has(conId)) judge(conId, undefined);
  return pairs.sort((a, b) => Number(a.conId) - Number(b.conId));
}

/** Only of what is held, and only where the broker gives a price: a cost of 0 is none. */
function pricesDiffer(
  { row, stored, instrument, broker }: Omit<PositionPair, 'priceAlone'>,
  { priceTolerance }: ReconcileRules,
): boolean {
  if (row === undefined || stored === undefined || broker.isZero()) return false;
  const told = averagePriceOf(row.averageCost, row.contract, instrument);
  if (told === null) return false;
  const inBook = averagePriceOf(stored.body.averageCost, stored.body.contract, instrument) ?? zero;
  return inBook.minus(told).abs().gt(told.abs().times(priceTolerance));
}
