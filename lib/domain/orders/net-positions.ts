/** What executions add up to as positions, to compare with what the broker has. */
import { type Amount, plain, zero } from './decimals.ts';
import { countFills } from './fill-count.ts';
import type { OrderState } from './order-state.ts';

export interface AccountOrder {
  readonly account: string;
  readonly state: OrderState;
}

export interface NetPosition {
  readonly account: string;
  readonly conId: number;
  /** Bought less sold. Decimal text. */
  readonly position: string;
}

/**
 * By account and contract, zeros included, sorted by both. Legs count, the row of a combination as a whole does not;
 * busted and quarantined executions count nothing.
 */
export function netPositions(orders: Iterable<AccountOrder>): readonly NetPosition[] {
  const byAccount = new Map<string, Map<number, Amount>>();
  for (const { account, state } of orders) {
    const positions = byAccount.get(account) ?? new Map<number, Amount>();
    byAccount.set(account, positions);
    for (const { fill, counted, holding } of countFills(state)) {
      if (!holding) continue;
      const before = positions.get(fill.conId) ?? zero;
      positions.set(fill.conId, fill.side === 'BUY' ? before.plus(counted) : before.minus(counted));
    }
  }
  return [...byAccount]
    .flatMap(([account, positions]) =>
      [...positions].map(([conId, position]) => ({ account, conId, position: plain(position) })),
    )
    .sort((a, b) => (a.account === b.account ? a.conId - b.conId : a.account < b.account ? -1 : 1));
}
