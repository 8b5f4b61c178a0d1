/**
 * What the executions of an order add up to, derived from the ledger in the order (time, execId), so that neither
 * arrival nor our own clock matters: corrections replace, busts count nothing, synthetic fills stand in only for what
 * no real one explains, and what goes beyond the order's quantity is in quarantine.
 */
import { type Amount, amount, sum, zero } from './decimals.ts';
import type { Ledger, LedgerFill } from './fill-ledger.ts';
import type { OrderState } from './order-state.ts';

export interface CountedFill {
  /** The highest revision. */
  readonly fill: LedgerFill;
  /**
   * `booked`, or why it counts nothing: `busted` by the broker, `replaced` (synthetic, and real ones have come),
   * `quarantined`: it does not fit in the order's quantity.
   */
  readonly standing: 'booked' | 'busted' | 'replaced' | 'quarantined';
  /** What counts of its quantity. */
  readonly counted: Amount;
  /** Counts for the order's filled quantity: all but the legs of a combination. */
  readonly progress: boolean;
  /** Counts for positions: all but the row of a combination as a whole. */
  readonly holding: boolean;
  /** A lower revision is known as well. */
  readonly corrected: boolean;
  /** The largest quantity that any revision stated. */
  readonly stated: Amount;
}

interface Effective {
  fill: LedgerFill;
  revisions: number;
  firstMs: number;
  stated: Amount;
}

/** All executions of an order at their highest revision, in the order in which they happened. */
export function countFills(state: OrderState): readonly CountedFill[] {
  const all = effective(state.fills);
  const combination = isCombination(state);
  const covering = coverage(all);
  const counts = all.map(({ fill, revisions, stated }): CountedFill => {
    const counted = covering.get(fill) ?? amount(fill.quantity);
    return {
      fill,
      standing: standingOf(fill, counted),
      counted,
      progress: !combination || fill.secType === 'BAG',
      holding: fill.secType !== 'BAG',
      corrected: revisions > 1,
      stated,
    };
  });
  return state.quantity === null ? counts : quarantine(counts, amount(state.quantity.quantity));
}

/**
 * Several contracts in one order are the legs of a combination, even where neither its terms nor its own row are known.
 * The row as a whole has no position, the legs have no part in the order's quantity.
 */
export function isCombination(state: OrderState): boolean {
  if (state.asked?.contract.secType === 'BAG') return true;
  const traded = Object.values(state.traded);
  return traded.length > 1 || traded.some(({ contract }) => contract.secType === 'BAG');
}

function effective(fills: Ledger): readonly Effective[] {
  const byBase = new Map<string, Effective>();
  for (const fill of Object.values(fills)) {
    const known = byBase.get(fill.execBase);
    const quantity = amount(fill.quantity);
    if (known === undefined) {
      byBase.set(fill.execBase, { fill, revisions: 1, firstMs: fill.timeMs, stated: quantity });
      continue;
    }
    if (fill.revision > known.fill.revision) known.fill = fill;
    known.revisions += 1;
    // A correction may carry its own time; the execution keeps its place.
    known.firstMs = Math.min(known.firstMs, fill.timeMs);
    if (quantity.gt(known.stated)) known.stated = quantity;
  }
  return [...byBase.values()].sort(
    (a, b) => a.firstMs - b.firstMs || (a.fill.execBase < b.fill.execBase ? -1 : 1),
  );
}

/** What counts of each synthetic fill: what its cumulative quantity says and no real one of its contract explains. */
function coverage(all: readonly Effective[]): ReadonlyMap<LedgerFill, Amount> {
  const counts = new Map<LedgerFill, Amount>();
  const synthetic = all.map(({ fill }) => fill).filter((fill) => fill.synthetic);
  if (synthetic.length === 0) return counts;
  const covered = new Map<number, Amount>();
  for (const { fill } of all) {
    if (fill.synthetic) continue;
    covered.set(fill.conId, (covered.get(fill.conId) ?? zero).plus(fill.quantity));
  }
  synthetic.sort((a, b) => amount(a.cumulativeQuantity).comparedTo(amount(b.cumulativeQuantity)));
  for (const fill of synthetic) {
    const before = covered.get(fill.conId) ?? zero;
    const open = amount(fill.cumulativeQuantity).minus(before);
    const quantity = amount(fill.quantity);
    const counted = open.lte(0) ? zero : open.lt(quantity) ? open : quantity;
    counts.set(fill, counted);
    covered.set(fill.conId, before.plus(counted));
  }
  return counts;
}

function standingOf(fill: LedgerFill, counted: Amount): CountedFill['standing'] {
  if (!counted.isZero()) return 'booked';
  return fill.synthetic ? 'replaced' : 'busted';
}

/** Real executions first, each that fits; a synthetic one never drives out a real one. */
function quarantine(counts: readonly CountedFill[], quantity: Amount): readonly CountedFill[] {
  const counting = counts.filter(({ progress }) => progress);
  if (sum(counting.map(({ counted }) => counted)).lte(quantity)) return counts;
  const out = new Set<CountedFill>();
  let filled = zero;
  for (const synthetic of [false, true]) {
    for (const count of counting) {
      if (count.fill.synthetic !== synthetic) continue;
      const next = filled.plus(count.counted);
      if (next.gt(quantity)) out.add(count);
      else filled = next;
    }
  }
  return counts.map((count) =>
    out.has(count) ? { ...count, standing: 'quarantined', counted: zero } : count,
  );
}
