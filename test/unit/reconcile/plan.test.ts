/** The plan as a whole: what counts as touched, and what the written policy lets through. */
import { describe, expect, it } from 'vitest';
import { massChange, policyApproves, sortedActions } from '../../../lib/domain/reconcile/plan.ts';
import type { PlanAction } from '../../../lib/domain/reconcile/types.ts';
import { rules, World } from '../../helpers/reconcile-world.ts';

function action(kind: PlanAction['kind'], orderKey: string, more: Partial<PlanAction> = {}): PlanAction {
  return {
    id: `${kind}:${orderKey}`,
    kind,
    cures: ['ORDER_STATUS_MISMATCH'],
    subject: `order ${orderKey}`,
    summary: '',
    changes: [],
    orderKey,
    writes: [],
    cancel: null,
    ...more,
  };
}

/** Two orders that work, and one that has ended. */
const { picture: book } = new World().told(1).told(2).told(3, { status: 'Cancelled' });
const few = { massChange: { share: '0.5', atLeast: 1 } };

describe('how much of what works a plan touches', () => {
  const touched = (...actions: PlanAction[]) => massChange({ actions }, book, few);

  it('is each live order once, whatever is done with it', () => {
    const twice = touched(action('to_update', 'P1'), action('cancel', 'P1'), action('to_delete', 'P2'));
    expect(twice).toEqual({ touched: 2, live: 2, exceeds: true });
    expect(touched(action('cancel', 'P1'))).toEqual({ touched: 1, live: 2, exceeds: false });
  });

  it('is nothing of what has ended, or comes into the book', () => {
    const nothing = { touched: 0, live: 2, exceeds: false };
    expect(touched(action('to_update', 'P3'))).toEqual(nothing);
    expect(touched(action('to_insert', 'P9'))).toEqual(nothing);
    expect(touched(action('to_insert', 'P1'))).toEqual(nothing);
    expect(touched(action('to_update', 'P9'))).toEqual(nothing);
  });

  it('counts an order that lives at the broker alone once on both sides', () => {
    const cancelled = touched(action('cancel', 'P9'), action('cancel', 'P9'), action('cancel', 'P3'));
    expect(cancelled).toEqual({ touched: 2, live: 4, exceeds: false });
  });
});

describe('the policy of auto_sync', () => {
  const auto = { ...rules, mode: 'auto_sync' as const, autoSync: ['ORDER_STATUS_MISMATCH' as const] };
  const question = { subject: 'order P1', book: ['P1'], broker: ['8'], reason: '' };
  const approves = (actions: PlanAction[], ambiguous = [] as (typeof question)[]) =>
    policyApproves({ actions, ambiguous }, book, auto);
  const update = action('to_update', 'P1');

  it('approves what is all of its classes', () => {
    expect(approves([update, action('to_insert', 'P9')])).toBe(true);
  });

  it('approves nothing while a single match is in question', () => {
    expect(approves([update], [question])).toBe(false);
  });

  it('approves nothing of which one action is not covered', () => {
    expect(approves([update, action('cancel', 'P2')])).toBe(false);
    expect(approves([update, action('to_delete', 'P2')])).toBe(false);
    expect(approves([update, action('to_update', 'P2', { cures: [] })])).toBe(false);
    const half = action('to_update', 'P2', { cures: ['ORDER_STATUS_MISMATCH', 'CASH_MISMATCH'] });
    expect(approves([update, half])).toBe(false);
  });
});

it('a plan is sorted by action, whichever judge was first', () => {
  const ids = ['order:P2', 'cash:USD', 'order:P10', 'position:1'];
  const sorted = ['cash:USD', 'order:P10', 'order:P2', 'position:1'];
  for (const some of [ids, ids.toReversed()]) {
    expect(sortedActions(some.map((id) => action('to_update', '', { id }))).map(({ id }) => id)).toEqual(
      sorted,
    );
  }
});
