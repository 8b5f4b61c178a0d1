/** Rules and orders of the tests of protection. */
import type { WatchedOrder } from '../../../lib/domain/safety/protection-facts.ts';
import { type WatchRules, watchDefaults } from '../../../lib/domain/safety/protection-watch.ts';
import { es } from '../orders/order-harness.ts';

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const startMs = Date.UTC(2026, 0, 5, 14, 30);
export const rules: WatchRules = {
  ...watchDefaults,
  account: 'DU1',
  witness: 'the broker',
  noStopNeeded: ['OPT'],
};

/** A working stop that sells ES, as far as nothing else is said. */
export function stop(orderKey: string, quantity: string, more: Partial<WatchedOrder> = {}): WatchedOrder {
  return {
    orderKey,
    conId: es.conId,
    name: es.localSymbol,
    action: 'SELL',
    orderType: 'STP',
    quantity,
    filled: '0',
    status: 'PreSubmitted',
    transmit: true,
    ocaGroup: '',
    parentFilled: null,
    parent: null,
    ...more,
  };
}
