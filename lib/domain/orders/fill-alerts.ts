/** What a person should know when an execution is folded. */

import { fillKey } from './exec-id.ts';
import { countFills } from './fill-count.ts';
import type { LedgerFill } from './fill-ledger.ts';
import type { FillReport } from './fill-report.ts';
import type { OrderAlert } from './order-alert.ts';
import type { OrderState } from './order-state.ts';

/** Alerts about the execution itself: noise, corrections, busts, liquidations. */
export function fillAlerts(
  before: OrderState,
  after: OrderState,
  { execBase, revision }: FillReport,
): OrderAlert[] {
  const { orderKey } = after.identity;
  const key = fillKey({ execBase, revision });
  const told = after.fills[key]!;
  const stored = before.fills[key];
  const alerts: OrderAlert[] = [];
  if (stored !== undefined) {
    if (told.noisy && !stored.noisy) alerts.push(noisy(told, orderKey));
    return alerts;
  }
  const earlier = revisionsOf(before, execBase);
  if (told.liquidation && !earlier.some(({ liquidation }) => liquidation)) {
    alerts.push(liquidation(told, orderKey));
  }
  const now = revisionsOf(after, execBase);
  const standing = now.at(-1)!;
  const former = now.at(-2);
  if (standing.quantity === '0') {
    if (earlier.at(-1)?.quantity !== '0') alerts.push(busted(standing, former, orderKey));
  } else if (former !== undefined && (told === standing || told === former)) {
    alerts.push(corrected(standing, former, orderKey));
  }
  return alerts;
}

/** Executions that are in quarantine now and were not before. */
export function quarantineAlerts(before: OrderState, after: OrderState): OrderAlert[] {
  const held = quarantined(after);
  if (held.length === 0) return [];
  const known = new Set(quarantined(before).map(({ execId }) => execId));
  return held.filter(({ execId }) => !known.has(execId)).map((fill) => overfilled(fill, after));
}

function quarantined(state: OrderState): LedgerFill[] {
  if (state.quantity === null) return [];
  return countFills(state)
    .filter(({ standing }) => standing === 'quarantined')
    .map(({ fill }) => fill);
}

function revisionsOf(state: OrderState, execBase: string): LedgerFill[] {
  return Object.values(state.fills)
    .filter((fill) => fill.execBase === execBase)
    .sort((a, b) => a.revision - b.revision);
}

function traded({ side, quantity, price }: LedgerFill): string {
  return `${side} ${quantity} at ${price}`;
}

function noisy(kept: LedgerFill, orderKey: string): OrderAlert {
  return {
    alert: 'execution_noisy',
    severity: 'MEDIUM',
    subject: kept.execId,
    message: `IB told execution ${kept.execId} of order ${orderKey} with two contents. The first is kept: ${traded(kept)}. Compare it with the statement.`,
  };
}

function corrected(now: LedgerFill, before: LedgerFill, orderKey: string): OrderAlert {
  return {
    alert: 'fill_corrected',
    severity: 'INFO',
    subject: now.execId,
    message: `IB corrected an execution of order ${orderKey}: ${traded(before)} (${before.execId}) is replaced by ${traded(now)} (${now.execId}).`,
  };
}

function busted(now: LedgerFill, before: LedgerFill | undefined, orderKey: string): OrderAlert {
  const what = before === undefined ? 'an execution' : `${traded(before)} (${before.execId})`;
  return {
    alert: 'fill_busted',
    severity: 'HIGH',
    subject: now.execId,
    message: `IB took back ${what} of order ${orderKey}: it did not happen, and the position is smaller by it. Check what was hedged against it.`,
  };
}

function liquidation(fill: LedgerFill, orderKey: string): OrderAlert {
  return {
    alert: 'liquidation_fill',
    severity: 'CRITICAL',
    subject: fill.execId,
    message: `IB liquidated: ${traded(fill)}, order ${orderKey}. The account broke a margin rule; check margin and open orders now.`,
  };
}

function overfilled(fill: LedgerFill, { identity, quantity }: OrderState): OrderAlert {
  return {
    alert: 'overfill_quarantined',
    severity: 'CRITICAL',
    subject: fill.execId,
    message: `Execution ${fill.execId} (${traded(fill)}) goes beyond the ${quantity?.quantity} of order ${identity.orderKey}. It is recorded but not counted. Compare the position with the broker; an amendment of the order to a larger quantity releases it.`,
  };
}
