/** What is said of an order, and when: contradictions, words on gaps, and the average price that may differ. */
import { describe, expect, it } from 'vitest';
import { toldReport } from '../../../lib/domain/book/orders.ts';
import { multiplierOf, sizeOf } from '../../../lib/domain/reconcile/holdings.ts';
import { recommendations } from '../../../lib/domain/reconcile/initial-state.ts';
import { gapOf } from '../../../lib/domain/reconcile/order-words.ts';
import { gatherEvidence } from '../../../lib/domain/reconcile/position-evidence.ts';
import { account, found, planned, World } from '../../helpers/reconcile-world.ts';
import { es, openMs, spy } from '../orders/order-harness.ts';
import { contextFor } from './stages.ts';

const quiet = () => new World().ruled({ noStopNeeded: ['FUT', 'STK'], escalateAfterRuns: 99 });

describe('an order that has ended in the book and is listed as open', () => {
  it('is a contradiction only while no row of the broker says that it ended', () => {
    const world = quiet().told(1, { status: 'Cancelled' }).open(1);
    expect(found(world.runs(3))).toEqual(['ORDER_STATUS_MISMATCH order P1']);
    const late = quiet().told(1, { status: 'Cancelled' }).open(1).status(1, 'Cancelled', '0');
    expect(found(late.runs(3))).toEqual([]);
  });
});

describe('an order of which nobody knows when it changed', () => {
  it('is judged in the second run where it was told in this epoch', () => {
    const world = quiet().told(1, { changedAtMs: null, status: 'PreSubmitted' }).open(1);
    expect(planned(world.run())).toEqual([]);
    expect(planned(world.later().run())).toEqual(['to_update order P1']);
  });

  it('is judged at once where all of it was told before', () => {
    const world = quiet().told(1, { changedAtMs: null, status: 'PreSubmitted' }).open(1);
    world.epoch = 2;
    expect(planned(world.run())).toEqual(['to_update order P1']);
  });
});

describe('what is filled and in no execution', () => {
  it('is booked, or nothing is made up for it: the words say which', () => {
    const body = new World().told(1, { filled: '2' }).order('P1');
    expect(gapOf(body, true).message).toContain('The plan books a synthetic fill for it');
    expect(gapOf(body, false).message).toContain('Nothing is made up for it');
  });
});

describe('a position', () => {
  it('may cost what the rules allow, and no more', () => {
    const priced = (averageCost: string) =>
      found(quiet().toldPosition('2').position('2', averageCost).runs(2));
    expect(priced('249975')).toEqual(['PRICE_MISMATCH position 495512563']);
    // 0.01 % of 4999.5 is 0.49995, and of 5000 half a point.
    const exact = quiet().toldPosition('2', '250025').position('2', '250000');
    expect(found(exact.runs(2))).toEqual([]);
    expect(found(quiet().toldPosition('2', '250026').position('2', '250000').runs(2))).toEqual([
      'PRICE_MISMATCH position 495512563',
    ]);
  });

  it('is described with whose it is, where it is not ours', () => {
    const world = quiet().toldPosition('2').position('5');
    const [mismatch] = world.runs(2).discrepancies;
    expect(mismatch?.message).toMatch(/ \(EXTERNAL: no order of ours\)$/);
    const ours = quiet()
      .told(1, { filled: '5' })
      .toldFill(1, 'a.01', '5')
      .position('5')
      .open(1, { filled: '5', status: 'Filled' });
    const messages = ours
      .execution(1, 'a.01', '5')
      .runs(2)
      .discrepancies.map(({ message }) => message);
    expect(messages).toEqual([expect.stringMatching(/Its fills explain the difference\.$/)]);
  });

  it('waits for the order that has just changed, by name', () => {
    const world = quiet()
      .toldPosition('2')
      .position('5')
      .told(7, { changedAtMs: openMs + 3_599_000 })
      .open(7);
    expect(world.run().pending).toEqual([
      { subject: `position ${es.conId}`, why: 'order P7 has just changed', runs: 1 },
    ]);
  });

  it('without stops is described by its size on either side, and as a stranger’s where it is one', () => {
    const bare = (world: World) =>
      world.run().discrepancies.find(({ type }) => type === 'UNPROTECTED_POSITION');
    expect(bare(new World().bothPosition('-2'))?.message).toMatch(/^Working stop orders protect 0 of 2\./);
    const stranger = { clientId: 9, atMs: openMs };
    const theirs = new World().ruled({ initialStateSymbols: [] }).bothPosition('2');
    theirs.toldFill(1, 'a.01', '2', stranger).execution(1, 'a.01', '2', stranger);
    expect(bare(theirs)).toMatchObject({
      severity: 'HIGH',
      message: expect.stringMatching(
        /^EXTERNAL: no order of ours opened it\. Working stop orders protect 0 of 2\./,
      ),
    });
  });

  it('is counted to eight decimals, with a multiplier below one too', () => {
    const micro = { ...es, multiplier: '0.5' };
    // What lies beyond eight decimals was left there by a float.
    expect(sizeOf('1.000000004').toFixed()).toBe('1');
    expect(sizeOf('1.00000001').toFixed()).toBe('1.00000001');
    expect(multiplierOf(micro, undefined).toFixed()).toBe('0.5');
    expect(multiplierOf({ ...spy, multiplier: '' }, undefined).toFixed()).toBe('1');
  });
});

describe('an order that is filled and gone', () => {
  it('ends with the execution that the book lacked, in one action', () => {
    const world = quiet().told(1, { status: 'PartiallyFilled', filled: '2' }).toldFill(1, 'a.01', '2');
    world.execution(1, 'a.01', '2').execution(1, 'b.01', '1', { cumulative: '3' }).bothPosition('3');
    const verdict = world.runs(3);
    expect(planned(verdict)).toEqual(['to_update order P1']);
    expect(world.apply(verdict).order('P1')).toMatchObject({
      status: 'Cancelled',
      filled: '3',
      missing: '0',
    });
  });
});

describe('counts of runs', () => {
  it('end when the order is found, also while the positions are not listed', () => {
    const world = quiet().told(1);
    expect(world.runs(2).memory.absent).toEqual({ 'order P1': 2 });
    world.open(1).outcome('positions', 'failed');
    expect(world.run().memory.absent).toEqual({});
  });

  it('do not begin for fills that are still on their way', () => {
    const world = quiet().told(1, { filled: '2' }).open(1, { filled: '2' }).bothPosition('2');
    world.execution(1, 'a.01', '1', { atMs: world.marketMs - 1_000 }).toldFill(1, 'a.01', '1');
    expect(Object.keys(world.run().memory.absent)).not.toContain('fills of order P1');
  });
});

describe('fills for which there is no price', () => {
  it('are not made, and keep nothing else from being judged', () => {
    const terms = { orderType: 'MKT', limitPrice: null };
    const report = toldReport(new World().told(1, { terms }).order('P1'))!;
    const filled = { reportedFilled: '2', reportedAveragePrice: null };
    const world = quiet().bothCash('1').open(1, { terms });
    world.tell({ kind: 'order', at: world.stamp(), report: { ...report, ...filled } });
    world.changedAtMs.set('P1', openMs);
    world.toldPosition('3', '600', spy).position('4', '600', spy);
    const verdict = world.runs(4);
    expect(verdict.unjudged).toEqual([]);
    expect(verdict.memory.absent).not.toHaveProperty('fills of order P1');
    expect(planned(verdict)).toContain(`to_update position ${spy.conId}`);
  });

  it('of a position are not made either, and it is said', () => {
    const world = quiet().toldPosition('0', '0').position('3', '0');
    const [finding] = world.runs(2).discrepancies;
    expect(finding?.message).toContain(
      'No execution explains 3 of it: no price is known, so no fill is made.',
    );
  });
});

describe('cash that is listed twice', () => {
  it('is the larger of the two, whichever comes last', () => {
    for (const [one, other] of [
      ['100', '200'],
      ['200', '100'],
    ] as const) {
      expect(found(quiet().toldCash('200').cash(one).cash(other).runs(2))).toEqual([]);
    }
  });
});

describe('cash that the book does not know', () => {
  it('is said to be new, and comes from nothing', () => {
    const world = quiet().cash('5', 'CHF').toldCash('7').cash('19');
    const { discrepancies, plan } = world.runs(2);
    expect(discrepancies.map(({ subject, message }) => `${subject}: ${message}`)).toEqual([
      'cash USD: No execution explains 12: deposit, dividend or interest.',
      'cash CHF: The broker has cash that the book does not know.',
    ]);
    expect(plan.actions.map(({ summary }) => summary)).toEqual(['CHF: nothing -> 5', 'USD: 7 -> 19']);
  });

  it('may differ by the tolerance, beside what executions explain', () => {
    const shares = (cash: string) => {
      const world = quiet().toldCash('0').cash(cash).bothPosition('10', '600', spy).bothPosition('1');
      world.execution(1, 'a.01', '10', { contract: spy, price: '600' });
      const verdict = world.runs(2);
      const of = ({ subject }: { subject: string }) => subject === 'cash USD';
      return verdict.discrepancies.find(of)?.message ?? verdict.pending.find(of)?.why;
    };
    expect(shares('-6001')).toBe('The executions that the book lacks explain it.');
    // One future of 250,000 may have moved it by as much as 50,000 beside them.
    expect(shares('-6002')).toBe('within the daily variation of the futures held: -6002');
    expect(shares('-56000')).toBe('within the daily variation of the futures held: -56000');
    expect(shares('-56001')).toMatch(/^No execution explains -50001, and it is more than the futures held/);
  });
});

describe('a cost whose execution', () => {
  it('has not come yet is no absent execution, and nothing fails for it', () => {
    const verdict = quiet().toldCommission(1, 'a.01', '2').bothCash('1').run();
    expect(verdict).toMatchObject({ unjudged: [], discrepancies: [], pending: [] });
  });

  it('the broker no longer lists is booked, whatever other order is ignored', () => {
    const world = quiet()
      .ruled({ ignoredOrders: ['1'] })
      .told(5, { status: 'Filled', filled: '5' });
    world.toldFill(5, 'a.01', '5', { atMs: world.rules.executionsSinceMs - 1 }).bothPosition('5');
    expect(planned(world.commission('a.01', '2').run())).toEqual(['to_update order P5']);
  });
});

describe('an order that was typed into TWS', () => {
  it('is somebody’s, also where the client id 0 is ours', () => {
    const world = quiet()
      .ruled({ ownClientIds: [0, 7] })
      .open(1, { clientId: 0, orderId: 0 });
    const [unknown] = world.run().discrepancies;
    expect(unknown).toMatchObject({
      type: 'UNKNOWN_ORDER',
      message: expect.stringContaining('somebody in TWS'),
    });
  });
});

describe('what the first run recognises', () => {
  it('has a class of its own kind, and is sorted by symbol and contract', () => {
    const fact = (conId: number, symbol: string, secType = 'STK') => ({
      kind: 'position' as const,
      account,
      contract: { ...spy, conId, symbol, localSymbol: '', secType },
      position: '1',
      averageCost: '600',
    });
    const facts = [fact(9, 'SPY'), fact(8, 'SPY', 'BOND'), fact(3, 'SPY'), fact(30, 'ES', 'FUT')];
    for (const some of [facts, facts.toReversed()]) {
      const named = recommendations(quiet().input, some);
      expect(named.map(({ symbol, conId, instrumentClass }) => [symbol, conId, instrumentClass])).toEqual([
        ['ES', 30, 'future'],
        ['SPY', 3, 'stock'],
        ['SPY', 8, 'bond'],
        ['SPY', 9, 'stock'],
      ]);
    }
  });
});

describe('the evidence of a position', () => {
  it('knows its latest word by its stamp, and the window from its first moment on', () => {
    const sinceMs = new World().rules.executionsSinceMs;
    const told = (step: 1 | -1, ...execIds: string[]) => {
      const world = quiet();
      for (const [index, execId] of execIds.entries()) {
        const fill = { atMs: sinceMs + step * index, cumulative: String(index + 1) };
        world.toldFill(1, execId, '1', fill).execution(1, execId, '1', fill);
      }
      const conId = String(es.conId);
      return gatherEvidence(new Set([conId]), world.input, contextFor(world))(conId);
    };
    const { latest, window } = told(-1, 'a.01', 'b.01', 'c.01');
    expect(latest).toEqual({ epoch: 1, seq: 3 });
    expect(window.map(({ execBase }) => execBase)).toEqual(['a']);
    expect(told(1, 'a.01', 'b.01').latest).toEqual({ epoch: 1, seq: 2 });
  });
});
