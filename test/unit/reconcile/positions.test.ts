/** Cases of positions and cash beside the scenarios: which side of each limit, and what a person reads. */
import { describe, expect, it } from 'vitest';
import type { TradedContract } from '../../../lib/domain/orders/contract.ts';
import { amount, plain } from '../../../lib/domain/orders/decimals.ts';
import { expiryOf } from '../../../lib/domain/reconcile/expiry.ts';
import { averagePriceOf, multiplierOf, sameSize } from '../../../lib/domain/reconcile/holdings.ts';
import { recommendations } from '../../../lib/domain/reconcile/initial-state.ts';
import type { BookPicture, Versioned } from '../../../lib/domain/reconcile/types.ts';
import { account, found, minute, planned, World } from '../../helpers/reconcile-world.ts';
import { calendarSpread, es, esJune, openMs, spy } from '../orders/order-harness.ts';

const ES = `position ${es.conId}`;
const sinceMs = Date.UTC(2026, 0, 5, 5);

/** Positions and cash that carry the time of their last change. */
class Timed extends World {
  heldSinceMs: number | undefined;

  override get picture(): BookPicture {
    const { heldSinceMs } = this;
    if (heldSinceMs === undefined) return super.picture;
    const timed = <T>(items: ReadonlyMap<string, Versioned<T>>) =>
      new Map([...items].map(([id, item]) => [id, { ...item, changedAtMs: heldSinceMs }]));
    return { ...super.picture, positions: timed(super.picture.positions), cash: timed(super.picture.cash) };
  }
}

function world(heldSinceMs?: number): Timed {
  const timed = new Timed().ruled({ noStopNeeded: ['FUT', 'STK', 'OPT'], escalateAfterRuns: 99 });
  timed.heldSinceMs = heldSinceMs;
  return timed;
}

describe('a book that may be ahead of the snapshot', () => {
  it('told in this epoch, nobody knows when: judged in the second run', () => {
    const told = world().toldPosition('2').position('3').toldCash('5', 'EUR').cash('500', 'EUR');
    const first = told.run();
    expect(found(first)).toEqual([]);
    expect(first.pending.map(({ subject, runs }) => [subject, runs])).toEqual([
      ['cash EUR', 1],
      [ES, 1],
    ]);
    expect(found(told.later().run())).toEqual(['CASH_MISMATCH cash EUR', `POSITION_MISMATCH ${ES}`]);
  });

  it('what differs no more begins from the first run again', () => {
    const told = world().toldPosition('2').position('3');
    told.run();
    told.toldPosition('3').run();
    told.toldPosition('4');
    expect(told.run().pending).toMatchObject([{ subject: ES, runs: 1 }]);
  });

  it('told within the quiet period: not judged; before it: at once', () => {
    const now = world().marketMs;
    for (const [changedAtMs, subjects] of [
      [now + 1, []],
      // the snapshot took two seconds
      [now - 6_999, []],
      [now - 7_000, ['CASH_MISMATCH cash EUR', `POSITION_MISMATCH ${ES}`]],
    ] as const) {
      const told = world(changedAtMs).toldPosition('2').position('3').toldCash('5', 'EUR').cash('500', 'EUR');
      expect(found(told.run())).toEqual(subjects);
    }
  });

  it('a count stands still while the positions or the cash are not listed', () => {
    const told = world(openMs).toldPosition('2').toldCash('50', 'EUR').bothCash('1');
    told.runs(2);
    told.outcome('positions', 'failed').outcome('accountValues', 'partial').run();
    expect(told.memory.absent).toEqual({ 'cash EUR': 2, [ES]: 2 });
    expect(found(told.outcome('positions', 'ok').outcome('accountValues', 'ok').run())).toEqual([
      'CASH_MISMATCH cash EUR',
      `NAKED_POSITION ${ES}`,
    ]);
  });
});

describe('what is absent', () => {
  it('was closed by executions that are listed: no waiting', () => {
    const told = world(openMs).toldPosition('2').execution(17, 'a.01', '2', { side: 'SELL', atMs: openMs });
    expect(found(told.run())).toContain(`NAKED_POSITION ${ES}`);
  });

  it('was closed by executions that are booked: no waiting, no fill', () => {
    const told = world(openMs)
      .toldFill(17, 'a.01', '2', { atMs: sinceMs - 1 })
      .toldPosition('2');
    told
      .toldFill(18, 'b.01', '1', { side: 'SELL', atMs: openMs })
      .toldFill(18, 'b2.01', '1', { side: 'SELL', atMs: openMs });
    told
      .execution(18, 'b.01', '1', { side: 'SELL', atMs: openMs })
      .execution(18, 'b2.01', '1', { side: 'SELL', atMs: openMs });
    const verdict = told.run();
    expect(found(verdict)).toEqual([`NAKED_POSITION ${ES}`]);
    expect(planned(verdict)).toEqual([`to_update ${ES}`]);
  });

  it('is held by the word of every fill, whatever the last of them did: it waits', () => {
    const told = world(openMs).toldPosition('1');
    for (const [permId, execId, side] of [
      [17, 'a.01', 'BUY'],
      [18, 'b.01', 'BUY'],
      [19, 'c.01', 'SELL'],
    ] as const) {
      told
        .toldFill(permId, execId, '1', { side, atMs: openMs })
        .execution(permId, execId, '1', { side, atMs: openMs });
    }
    const first = told.run();
    expect(found(first)).toEqual([]);
    expect(first.pending).toMatchObject([{ subject: ES, runs: 1 }]);
    expect(found(told.later().run())).toEqual([]);
    expect(found(told.later().run())).toEqual([`NAKED_POSITION ${ES}`]);
  });

  it('the fills of the book close it, and the broker lists none of them: it waits', () => {
    for (const outcome of ['ok', 'failed'] as const) {
      const told = world(openMs)
        .toldFill(18, 'b.01', '2', { side: 'SELL', atMs: openMs })
        .toldPosition('2')
        .outcome('executions', outcome);
      expect(found(told.run())).toEqual([]);
      expect(found(told.later().run())).toEqual([]);
      expect(found(told.later().run())).toContain(`NAKED_POSITION ${ES}`);
    }
  });

  it('a row of zero is a word of the broker: no waiting', () => {
    expect(found(world(openMs).toldPosition('2').position('0', '0').run())).toEqual([`NAKED_POSITION ${ES}`]);
  });

  it('a contract on its last day: settled where the executions are whole and nobody sold it, after its runs', () => {
    const today = { ...es, lastTradeDate: '20260105' };
    const settled = world(openMs).toldPosition('2', '250000', today);
    expect(settled.runs(2).pending).toMatchObject([{ subject: ES, runs: 2 }]);
    expect(settled.later().run().discrepancies).toMatchObject([{ type: 'NAKED_POSITION', severity: 'INFO' }]);
    const unknown = world(openMs).toldPosition('2', '250000', today).outcome('executions', 'failed');
    expect(unknown.runs(3).discrepancies).toMatchObject([{ type: 'NAKED_POSITION', severity: 'CRITICAL' }]);
  });
});

describe('fills behind a difference', () => {
  it('are not made while the list of executions is not whole', () => {
    const told = world(openMs).toldPosition('2').position('3').outcome('executions', 'partial');
    const verdict = told.run();
    expect(planned(verdict)).toEqual([`to_update ${ES}`]);
    expect(verdict.discrepancies[0]!.message).toContain('not complete');
  });

  it('a short position that shrinks is bought back at the average of the broker, not at one that would keep it', () => {
    const told = world(openMs).toldPosition('-5', '250000').position('-2', '240000');
    const { message } = told.run().discrepancies[0]!;
    expect(message).toContain('No execution explains 3 of it: synthetic BUY 3 at 4800');
  });

  it('name whose the position is', () => {
    const told = world(openMs).position('5', '600', spy);
    told.execution(17, 'a.01', '2', { contract: spy, price: '600', atMs: openMs });
    told.execution(18, 'b.01', '3', { contract: spy, price: '600', atMs: openMs, clientId: 99 });
    const action = told.run().plan.actions.find(({ id }) => id === `position:${spy.conId}`)!;
    expect(action.summary).toBe('SPY: nothing -> 5 at 600; EXTERNAL but for 2');
    expect(action).toMatchObject({
      kind: 'to_insert',
      orderKey: '',
      cancel: null,
      cures: ['MISSING_FROM_BOOK'],
    });
    expect(action.writes).toMatchObject([
      {
        expectedVersion: 0,
        body: { position: '5', averageCost: '600', averagePrice: '600', stamp: { epoch: 1, seq: 0 } },
      },
    ]);
  });

  it('the legs of a combination count, its own row does not', () => {
    const told = world(openMs).position('2').position('-2', '251000', esJune);
    const at = { atMs: openMs, price: '5000' };
    told.execution(17, 'c.01', '2', { ...at, contract: calendarSpread, price: '-20' });
    told
      .execution(17, 'l1.01', '2', at)
      .execution(17, 'l2.01', '2', { ...at, contract: esJune, side: 'SELL' });
    const verdict = told.run();
    for (const { message } of verdict.discrepancies.filter(({ subject }) => subject.startsWith('position'))) {
      expect(message).toContain('Its fills explain the difference.');
    }
  });

  it('an update keeps the stamp of the streamer, so that its next word wins', () => {
    const told = world(openMs).toldCash('1').toldPosition('2').position('3');
    const before = told.picture.positions.get(String(es.conId))!;
    told.apply(told.run());
    const after = told.picture.positions.get(String(es.conId))!;
    expect(after.body.stamp).toEqual(before.body.stamp);
    expect(after.version).toBe(before.version + 1);
    expect(told.toldPosition('4').picture.positions.get(String(es.conId))!.body.position).toBe('4');
  });
});

describe('orders that the broker says are filled further than any execution tells', () => {
  const old = sinceMs - minute;

  it('the price makes the average of the order whole, on either side', () => {
    for (const side of ['BUY', 'SELL'] as const) {
      const told = world(openMs).told(17, {
        side,
        status: 'Filled',
        quantity: '5',
        filled: '5',
        averagePrice: '5004',
        changedAtMs: old,
      });
      told.toldFill(17, 'a.01', '2', { side, price: '5010', atMs: old, cumulative: '2' });
      told.bothPosition(side === 'BUY' ? '5' : '-5');
      // (5 x 5004 - 2 x 5010) / 3
      told.apply(told.run());
      expect(told.order('P17')).toMatchObject({ filled: '5', averagePrice: '5004', missing: '0' });
      const fill = Object.values(told.order('P17').state.fills).find(({ synthetic }) => synthetic)!;
      expect(fill).toMatchObject({
        side,
        quantity: '3',
        price: '5000',
        cumulativeQuantity: '5',
        timeMs: old,
      });
    }
  });

  it('ignored ones are left alone, and the first moment of the window is within it', () => {
    const filled = (changedAtMs: number) =>
      world(openMs).told(17, { status: 'Filled', quantity: '2', filled: '2', changedAtMs }).bothPosition('2');
    expect(planned(filled(sinceMs - 1).run())).toEqual(['to_update order P17']);
    expect(planned(filled(sinceMs).run())).toEqual([]);
    for (const name of ['P17', '17']) {
      expect(
        planned(
          filled(sinceMs - 1)
            .ruled({ ignoredOrders: [name] })
            .run(),
        ),
      ).toEqual([]);
    }
  });

  it('without an average of the order, that of the position stands in, then the limit; without any there is no fill', () => {
    const filled = (limitPrice: string | null) => {
      const told = world(openMs).told(17, { quantity: '2', terms: { limitPrice } });
      return told.completed(17, 'Filled Size: 2', {
        quantity: '2',
        filled: '2',
        atMs: openMs,
        terms: { limitPrice },
      });
    };
    const price = (told: World) => {
      told.apply(told.runs(3));
      return Object.values(told.order('P17').state.fills).map((fill) => fill.price);
    };
    expect(price(filled('4950').bothPosition('2', '249000'))).toEqual(['4980']);
    expect(price(filled('4950').bothPosition('0', '0'))).toEqual(['4950']);
    expect(price(filled(null).bothPosition('0', '0'))).toEqual([]);
  });

  it('their runs stand still while the contract is unsettled', () => {
    const told = world(openMs).told(17, {
      status: 'Filled',
      quantity: '2',
      filled: '2',
      changedAtMs: openMs,
    });
    told.bothPosition('2').runs(2);
    const counted = { 'fills of order P17': 2 };
    expect(told.memory.absent).toEqual(counted);
    told.later().execution(18, 'b.01', '1', { atMs: told.marketMs }).run();
    expect(told.memory.absent).toEqual(counted);
  });

  it('explain what the position has more, so that no second fill is made', () => {
    const told = world(openMs).told(17, {
      status: 'Filled',
      quantity: '2',
      filled: '2',
      changedAtMs: openMs,
    });
    told.position('2');
    const verdict = told.run();
    expect(planned(verdict)).toEqual([`to_insert ${ES}`]);
    expect(verdict.pending).toMatchObject([{ subject: 'fills of order P17', runs: 1 }]);
    told.apply(verdict).apply(told.runs(2));
    expect(told.order('P17')).toMatchObject({ filled: '2', synthetic: '2' });
    expect(told.picture.orders.size).toBe(1);
  });
});

describe('cash', () => {
  const message = (told: World) =>
    told.run().discrepancies.find(({ subject }) => subject === 'cash USD')?.message ?? 'none';

  it('an absent currency has its runs counted', () => {
    const told = world(openMs).toldCash('50', 'EUR').bothCash('1');
    expect(told.runs(2).pending).toMatchObject([{ subject: 'cash EUR', runs: 2 }]);
  });

  it('the variation of futures is bounded by their value in the currency, with the multiplier', () => {
    // 2 x 5000 x 50 = 500,000, a fifth of it is 100,000
    const held = (cash: string) => world(openMs).bothPosition('2').toldCash('0').cash(cash);
    expect(message(held('100000'))).toBe('none');
    expect(message(held('100001'))).toContain('more than the futures held can move');
    expect(message(held('-100001'))).toContain('withdrawal');
    const shares = world(openMs).bothPosition('1000', '600', spy).toldCash('0').cash('5000');
    expect(message(shares)).toBe('No execution explains 5000: deposit, dividend or interest.');
    const euros = world(openMs).bothPosition('2').toldCash('0', 'EUR').cash('500', 'EUR');
    expect(found(euros.run())).toEqual(['CASH_MISMATCH cash EUR']);
  });

  it('futures that were bought and sold since move it as well, and cost nothing themselves', () => {
    const told = world(openMs).toldCash('0').cash('990').toldPosition('0', '0').position('0', '0');
    told.execution(17, 'a.01', '1', { atMs: openMs, price: '5000' });
    told.execution(18, 'b.01', '1', { atMs: openMs, price: '5020', side: 'SELL' });
    expect(message(told)).toBe('none');
  });

  it('an option costs its price times 100, a sale brings it', () => {
    const option: TradedContract = {
      ...spy,
      conId: 7,
      secType: 'OPT',
      multiplier: '100',
      lastTradeDate: '20270115',
    };
    const told = world(openMs).toldCash('1000').cash('1248').bothPosition('0', '0', option);
    told
      .execution(17, 'a.01', '1', { contract: option, side: 'SELL', price: '2.5', atMs: openMs })
      .commission('a.01', '2');
    expect(message(told)).toBe('The executions that the book lacks explain it.');
  });

  it('counts the cost of the executions that are booked now, and of no other', () => {
    const told = world(openMs).bothPosition('10', '600', spy).toldCash('0').cash('-7');
    told
      .toldFill(16, 'o.01', '1', { contract: spy, atMs: openMs })
      .execution(16, 'o.01', '1', { contract: spy, atMs: openMs });
    told.toldCommission(16, 'o.01', '900').commission('o.01', '900').commission('p.01', null);
    expect(message(told)).toContain('No execution explains -7');
  });

  it('waits while executions of its currency may still arrive', () => {
    const told = world(openMs).bothPosition('0', '0', spy).toldCash('0').cash('5000');
    told.execution(17, 'a.01', '1', { contract: spy, atMs: told.marketMs - 1_000 });
    expect(message(told)).toBe('none');
  });
});

describe('units', () => {
  it('a multiplier that is none is that of the instrument, else 1', () => {
    const instrument = world().instrument(es).instruments.get(String(es.conId));
    for (const multiplier of ['', '0', '-5', 'x', '1', 'Infinity']) {
      expect(plain(multiplierOf({ ...es, multiplier }, instrument))).toBe('50');
      expect(plain(multiplierOf({ ...es, multiplier }, undefined))).toBe('1');
    }
    expect(plain(multiplierOf({ ...es, multiplier: '5' }, instrument))).toBe('5');
  });

  it('a cost that is none is no price; a price below zero is one', () => {
    for (const cost of ['', '0', '1.7976931348623157E308', 'NaN'])
      expect(averagePriceOf(cost, es, undefined)).toBeNull();
    expect(plain(averagePriceOf('-100', es, undefined)!)).toBe('-2');
    const negative = world(openMs).toldPosition('2', '-250000').position('2', '-250010');
    expect(found(negative.run())).toEqual([]);
    expect(found(world(openMs).toldPosition('2', '-250000').position('2', '-250100').run())).toEqual([
      `PRICE_MISMATCH ${ES}`,
    ]);
  });

  it('a tolerance is a tolerance of either sign', () => {
    const same = (a: string, b: string, tolerance: string) =>
      sameSize(amount(a), amount(b), 'FUT', tolerance);
    expect([same('2', '3', '1'), same('3', '2', '1'), same('2', '3', '0'), same('3', '2', '0')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('a contract is over the day after its last, where it trades', () => {
    const zone = (timeZone: string) => ({
      ...world().instrument(es).instruments.get(String(es.conId))!,
      timeZone,
    });
    // 3 a.m. UTC on the 5th is the evening of the 4th in Chicago
    const atMs = Date.UTC(2026, 0, 5, 3);
    const last = (lastTradeDate: string, timeZone: string) =>
      expiryOf({ ...es, lastTradeDate }, zone(timeZone), atMs);
    expect(last('20260104', 'America/Chicago')).toBe('last-day');
    expect(last('20260104', 'UTC')).toBe('over');
    expect(last('20260105', 'America/Chicago')).toBe('none');
    expect(last('202512', 'UTC')).toBe('over');
    expect(last('202601', 'UTC')).toBe('none');
    expect(last('', 'UTC')).toBe('none');
  });

  it('a recommendation turns on its threshold', () => {
    const at = (price: string, averageCost = '100', position = '10') => {
      const { input } = world().ruled({ riskThreshold: '0.1', profitThreshold: '0.2' });
      const fact = { kind: 'position' as const, account, contract: spy, position, averageCost };
      return recommendations({ ...input, prices: new Map([[String(spy.conId), price]]) }, [fact]).map(
        ({ recommendation }) => recommendation,
      );
    };
    expect([at('90'), at('90.01'), at('119.99'), at('120')]).toEqual([
      ['review_loss'],
      ['hold'],
      ['hold'],
      ['take_profit'],
    ]);
    // what is short loses as the price rises
    expect(at('110', '100', '-10')).toEqual(['review_loss']);
    const arithmetic = (price: string) => {
      const { input } = world().ruled({ riskThreshold: '0.1', profitThreshold: '0.2' });
      const fact = { kind: 'position' as const, account, contract: spy, position: '10', averageCost: '100' };
      return recommendations({ ...input, prices: new Map([[String(spy.conId), price]]) }, [
        fact,
      ])[0]!.arithmetic.at(-1);
    };
    expect([arithmetic('90'), arithmetic('120')]).toEqual(['-0.1 <= -0.1', '0.2 >= 0.2']);
    expect(at('90', '0')).toEqual(['no_price']);
    expect(at('90', '100', '0')).toEqual([]);
  });
});
