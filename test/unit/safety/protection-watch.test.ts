/** What is raised of positions without stops, of orphaned children, and of not knowing. */
import { describe, expect, it } from 'vitest';
import type { ProtectionFacts, WatchedOrder } from '../../../lib/domain/safety/protection-facts.ts';
import {
  createWatch,
  deadline,
  step,
  type WatchAlert,
  type WatchRules,
  type WatchState,
} from '../../../lib/domain/safety/protection-watch.ts';
import { alertRaised } from '../../../lib/events/alert-raised.ts';
import { es, esJune, spy } from '../orders/order-harness.ts';
import { hour, minute, rules, second, startMs, stop } from './protection-harness.ts';

const child = (status: 'Filled' | 'Cancelled' | 'Submitted', filled: string) => ({
  name: 'P1',
  known: { status, filled },
});

/** A desk whose facts are changed, and looked at by the clock. */
class Watched {
  state: WatchState;
  nowMs = startMs;
  size = '0';
  contract = es;
  orders: WatchedOrder[] = [];
  open = true;
  readonly alerts: WatchAlert[] = [];

  constructor(more: Partial<WatchRules> = {}) {
    this.state = createWatch({ ...rules, ...more });
  }

  get facts(): ProtectionFacts {
    return {
      account: 'DU1',
      positions: [{ contract: this.contract, position: this.size }],
      orders: this.orders,
    };
  }

  /** Looks after a while; names of what was raised. */
  look(afterMs = 0, facts: ProtectionFacts | undefined = this.facts): string[] {
    this.nowMs += afterMs;
    const { state, effects } = step(this.state, { facts, sessionOpen: this.open }, this.nowMs);
    // The memory of a watchdog is text between two looks.
    this.state = createWatch(
      this.state.rules,
      JSON.parse(JSON.stringify(state.memory)) as typeof state.memory,
    );
    for (const { key: _, ...alert } of effects) alertRaised.parse(alert);
    this.alerts.push(...effects);
    return effects.map(({ severity, alert, subject }) => `${severity} ${alert} ${subject}`);
  }

  dark(afterMs = 0): string[] {
    this.nowMs += afterMs;
    const { state, effects } = step(this.state, { facts: undefined, sessionOpen: this.open }, this.nowMs);
    this.state = state;
    this.alerts.push(...effects);
    return effects.map(({ severity, alert, subject }) => `${severity} ${alert} ${subject}`);
  }
}

const unprotected = `CRITICAL unprotected_position position ${es.conId}`;
const cured = `INFO position_protected position ${es.conId}`;

describe('a position without stops', () => {
  it('is told after the grace, again every 15 minutes while it lasts, and once when it is cured', () => {
    const desk = new Watched();
    desk.size = '2';
    expect(desk.look()).toEqual([]);
    expect(deadline(desk.state)).toBe(startMs + 20 * second);
    expect(desk.look(19_999)).toEqual([]);
    expect(desk.look(1)).toEqual([unprotected]);
    expect(desk.look(second)).toEqual([]);
    expect(deadline(desk.state)).toBe(startMs + 20 * second + 15 * minute);
    expect(desk.look(15 * minute - second - 1)).toEqual([]);
    expect(desk.look(1)).toEqual([unprotected]);
    desk.orders = [stop('S1', '2')];
    expect(desk.look(second)).toEqual([cured]);
    expect(desk.look(second)).toEqual([]);
    expect(deadline(desk.state)).toBe(Number.POSITIVE_INFINITY);
  });

  it('that grows after it was told is told anew, with the new figure; one that shrinks is not', () => {
    const desk = new Watched();
    desk.size = '3';
    desk.look();
    expect(desk.look(20 * second)).toEqual([unprotected]);
    desk.size = '2';
    expect(desk.look(minute)).toEqual([]);
    desk.size = '5';
    expect(desk.look(second)).toEqual([]);
    expect(deadline(desk.state)).toBe(desk.nowMs + 20 * second);
    expect(desk.look(20 * second)).toEqual([unprotected]);
    expect(desk.alerts.at(-1)?.message).toContain('--quantity 5 ');
    expect(desk.look(minute)).toEqual([]);
  });

  it('names account, contract, position, what is protected and missing, and the commands that cure it', () => {
    const desk = new Watched();
    desk.size = '-5';
    desk.orders = [stop('S1', '2', { action: 'BUY', orderType: 'TRAIL' })];
    desk.look();
    desk.look(20 * second);
    const [{ message } = { message: '' }] = desk.alerts;
    expect(message).toContain('DU1: the position -5 in ESH6 (conId 495512563)');
    expect(message).toContain('working stop orders for 2, 3 are unprotected');
    expect(message).toContain(
      '`evenkeel order place --account DU1 --symbol ESH6 --side buy --quantity 3 --type stp --stop PRICE --tif gtc`',
    );
    expect(message).toContain('`evenkeel order flatten ESH6 --account DU1`');
  });

  it('is named by its conId where the local symbol cannot stand in a command', () => {
    const desk = new Watched();
    desk.contract = { ...spy, conId: 9, secType: 'FOP', localSymbol: 'SPY 260105C600' };
    desk.size = '1';
    desk.look();
    desk.look(20 * second);
    expect(desk.alerts[0]!.message).toContain('--symbol 9 --side sell');
  });

  it('that is closed is cured; one that was never told is not told to be cured', () => {
    const desk = new Watched();
    desk.size = '2';
    desk.look();
    expect(desk.look(20 * second)).toEqual([unprotected]);
    desk.size = '0';
    expect(desk.look(second)).toEqual([cured]);
    expect(desk.alerts.at(-1)!.message).toContain('is closed');
    desk.size = '2';
    desk.look(second);
    desk.orders = [stop('S1', '2')];
    expect(desk.look(19 * second)).toEqual([]);
  });

  it('begins to count anew once it was protected in between', () => {
    const desk = new Watched();
    desk.size = '2';
    desk.look();
    desk.orders = [stop('S1', '2')];
    desk.look(15 * second);
    desk.orders = [];
    expect(desk.look(5 * second)).toEqual([]);
    expect(desk.look(19 * second)).toEqual([]);
    expect(desk.look(second)).toEqual([unprotected]);
  });

  it('is not told where its class or symbol needs none', () => {
    for (const noStopNeeded of [['FUT'], ['ES'], ['ESH6']]) {
      const desk = new Watched({ noStopNeeded });
      desk.size = '2';
      desk.look();
      expect(desk.look(minute)).toEqual([]);
    }
  });

  it.each([
    { what: 'of the wrong side', orders: [stop('S1', '2', { action: 'BUY' })] },
    { what: 'of another contract', orders: [stop('S1', '2', { conId: esJune.conId })] },
    { what: 'that is a limit order', orders: [stop('S1', '2', { orderType: 'LMT' })] },
    { what: 'held back by the gateway', orders: [stop('S1', '2', { transmit: false })] },
    { what: 'on its way to the broker', orders: [stop('S1', '2', { status: 'PendingSubmit' })] },
    { what: 'that IB holds inactive', orders: [stop('S1', '2', { status: 'Inactive' })] },
    { what: 'being cancelled', orders: [stop('S1', '2', { status: 'PendingCancel' })] },
    { what: 'too small', orders: [stop('S1', '1')] },
    { what: 'filled in part', orders: [stop('S1', '2', { filled: '1' })] },
    {
      what: 'whose parent has filled less',
      orders: [stop('S1', '2', { parentFilled: '1', parent: child('Submitted', '1') })],
    },
    {
      what: 'of one OCA group',
      orders: [stop('S1', '1', { ocaGroup: 'g' }), stop('S2', '1', { ocaGroup: 'g' })],
    },
  ])('is not protected by a stop $what', ({ orders }) => {
    const desk = new Watched();
    desk.size = '2';
    desk.orders = orders;
    desk.look();
    expect(desk.look(20 * second)).toEqual([unprotected]);
  });

  it.each(['STP', 'STP LMT', 'TRAIL', 'TRAIL LIMIT'])('is protected by %s, in parts too', (orderType) => {
    const desk = new Watched();
    desk.size = '3';
    desk.orders = [stop('S1', '2', { orderType, status: 'Submitted' }), stop('S2', '1', { orderType })];
    desk.look();
    expect(desk.look(hour)).toEqual([]);
  });
});

describe('what is not known', () => {
  it('is not judged; a position that was bare before and is after counts from before', () => {
    const desk = new Watched();
    desk.size = '2';
    desk.look();
    for (let n = 0; n < 5; n += 1) expect(desk.dark(minute)).toEqual([]);
    expect(desk.look(second)).toEqual([unprotected]);
    desk.dark(second);
    desk.orders = [stop('S1', '2')];
    expect(desk.look(second)).toEqual([cured]);
  });

  it('is told once after five minutes in which a session is open, and again after knowing in between', () => {
    const desk = new Watched();
    const unknown = 'HIGH protection_unknown account DU1';
    expect(desk.dark()).toEqual([]);
    expect(deadline(desk.state)).toBe(startMs + 5 * minute);
    expect(desk.dark(5 * minute - 1)).toEqual([]);
    expect(desk.dark(1)).toEqual([unknown]);
    expect(desk.dark(hour)).toEqual([]);
    expect(deadline(desk.state)).toBe(Number.POSITIVE_INFINITY);
    desk.look(second);
    desk.dark(second);
    expect(desk.dark(5 * minute)).toEqual([unknown]);
  });

  it('counts only while a session is open', () => {
    const desk = new Watched();
    desk.dark();
    desk.open = false;
    expect(desk.dark(hour)).toEqual([]);
    desk.open = true;
    expect(desk.dark(second)).toEqual([]);
    expect(desk.dark(5 * minute)).toHaveLength(1);
  });
});

describe('a child that would open what it was to close', () => {
  const orphaned = 'HIGH orphaned_child order S1';

  it('whose parent ended without a fill is told once, after the time in which IB cancels it itself', () => {
    for (const status of ['Cancelled', 'ApiCancelled', 'Rejected', 'Expired'] as const) {
      const desk = new Watched();
      desk.orders = [stop('S1', '2', { parent: { name: 'P1', known: { status, filled: '0' } } })];
      expect(desk.look()).toEqual([]);
      expect(desk.look(20 * second)).toEqual([orphaned]);
      expect(desk.look(hour)).toEqual([]);
    }
  });

  it('whose position is gone is told, be it a stop or a target', () => {
    const desk = new Watched();
    desk.size = '2';
    const target = { orderType: 'LMT', ocaGroup: 'g', status: 'Submitted' } as const;
    const parent = child('Filled', '2');
    desk.orders = [stop('S1', '2', { parent, ocaGroup: 'g' }), stop('T1', '2', { parent, ...target })];
    expect(desk.look()).toEqual([]);
    expect(desk.look(hour)).toEqual([]);
    desk.size = '0';
    desk.look(second);
    expect(desk.look(20 * second)).toEqual([orphaned, 'HIGH orphaned_child order T1']);
    expect(desk.alerts[0]!.message).toContain('`evenkeel order cancel S1 --account DU1`');
    expect(desk.alerts[0]!.message).toContain('DU1: SELL 2 ESH6 (order S1, child of P1)');
    expect(desk.alerts[0]!.message).toContain('the position that it was to close is gone');
  });

  it('is none while its parent works, where its parent filled in part and ended, and where nobody is its parent', () => {
    const desk = new Watched();
    desk.orders = [
      // waits for its parent
      stop('S1', '2', { parent: child('Submitted', '0'), parentFilled: '0' }),
      // a stop that is to open a position
      stop('S2', '2', { action: 'BUY' }),
      // being cancelled already
      stop('S3', '2', { parent: child('Cancelled', '0'), status: 'PendingCancel' }),
    ];
    desk.look();
    expect(desk.look(hour)).toEqual([]);
    desk.size = '1';
    desk.orders = [stop('S1', '1', { parent: child('Cancelled', '1') })];
    desk.look();
    expect(desk.look(hour)).toEqual([]);
  });

  it('is none where a long and a short bracket of one contract are flat together', () => {
    const desk = new Watched();
    desk.orders = [
      stop('S1', '2', { parent: { name: 'P1', known: { status: 'Filled', filled: '2' } } }),
      stop('B1', '2', { action: 'BUY', parent: { name: 'P2', known: { status: 'Filled', filled: '2' } } }),
    ];
    desk.look();
    expect(desk.look(hour)).toEqual([]);
    // The short one was closed, and only it: what is left is the long one's.
    desk.orders = desk.orders.slice(0, 1);
    desk.look(second);
    expect(desk.look(20 * second)).toEqual([orphaned]);
  });

  it('stop and target of one bracket close the same entry, and the larger of them says how much', () => {
    const desk = new Watched();
    const parent = (name: string) => ({ name, known: { status: 'Filled', filled: '3' } as const });
    // Long three, short two.
    desk.size = '1';
    desk.orders = [
      stop('S1', '3', { parent: parent('P1') }),
      stop('T1', '1', { parent: parent('P1'), orderType: 'LMT' }),
      stop('B1', '2', { action: 'BUY', parent: parent('P2') }),
    ];
    desk.look();
    expect(desk.look(hour)).toEqual([]);
    desk.orders = desk.orders.slice(1);
    desk.look(second);
    expect(desk.look(20 * second)).toContain('HIGH orphaned_child order B1');
  });

  it('is told again only when it was none in between', () => {
    const desk = new Watched();
    desk.orders = [stop('S1', '2', { parent: child('Filled', '2') })];
    desk.look();
    expect(desk.look(20 * second)).toEqual([orphaned]);
    desk.size = '2';
    desk.look(second);
    desk.size = '0';
    desk.look(second);
    expect(desk.look(20 * second)).toEqual([orphaned]);
  });
});

describe('memory', () => {
  it('is bounded: beyond, those that are known stay, and a person is told once', () => {
    const desk = new Watched({ notesMax: 2 });
    const positions = [3, 2, 1].map((conId) => ({ contract: { ...es, conId }, position: '1' }));
    const facts = { account: 'DU1', positions, orders: [] };
    const some = { ...facts, positions: positions.slice(0, 2) };
    desk.look(0, some);
    expect(desk.look(second, facts)).toEqual(['HIGH protection_bound_reached account DU1']);
    expect(desk.state.memory.bare.map(({ conId }) => conId)).toEqual([2, 3]);
    expect(desk.look(second, facts)).toEqual([]);
    expect(desk.look(minute, facts)).toHaveLength(2);
  });
});
