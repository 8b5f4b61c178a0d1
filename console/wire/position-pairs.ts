/** The positions of book and IB side by side. IB's side is as old as the last run, the book's is as it stands now. */
import { Decimal } from 'decimal.js';
import type { BrokerShown, PositionShown } from './shapes.ts';

/** One contract on both sides. */
export interface PositionPair {
  readonly key: string;
  readonly symbol: string;
  readonly kind: string;
  readonly currency: string;
  /** Decimal text; null where IB was not asked, or did not answer to the end. */
  readonly broker: string | null;
  readonly book: string;
  readonly averagePrice: string | null;
  /** Book minus IB. */
  readonly difference: string | null;
  /** The book says otherwise now than when that run compared: the difference says nothing until the next one. */
  readonly hasMoved: boolean;
}

/** What the book has now beside what IB had at the last run. Pure. */
export function pairPositions(
  book: readonly PositionShown[],
  broker: BrokerShown | null,
): readonly PositionPair[] {
  const isSure = broker?.positionsOutcome === 'ok';
  const there = new Map(broker?.positions.map((each) => [each.conId, each]));
  const compared = new Map(broker?.book.map(({ conId, position }) => [conId, position]));
  const ids = new Set([...book.map(({ conId }) => conId), ...(isSure ? there.keys() : [])]);
  return [...ids].flatMap((conId) => {
    const ours = book.find((each) => each.conId === conId);
    const theirs = there.get(conId);
    const named = ours ?? theirs!;
    const mine = ours?.position ?? '0';
    const broker = isSure ? (theirs?.position ?? '0') : null;
    if (new Decimal(mine).isZero() && (broker === null || new Decimal(broker).isZero())) return [];
    return [
      {
        key: String(conId),
        symbol: named.localSymbol || named.symbol,
        kind: named.secType,
        currency: named.currency,
        broker,
        book: mine,
        averagePrice: ours?.averagePrice ?? null,
        difference: broker === null ? null : new Decimal(mine).minus(broker).toFixed(),
        hasMoved: broker !== null && !new Decimal(mine).equals(compared.get(conId) ?? '0'),
      },
    ];
  });
}

/** What two sides come to: they are the same, they differ, or it cannot be said. Pure. */
export function verdictOf({
  difference,
  hasMoved,
}: Pick<PositionPair, 'difference' | 'hasMoved'>): 'same' | 'differs' | 'moved' | 'not compared' {
  if (difference === null) return 'not compared';
  if (new Decimal(difference).isZero()) return 'same';
  return hasMoved ? 'moved' : 'differs';
}
