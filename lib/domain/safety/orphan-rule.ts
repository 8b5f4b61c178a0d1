/**
 * Children of a bracket that would open what they were to close: their parent ended without a fill, or the position that
 * they close is gone. The one rule of it, for reconcile and the guardian.
 */
import { type Amount, zero } from '../orders/decimals.ts';
import type { OrderStatus, Side } from '../orders/order-report.ts';

const unfilledEnds: readonly OrderStatus[] = ['Cancelled', 'ApiCancelled', 'Rejected', 'Expired'];

/** @param filled decimal text, canonical */
export function endedUnfilled({ status, filled }: { readonly status: OrderStatus; readonly filled: string }) {
  return unfilledEnds.includes(status) && filled === '0';
}

/** A child that could be filled now. */
export interface ActingChild {
  readonly orderKey: string;
  readonly conId: number;
  readonly action: Side;
  /** What could be filled now, above zero. */
  readonly quantity: Amount;
  /** Names the bracket: children of one name close the same entry. */
  readonly parent: string;
}

/**
 * The children whose position is gone: flat, or on the side to which a fill would add. An account has one net position
 * for all brackets of a contract, so what brackets of the other direction still hold is added back: a long and a short
 * one of the same size are flat together, and neither is orphaned.
 *
 * @param positionOf net position by conId, negative when short
 */
export function withoutPosition<C extends ActingChild>(
  children: readonly C[],
  positionOf: (conId: number) => Amount,
): C[] {
  const held = new Map<string, Amount>();
  for (const { conId, action, parent, quantity } of children) {
    const name = `${conId} ${action} ${parent}`;
    const known = held.get(name);
    // Stop and target of one bracket close the same entry.
    if (known === undefined || quantity.gt(known)) held.set(name, quantity);
  }
  const closedBy = new Map<string, Amount>();
  for (const [name, quantity] of held) {
    const side = name.split(' ', 2).join(' ');
    closedBy.set(side, (closedBy.get(side) ?? zero).plus(quantity));
  }
  return children.filter(({ conId, action }) => {
    const position = positionOf(conId);
    const others = closedBy.get(`${conId} ${action === 'SELL' ? 'BUY' : 'SELL'}`) ?? zero;
    return action === 'SELL' ? position.plus(others).lte(0) : position.minus(others).gte(0);
  });
}
