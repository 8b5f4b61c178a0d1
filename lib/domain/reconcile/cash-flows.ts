/**
 * What can have moved the cash of a currency: executions that the book lacks, and the daily variation of futures, which
 * IB puts into the cash without a row of its own. What neither explains was paid in or out.
 */
import { type Amount, amount, sum, zero } from '../orders/decimals.ts';
import type { FillReport } from '../orders/fill-report.ts';
import type { ReconcileContext } from './context.ts';
import { averagePriceOf, multiplierOf, sizeOf } from './holdings.ts';
import type { ReconcileInput } from './types.ts';

/**
 * How far futures can move their margin between two words of the broker, as a share of their value: the widest daily
 * price limit of common index futures before trading stops for good.
 */
const variationShareMax = '0.2';

/** Executions that the plan books: what was paid and received for them, and what they cost as far as IB has said. */
export function flowsOfFills(
  { book }: ReconcileInput,
  { newFills, broker }: ReconcileContext,
): ReadonlyMap<string, Amount> {
  const flows = new Map<string, Amount>();
  const add = (currency: string, value: Amount) =>
    flows.set(currency, (flows.get(currency) ?? zero).plus(value));
  const execIds = new Set<string>();
  for (const [conId, fills] of newFills) {
    const instrument = book.instruments.get(conId);
    for (const fill of fills) {
      execIds.add(fill.execId);
      const { contract } = fill;
      const signed = fill.side === 'BUY' ? amount(fill.quantity) : amount(fill.quantity).negated();
      if (contract.secType === 'CASH') add(contract.symbol, signed);
      if (!isPaidByVariation(fill)) {
        const value = signed.times(fill.price).times(multiplierOf(contract, instrument));
        add(contract.currency, value.negated());
      }
    }
  }
  for (const row of execIds.size === 0 ? [] : broker.executions.rows) {
    if (row.kind !== 'commission' || !execIds.has(row.execId) || row.commission === null) continue;
    const cost = Number(row.commission);
    if (Number.isFinite(cost) && cost !== -1 && Math.abs(cost) < 1e300) {
      add(row.currency, amount(row.commission).negated());
    }
  }
  return flows;
}

/** Futures cost nothing to buy, their gains and losses come day by day. A combination's row is paid by its legs. */
function isPaidByVariation({ contract: { secType } }: FillReport): boolean {
  return secType === 'FUT' || secType === 'BAG';
}

/** By currency: the most that the variation of the futures held on either side can be. */
export function variationBounds(
  { book }: ReconcileInput,
  { positions, newFills }: ReconcileContext,
): ReadonlyMap<string, Amount> {
  const bounds = new Map<string, Amount>();
  const held = new Map<string, Amount>();
  const currencies = new Map<string, string>();
  const hold = (conId: string, currency: string, value: Amount) => {
    currencies.set(conId, currency);
    if (value.gt(held.get(conId) ?? zero)) held.set(conId, value);
  };
  const rows = positions ?? new Map<string, never>();
  for (const { contract, position, averageCost } of [
    ...rows.values(),
    ...[...book.positions.values()].map(({ body }) => body),
  ]) {
    if (contract.secType !== 'FUT') continue;
    const conId = String(contract.conId);
    const instrument = book.instruments.get(conId);
    const price = averagePriceOf(averageCost, contract, instrument) ?? zero;
    const value = price.times(multiplierOf(contract, instrument)).times(sizeOf(position));
    hold(conId, contract.currency, value.abs());
  }
  for (const [conId, fills] of newFills) {
    const [first] = fills;
    if (first?.contract.secType !== 'FUT') continue;
    const multiplier = multiplierOf(first.contract, book.instruments.get(conId));
    const turnover = sum(fills.map(({ quantity, price }) => amount(quantity).times(price).abs()));
    hold(conId, first.contract.currency, turnover.times(multiplier));
  }
  for (const [conId, value] of held) {
    const currency = currencies.get(conId)!;
    bounds.set(currency, (bounds.get(currency) ?? zero).plus(value.times(variationShareMax)));
  }
  return bounds;
}
