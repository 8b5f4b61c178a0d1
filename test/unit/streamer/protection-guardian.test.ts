import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { protectionFacts } from '../../../lib/domain/orders/tracker-protection.ts';
import type { ProtectionFacts } from '../../../lib/domain/safety/protection-facts.ts';
import { alertRaised } from '../../../lib/events/alert-raised.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { type GuardianHost, ProtectionGuardian } from '../../../streamer/protection-guardian.ts';
import { es } from '../orders/order-harness.ts';
import {
  completed,
  openOrder,
  orderStatus,
  position,
  TrackedDesk,
  terms,
} from '../orders/tracker-harness.ts';

const startMs = Date.UTC(2026, 0, 5, 14, 30);

function guardianOf(more: Partial<GuardianHost> = {}) {
  const alerts: EventData<'alert.raised'>[] = [];
  const errors: string[] = [];
  const silent = () => undefined;
  const world: { facts: ProtectionFacts | undefined; open: boolean } = {
    facts: { account: 'DU1', positions: [{ contract: es, position: '2' }], orders: [] },
    open: true,
  };
  const guardian = new ProtectionGuardian({
    account: 'DU1',
    facts: () => world.facts,
    raise: (alert) => void alerts.push(alertRaised.strict().parse(alert)),
    systemMs: Date.now,
    marketOpen: () => world.open,
    noStopNeeded: [],
    logger: { debug: silent, info: silent, warn: silent, error: (message) => void errors.push(message) },
    ...more,
  });
  return { guardian, world, alerts, errors, names: () => alerts.map(({ alert }) => alert) };
}

beforeEach(() => {
  vi.useFakeTimers({ now: startMs });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the guardian', () => {
  it('looks by itself: an unprotected position is told within half a minute, and its cure within seconds', () => {
    const { guardian, world, alerts, names } = guardianOf();
    guardian.start();
    vi.advanceTimersByTime(15_000);
    expect(names()).toEqual([]);
    vi.advanceTimersByTime(15_000);
    expect(names()).toEqual(['unprotected_position']);
    expect(alerts[0]).toMatchObject({ severity: 'CRITICAL', subject: `position ${es.conId}` });
    expect(guardian.stats()).toMatchObject({ unprotected: 1, orphaned: 0, darkLooks: 0 });
    world.facts = { account: 'DU1', positions: [], orders: [] };
    vi.advanceTimersByTime(5_000);
    expect(names()).toEqual(['unprotected_position', 'position_protected']);
    expect(guardian.stats().unprotected).toBe(0);
    guardian.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is told of again every quarter of an hour', () => {
    const { guardian, names } = guardianOf();
    guardian.start();
    vi.advanceTimersByTime(46 * 60_000);
    expect(names()).toEqual(Array.from({ length: 4 }, () => 'unprotected_position'));
    guardian.stop();
  });

  it('says nothing of what is not certain, but that it is not, once a session has been open for five minutes', () => {
    const { guardian, world, names } = guardianOf();
    world.facts = undefined;
    world.open = false;
    guardian.start();
    vi.advanceTimersByTime(60 * 60_000);
    expect(names()).toEqual([]);
    world.open = true;
    vi.advanceTimersByTime(5 * 60_000);
    expect(names()).toEqual([]);
    vi.advanceTimersByTime(20_000);
    expect(names()).toEqual(['protection_unknown']);
    expect(guardian.stats().looks).toBe(0);
    guardian.stop();
  });

  it('does not look more often than once a second while something overdue cannot be judged', () => {
    const { guardian, world } = guardianOf();
    guardian.look();
    world.facts = undefined;
    world.open = false;
    guardian.start();
    vi.advanceTimersByTime(60_000);
    expect(guardian.stats().darkLooks).toBeLessThanOrEqual(60);
    guardian.stop();
  });

  it('goes on after a look that failed, and starts once', () => {
    let calls = 0;
    const { guardian, errors, names } = guardianOf({
      facts: () => {
        calls += 1;
        if (calls === 1) throw new Error('planted');
        return { account: 'DU1', positions: [{ contract: es, position: '2' }], orders: [] };
      },
    });
    guardian.start();
    guardian.start();
    vi.advanceTimersByTime(5_000);
    expect(errors).toHaveLength(1);
    vi.advanceTimersByTime(30_000);
    expect(names()).toEqual(['unprotected_position']);
    guardian.stop();
    guardian.stop();
  });
});

describe('what the tracker is certain of', () => {
  const sell = terms({
    action: 'SELL',
    quantity: '2',
    orderType: 'STP',
    limitPrice: null,
    stopPrice: '4900',
  });
  const stopOrder = (more: Parameters<typeof openOrder>[0] = {}) =>
    openOrder({ permId: 2, orderId: 14, status: 'PreSubmitted', terms: sell, ...more });

  it('positions that are open, and living orders with what they still ask for', () => {
    const desk = new TrackedDesk().connect();
    desk.answer({
      positions: [position('2')],
      'open-orders': [stopOrder(), orderStatus('PreSubmitted', '1', { permId: 2, orderId: 14 })],
    });
    expect(protectionFacts(desk.state)).toMatchObject({
      account: 'DU1',
      positions: [{ contract: es, position: '2' }],
      orders: [{ orderKey: 'P2', conId: es.conId, action: 'SELL', quantity: '2', filled: '1', parent: null }],
    });
  });

  it('nothing of another account, of closed positions, and of orders that have ended', () => {
    const desk = new TrackedDesk().connect();
    desk.answer({
      positions: [position('2', '250000', { account: 'DU2' }), position('0')],
      'open-orders': [stopOrder({ account: 'DU2' }), stopOrder({ permId: 3, orderId: 15 })],
      'completed-orders': [completed('Cancelled by Trader', { permId: 3 })],
    });
    expect(protectionFacts(desk.state)).toEqual({ account: 'DU1', positions: [], orders: [] });
  });

  it('an order that a whole round of lists did not have is in doubt, and protects nothing', () => {
    const desk = new TrackedDesk().connect();
    desk.answer({ positions: [position('2')], 'open-orders': [stopOrder()] });
    desk.round({ 'open-orders': [] }, { 'open-orders': 'partial' });
    expect(protectionFacts(desk.state).orders).toHaveLength(1);
    desk.round({ 'open-orders': [] });
    expect(protectionFacts(desk.state).orders).toEqual([]);
    desk.round({ 'open-orders': [stopOrder()] });
    expect(protectionFacts(desk.state).orders).toHaveLength(1);
  });

  it('a child with its parent: known, still held by the gateway, or never seen', () => {
    const child = { terms: { ...sell, parentId: 13 } };
    const desk = new TrackedDesk().connect();
    desk.answer({ 'open-orders': [stopOrder(child)] });
    const orders = () => protectionFacts(desk.state).orders.filter(({ orderKey }) => orderKey === 'P2');
    expect(orders()).toMatchObject([{ parent: { name: '7:13', known: null }, parentFilled: null }]);
    desk.fact(openOrder({ permId: 0, status: 'PendingSubmit' }));
    expect(orders()).toMatchObject([
      { parent: { name: '7:13', known: { status: 'PendingSubmit' } }, parentFilled: '0' },
    ]);
    desk.fact(openOrder({ permId: 1 }), orderStatus('Submitted', '1', { permId: 1 }));
    desk.fact(stopOrder(child));
    expect(orders()).toMatchObject([
      { parent: { name: 'P1', known: { status: 'PartiallyFilled', filled: '1' } }, parentFilled: '1' },
    ]);
    desk.fact(orderStatus('Cancelled', '1', { permId: 1 }));
    expect(orders()).toMatchObject([{ parent: { name: 'P1', known: { status: 'Cancelled', filled: '1' } } }]);
  });
});
