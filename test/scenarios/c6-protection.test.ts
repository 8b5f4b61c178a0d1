/**
 * Protection of positions while the desk runs: what the streamer's guardian raises of what the broker tells, and what
 * reconcile stages of it. The tracker's facts are the broker's own messages.
 */
import { describe, expect, it } from 'vitest';
import { protectionFacts } from '../../lib/domain/orders/tracker-protection.ts';
import { policyApproves } from '../../lib/domain/reconcile/plan.ts';
import type { EventData } from '../../lib/events/catalogue.ts';
import { ProtectionGuardian } from '../../streamer/protection-guardian.ts';
import { found, planned, World } from '../helpers/reconcile-world.ts';
import { es } from '../unit/orders/order-harness.ts';
import {
  execution,
  openOrder,
  orderStatus,
  position,
  TrackedDesk,
  terms,
} from '../unit/orders/tracker-harness.ts';

const second = 1_000;
const sell = { action: 'SELL', quantity: '5' } as const;

/** A tracker on a link that is up, and the guardian over it; the bracket is order 13 with the children 14 and 15. */
class GuardedDesk {
  readonly desk = new TrackedDesk().connect().answer();
  readonly alerts: EventData<'alert.raised'>[] = [];
  certain = true;
  readonly #guardian = new ProtectionGuardian({
    account: 'DU1',
    facts: () => (this.certain ? protectionFacts(this.desk.state) : undefined),
    raise: (alert) => void this.alerts.push(alert),
    systemMs: () => this.desk.nowMs,
    marketOpen: () => true,
    noStopNeeded: [],
    logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  });

  /** Looks every five seconds for so long; what was raised in that time. */
  wait(ms: number): string[] {
    const before = this.alerts.length;
    for (let passed = 0; passed <= ms; passed += 5 * second) {
      this.#guardian.look();
      this.desk.nowMs += 5 * second;
    }
    return this.alerts.slice(before).map(({ severity, alert, subject }) => `${severity} ${alert} ${subject}`);
  }

  bracket(): this {
    const ids = (permId: number, orderId: number) => ({ permId, orderId, orderRef: `ref-${permId}` });
    this.desk.fact(
      openOrder({ ...ids(1, 13), status: 'Submitted' }),
      openOrder({ ...ids(2, 14), status: 'PreSubmitted', terms: this.stopTerms }),
      openOrder({
        ...ids(3, 15),
        status: 'PreSubmitted',
        terms: terms({ ...sell, limitPrice: '5100', parentId: 13, ocaGroup: 'g' }),
      }),
    );
    return this;
  }

  get stopTerms() {
    return terms({
      ...sell,
      orderType: 'STP',
      limitPrice: null,
      stopPrice: '4900',
      parentId: 13,
      ocaGroup: 'g',
    });
  }

  filled(quantity: string, status = 'Filled'): this {
    const ids = { permId: 1, orderId: 13 };
    this.desk.fact(
      execution('e1.01', quantity, ids),
      orderStatus(status, quantity, ids),
      position(quantity, '250000'),
    );
    return this;
  }

  status(permId: number, status: string, filled = '0'): this {
    this.desk.fact(orderStatus(status, filled, { permId, orderId: permId + 12 }));
    return this;
  }
}

const nothing = () => undefined;
const unprotected = `CRITICAL unprotected_position position ${es.conId}`;
const cured = `INFO position_protected position ${es.conId}`;

describe('C6 protection', () => {
  it('S021 a bracket whose parent fills is protected by its stop from then on, and nothing is raised', () => {
    const guarded = new GuardedDesk().bracket();
    expect(guarded.wait(60 * second)).toEqual([]);
    guarded.filled('3', 'Submitted');
    expect(guarded.wait(60 * second)).toEqual([]);
    guarded.desk.fact(
      execution('e2.01', '2', { permId: 1, orderId: 13, cumulativeQuantity: '5' }),
      orderStatus('Filled', '5', { permId: 1, orderId: 13 }),
      position('5'),
    );
    expect(guarded.wait(60 * second)).toEqual([]);
  });

  it('S022 the stop of a bracket is cancelled while the position is open: CRITICAL within a minute, and its cure', () => {
    const guarded = new GuardedDesk().bracket().filled('5');
    guarded.wait(10 * second);
    guarded.status(2, 'Cancelled');
    expect(guarded.wait(40 * second)).toEqual([unprotected]);
    guarded.desk.fact(
      openOrder({ permId: 9, orderId: 20, status: 'PreSubmitted', terms: guarded.stopTerms }),
    );
    expect(guarded.wait(10 * second)).toEqual([cured]);
  });

  it('S023 parent cancelled, children still working: told once, and not when IB cancels them itself a moment later', () => {
    const quick = new GuardedDesk().bracket().status(1, 'Cancelled');
    quick.wait(5 * second);
    quick.status(2, 'Cancelled').status(3, 'Cancelled');
    expect(quick.wait(120 * second)).toEqual([]);

    const guarded = new GuardedDesk().bracket().status(1, 'Cancelled');
    expect(guarded.wait(120 * second)).toEqual([
      'HIGH orphaned_child order P2',
      'HIGH orphaned_child order P3',
    ]);
    expect(guarded.alerts[0]!.message).toContain(
      'child of P1) works on although its parent P1 ended without a fill',
    );
  });

  it('S023 the position is closed by hand, the children of its bracket still work: told', () => {
    const guarded = new GuardedDesk().bracket().filled('5');
    guarded.wait(30 * second);
    guarded.desk.fact(position('0'));
    expect(guarded.wait(30 * second)).toEqual([
      'HIGH orphaned_child order P2',
      'HIGH orphaned_child order P3',
    ]);
  });

  it('S069 a broker whose lists are not whole is no broker without stops: no verdict, and a person hears that', () => {
    const guarded = new GuardedDesk();
    guarded.desk.fact(position('5'));
    guarded.certain = false;
    expect(guarded.wait(290 * second)).toEqual([]);
    expect(guarded.wait(600 * second)).toEqual(['HIGH protection_unknown account DU1']);
  });
});

describe('S023 in reconcile: the position of a bracket is gone, its children still work', () => {
  const stop = {
    side: 'SELL' as const,
    terms: { orderType: 'STP', stopPrice: '4900', parentId: 1, parentKey: 'P1', ocaGroup: 'g' },
  };
  const target = { side: 'SELL' as const, terms: { parentId: 1, parentKey: 'P1', ocaGroup: 'g' } };

  /** The parent bought five; what closed them is somebody else's order 9. */
  function closedByHand(): World {
    const world = new World()
      .told(1, { status: 'Filled', filled: '5' })
      .toldFill(1, 'e1.01', '5')
      .execution(1, 'e1.01', '5')
      .completed(1, 'Filled Size: 5');
    return world
      .told(9, { side: 'SELL', status: 'Filled', filled: '5', clientId: 0, orderId: 0 })
      .toldFill(9, 'e9.01', '5', { side: 'SELL', clientId: 0, orderId: 0 })
      .execution(9, 'e9.01', '5', { side: 'SELL', clientId: 0, orderId: 0 })
      .completed(9, 'Filled Size: 5', { side: 'SELL' });
  }

  it('S023 broker and book agree that it is flat: the cancels are staged, never automatic', () => {
    const world = closedByHand().toldPosition('0').both(2, stop).both(3, target);
    const verdict = world.run();
    expect(found(verdict)).toEqual(['ORDER_STATUS_MISMATCH orphan P2', 'ORDER_STATUS_MISMATCH orphan P3']);
    expect(planned(verdict)).toEqual(['cancel orphan P2', 'cancel orphan P3']);
    expect(verdict.plan.actions[0]).toMatchObject({
      writes: [],
      cancel: { permId: 2, clientId: 7, orderId: 2 },
    });
    expect(verdict.discrepancies[0]!.message).toContain(
      `the position ${es.conId} that it was to close is gone`,
    );
    const rules = { ...world.rules, mode: 'auto_sync' as const };
    expect(policyApproves(verdict.plan, world.picture, rules)).toBe(false);
  });

  it('S023 the plan rests on the position: opened again before it is applied, the plan is stale', () => {
    const { plan } = closedByHand().toldPosition('0').both(2, stop).run();
    expect(plan.rests).toContainEqual({
      ref: { kind: 'position', id: String(es.conId) },
      expectedVersion: 1,
    });
    const never = closedByHand().both(2, stop).run();
    expect(never.plan.rests).toContainEqual({
      ref: { kind: 'position', id: String(es.conId) },
      expectedVersion: 0,
    });
  });

  it('S023 the other side is no position of theirs either', () => {
    const world = closedByHand().bothPosition('-2').both(2, stop);
    world.both(8, { side: 'BUY', quantity: '2', terms: { orderType: 'STP', stopPrice: '5100' } });
    const verdict = world.run();
    expect(planned(verdict)).toContain('cancel orphan P2');
  });

  it.each([
    { what: 'the book still has the position', change: (world: World) => world.toldPosition('5') },
    {
      what: 'its contract has just been traded',
      change: (world: World) => world.told(9, { status: 'Filled', filled: '5', changedAtMs: world.marketMs }),
    },
  ])('S023 $what: it is given time', ({ change }) => {
    const verdict = change(closedByHand().toldPosition('0').both(2, stop)).run();
    expect(planned(verdict).filter((name) => name.startsWith('cancel'))).toEqual([]);
    expect(verdict.pending.map(({ subject }) => subject)).toContain('orphan P2');
  });

  it('S023 without a whole list of positions nothing is said of it', () => {
    const verdict = closedByHand().toldPosition('0').both(2, stop).outcome('positions', 'partial').run();
    expect(found(verdict).filter((name) => name.includes('orphan'))).toEqual([]);
  });

  it('S023 what stays: children of a position that stands, children that wait, stops without a parent, opposed brackets', () => {
    const orphans = (world: World) =>
      [...found(world.run()), ...planned(world.run())].filter((name) => name.includes('orphan'));
    const bought = () =>
      new World()
        .told(1, { status: 'Filled', filled: '5' })
        .toldFill(1, 'e1.01', '5')
        .execution(1, 'e1.01', '5')
        .completed(1, 'Filled Size: 5');
    expect(orphans(bought().bothPosition('5').both(2, stop).both(3, target))).toEqual([]);
    expect(orphans(new World().both(1).both(2, stop))).toEqual([]);
    const alone = { side: 'SELL' as const, terms: { orderType: 'STP', stopPrice: '4900' } };
    expect(orphans(new World().both(2, alone))).toEqual([]);
    // A short bracket of the same size: the account is flat, and both are protected.
    const short = closedByHand().toldPosition('0').both(2, stop);
    short.both(10, {
      side: 'BUY',
      terms: { orderType: 'STP', stopPrice: '5100', parentId: 9, parentKey: 'P9' },
    });
    expect(orphans(short)).toEqual([]);
  });

  it('S024 children of another client are seen, and cancelled by a person in TWS', () => {
    const foreign = { ...stop, clientId: 99 };
    const verdict = closedByHand().toldPosition('0').both(2, foreign).run();
    expect(found(verdict)).toContain('ORDER_STATUS_MISMATCH orphan P2');
    expect(planned(verdict).filter((name) => name.startsWith('cancel'))).toEqual([]);
    expect(verdict.discrepancies.map(({ message }) => message).join()).toContain('cancel it in TWS');
  });

  it('S023 a parent that IB reports as filled, without any execution told, did not end unfilled', () => {
    const world = new World().told(1, { status: 'Cancelled', filled: '5', quantity: '9' });
    const verdict = world.bothPosition('5').both(2, stop).run();
    expect(planned(verdict).filter((name) => name.startsWith('cancel'))).toEqual([]);
  });
});
