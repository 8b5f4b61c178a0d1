/** C3 of the scenario suite: positions and cash at the start. The rules are in docs/reconcile.md. */
import { describe, expect, it } from 'vitest';
import type { FillBody } from '../../lib/domain/book/fills.ts';
import type { TradedContract } from '../../lib/domain/orders/contract.ts';
import type { Verdict } from '../../lib/domain/reconcile/types.ts';
import { found, minute, planned, World } from '../helpers/reconcile-world.ts';
import { es, esJune, openMs, spy } from '../unit/orders/order-harness.ts';

const mes: TradedContract = { ...es, conId: 495512572, symbol: 'MES', localSymbol: 'MESH6', multiplier: '5' };
const nq: TradedContract = { ...es, conId: 496518570, symbol: 'NQ', localSymbol: 'NQH6', multiplier: '20' };
const mnq: TradedContract = { ...es, conId: 496518575, symbol: 'MNQ', localSymbol: 'MNQH6', multiplier: '2' };
const midnightMs = Date.UTC(2026, 0, 5, 5);
const ES = `position ${es.conId}`;

/** Stops are another matter (S022). */
function world(): World {
  return new World().ruled({ noStopNeeded: ['FUT', 'STK', 'OPT'] });
}

/** The streamer has started anew: what the book has was told before, so that nothing of it can be on its way. */
function restarted(told: World): World {
  told.epoch = 2;
  return told;
}

/** `BUY 3 5000` of each synthetic fill that the plan books, in the order in which they happened. */
function made({ plan }: Verdict): string[] {
  return plan.actions
    .flatMap(({ writes }) => writes)
    .filter(({ ref }) => ref.kind === 'fill')
    .map(({ body }) => (body as never as FillBody).report!)
    .filter(({ synthetic }) => synthetic)
    .sort((a, b) => a.timeMs - b.timeMs)
    .map(({ side, quantity, price }) => `${side} ${quantity} ${price}`);
}

function position({ picture }: World, { conId }: TradedContract = es): string | undefined {
  return picture.positions.get(String(conId))?.body.position;
}

/** After the plan has been carried out the same snapshot has nothing to say any more. */
function curedBy(told: World, verdict: Verdict): World {
  const again = told.apply(verdict).run();
  expect({ found: found(again), planned: planned(again) }).toEqual({ found: [], planned: [] });
  return told;
}

describe('S051 to S057 sizes', () => {
  it('S051 match: nothing', () => {
    const verdict = restarted(world().bothPosition('2').bothPosition('-1', '260000', esJune)).run();
    expect(found(verdict)).toEqual([]);
    expect(planned(verdict)).toEqual([]);
    expect(verdict.pending).toEqual([]);
  });

  it('S052 qty mismatch long: the book takes the broker size, at the price that keeps its average', () => {
    const told = restarted(world().toldPosition('2', '250000').position('3', '251000'));
    const verdict = told.run();
    expect(found(verdict)).toEqual([`POSITION_MISMATCH ${ES}`]);
    expect(verdict.discrepancies[0]).toMatchObject({
      severity: 'CRITICAL',
      broker: '3 at 5020',
      book: '2 at 5000',
    });
    // (3 x 5020 - 2 x 5000) / 1
    expect(made(verdict)).toEqual(['BUY 1 5060']);
    expect(position(curedBy(told, verdict))).toBe('3');
  });

  it('S053 qty mismatch short', () => {
    const told = restarted(world().toldPosition('-2', '250000').position('-4', '249000'));
    const verdict = told.run();
    expect(found(verdict)).toEqual([`POSITION_MISMATCH ${ES}`]);
    // (-4 x 4980 + 2 x 5000) / -2
    expect(made(verdict)).toEqual(['SELL 2 4960']);
    expect(position(curedBy(told, verdict))).toBe('-4');
  });

  it('S054 IB smaller: what was closed is closed at the average of the broker', () => {
    const told = restarted(world().toldPosition('5').position('2'));
    const verdict = told.run();
    expect(found(verdict)).toEqual([`POSITION_MISMATCH ${ES}`]);
    expect(made(verdict)).toEqual(['SELL 3 5000']);
    curedBy(told, verdict);
  });

  it('S055 IB larger, executions of the window explain it: the real ones alone are booked', () => {
    const told = restarted(world().toldPosition('2').position('5'));
    told.execution(17, 'a.01', '3', { atMs: openMs });
    const verdict = told.run();
    expect(found(verdict)).toContain(`POSITION_MISMATCH ${ES}`);
    expect(made(verdict)).toEqual([]);
    expect(planned(verdict)).toEqual(['to_insert order P17', `to_update ${ES}`]);
    curedBy(told, verdict);
  });

  it('S056 IB flat, we long/short: naked after it was absent in all runs, never deleted', () => {
    for (const size of ['2', '-2']) {
      const told = restarted(world().toldPosition(size));
      const first = told.run();
      expect(found(first)).toEqual([]);
      expect(first.pending).toEqual([{ subject: ES, why: 'the broker does not list it', runs: 1 }]);
      const verdict = told.runs(2);
      expect(found(verdict)).toEqual([`NAKED_POSITION ${ES}`]);
      expect(verdict.discrepancies[0]!.severity).toBe('CRITICAL');
      expect(planned(verdict)).toContain(`to_update ${ES}`);
      expect(made(verdict)).toEqual([size === '2' ? 'SELL 2 5000' : 'BUY 2 5000']);
      expect(position(curedBy(told, verdict))).toBe('0');
    }
  });

  it('S057 IB has position, we flat: adopted with an opening fill', () => {
    const told = restarted(world().toldPosition('0', '0').position('2').position('100', '600', spy));
    const verdict = told.run();
    expect(found(verdict)).toEqual([`MISSING_FROM_BOOK ${ES}`, `MISSING_FROM_BOOK position ${spy.conId}`]);
    expect(made(verdict).sort()).toEqual(['BUY 100 600', 'BUY 2 5000']);
    expect(position(curedBy(told, verdict), spy)).toBe('100');
  });
});

describe('S058 and S059 through zero', () => {
  it('S058 side flip long to short and short to long: close and open, two fills with stable ids', () => {
    for (const [book, broker, fills] of [
      ['2', '-3', ['SELL 2 5100', 'SELL 3 5100']],
      ['-2', '3', ['BUY 2 5100', 'BUY 3 5100']],
    ] as const) {
      const told = restarted(world().toldPosition(book).position(broker, '255000'));
      const verdict = told.run();
      expect(found(verdict)).toEqual([`POSITION_MISMATCH ${ES}`]);
      expect(made(verdict)).toEqual(fills);
      const ids = (one: Verdict) => one.plan.actions.flatMap(({ writes }) => writes.map(({ ref }) => ref.id));
      expect(ids(told.run())).toEqual(ids(verdict));
      curedBy(told, verdict);
    }
  });

  it('S059 cross-zero with missing avg px: close only', () => {
    const told = restarted(world().toldPosition('2').position('-3', '0'));
    const verdict = told.run();
    expect(made(verdict)).toEqual(['SELL 2 5000']);
    // the size is a fact all the same
    expect(position(curedBy(told, verdict))).toBe('-3');
  });
});

describe('S060 to S063 tolerances and averages', () => {
  it('S060 tolerance: contracts are exact, float bleed is none, fractions may differ in their last digit', () => {
    const fraction = (size: string) =>
      restarted(world().toldPosition('0.3', '600', spy).position(size, '600', spy)).run();
    expect(found(fraction('0.30000000000000004'))).toEqual([]);
    expect(found(fraction('0.30000001'))).toEqual([]);
    expect(found(fraction('0.3001'))).toEqual([`POSITION_MISMATCH position ${spy.conId}`]);
    const future = (size: string) => restarted(world().toldPosition('2').position(size)).run();
    expect(found(future('2.0000000000000004'))).toEqual([]);
    // what two of the seeds let pass
    for (const size of ['2.01', '2.001', '2.00000001']) {
      expect(found(future(size))).toEqual([`POSITION_MISMATCH ${ES}`]);
    }
  });

  it('S061 zero difference after rounding: nothing', () => {
    const told = restarted(world().toldPosition('2').position('2.000', '250000.00'));
    told.toldPosition('0', '0', spy).position('0.000000000001', '600', spy);
    expect(found(told.run())).toEqual([]);
    expect(planned(told.run())).toEqual([]);
  });

  it('S062 avg px differs within 0.01 %: ok; outside: PRICE_MISMATCH, INFO', () => {
    const at = (cost: string) => restarted(world().toldPosition('2', '250000').position('2', cost));
    expect(found(at('250025').run())).toEqual([]);
    const told = at('250026');
    const verdict = told.run();
    expect(verdict.discrepancies).toMatchObject([{ type: 'PRICE_MISMATCH', severity: 'INFO', subject: ES }]);
    expect(planned(verdict)).toEqual([`to_update ${ES}`]);
    curedBy(told, verdict);
  });

  it('S063 avgCost = price x multiplier: ES 50, MES 5, NQ 20, MNQ 2, SPY 1', () => {
    const cases = [
      [es, '225112.5', '4502.25'],
      [mes, '22511.25', '4502.25'],
      [nq, '360010', '18000.5'],
      [mnq, '36001', '18000.5'],
      [spy, '450.1', '450.1'],
    ] as const;
    for (const [contract, cost, price] of cases) {
      const told = restarted(world().position('4', cost, contract));
      curedBy(told, told.run());
      expect(told.items.get(`position ${contract.conId}`)!.body).toMatchObject({
        averagePrice: price,
        averageCost: cost,
      });
    }
    // the list leaves the multiplier out, the instrument has it
    const bare = restarted(
      world()
        .instrument(es)
        .position('4', '225112.5', { ...es, multiplier: '1' }),
    );
    expect(made(bare.run())).toEqual(['BUY 4 4502.25']);
  });
});

describe('S064 to S068 what a position is', () => {
  it('S064 two expiries of ES held: separate keys', () => {
    const told = restarted(
      world().bothPosition('2').toldPosition('1', '251000', esJune).position('3', '251000', esJune),
    );
    const verdict = told.run();
    expect(found(verdict)).toEqual([`POSITION_MISMATCH position ${esJune.conId}`]);
    expect(verdict.discrepancies[0]!.symbol).toBe('ESM6');
    expect(position(curedBy(told, verdict))).toBe('2');
  });

  it('S065 same conId in two accounts: only the own one is looked at', () => {
    const told = restarted(world().bothPosition('2'));
    told.rows.positions.push({ ...told.rows.positions[0]!, account: 'DU2', position: '7' });
    expect(found(told.run())).toEqual([]);
    told.rows.positions.shift();
    // the other account's row is no row of ours
    expect(told.run().pending.map(({ subject }) => subject)).toEqual([ES]);
  });

  it('S066 position from another strategy/manual: EXTERNAL, and its stops are not our risk', () => {
    const bought = (clientId: number) => {
      const told = restarted(new World().position('2', '600', spy).ruled({ initialStateSymbols: [] }));
      told.execution(17, 'a.01', '2', { contract: spy, clientId, price: '600', atMs: openMs });
      return told.run();
    };
    const severity = ({ discrepancies }: Verdict) =>
      discrepancies.find(({ type }) => type === 'UNPROTECTED_POSITION')?.severity;
    const action = ({ plan }: Verdict) =>
      plan.actions.find(({ id }) => id === `position:${spy.conId}`)!.summary;
    expect(action(bought(99))).toContain('EXTERNAL');
    expect(severity(bought(99))).toBe('HIGH');
    expect(action(bought(7))).not.toContain('EXTERNAL');
    expect(severity(bought(7))).toBe('CRITICAL');
  });

  it('S067 SPY stock and ES/MES futures are different instruments, each listed as initial state in its class', () => {
    const told = world()
      .firstRun()
      .position('2', '225000')
      .position('-1', '22500', mes)
      .position('10', '450', spy);
    const prices = new Map([
      [String(es.conId), '4490'],
      [String(mes.conId), '4000'],
      [String(spy.conId), '449'],
    ]);
    Object.defineProperty(told, 'input', { value: { ...told.input, prices } });
    const { recommendations } = told.run();
    expect(
      recommendations.map(({ symbol, instrumentClass, recommendation }) => [
        symbol,
        instrumentClass,
        recommendation,
      ]),
    ).toEqual([
      [es.localSymbol, 'future', 'hold'],
      ['MESH6', 'future', 'take_profit'],
      [spy.localSymbol, 'stock', 'hold'],
    ]);
    expect(recommendations[0]!.arithmetic).toEqual([
      '225000 / 50 = 4500',
      '(4490 - 4500) x 2 x 50 = -1000',
      '-1000 / 450000 = -0.002222',
      '-0.05 < -0.002222 < 0.05',
    ]);
    expect(recommendations[1]!.arithmetic[1]).toBe('(4000 - 4500) x -1 x 5 = 2500');
    expect(recommendations[2]!.arithmetic[1]).toBe('(449 - 450) x 10 x 1 = -10');
  });

  it('S068 closed position: the last local row is 0, which is not naked', () => {
    const verdict = restarted(world().toldPosition('2').toldPosition('0', '0')).runs(4);
    expect(found(verdict)).toEqual([]);
    expect(verdict.pending).toEqual([]);
  });
});

describe('S069 and S070 half answers and arrivals', () => {
  it('S069 broker query fails, times out or returns partial: no verdict', () => {
    for (const outcome of ['failed', 'partial'] as const) {
      const told = restarted(
        world().toldPosition('2').toldPosition('5', '600', spy).position('9', '600', spy),
      );
      const verdict = told.outcome('positions', outcome).runs(5);
      expect(found(verdict)).toEqual([]);
      expect(planned(verdict)).toEqual([]);
      expect(verdict.unjudged.join()).toContain(`positions is ${outcome}`);
    }
  });

  it('S070 positions arrive before executions, or after: the quiet period prevents a double correction', () => {
    const now = openMs + 60 * minute;
    // the execution is in its list, the position is not
    const late = world()
      .bothPosition('2')
      .execution(17, 'a.01', '3', { atMs: now - 1_000 });
    expect(found(late.run())).toEqual([]);
    // the position is in its list, and the order has just been filled
    const early = world()
      .toldPosition('2')
      .position('5')
      .told(17, { changedAtMs: now - 1_000 })
      .open(17, { filled: '3' });
    const verdict = early.run();
    expect(found(verdict)).toEqual([]);
    expect(planned(verdict)).toEqual([]);
    expect(verdict.pending.map(({ subject }) => subject)).toContain(ES);
    // when both are there, each is booked once
    early
      .askedAgain()
      .position('5')
      .completed(17, 'Filled Size: 3', { quantity: '3', atMs: now - 1_000 });
    early.execution(17, 'a.01', '3', { atMs: now - 1_000 });
    early.toldPosition('5');
    const next = early.run();
    expect(made(next)).toEqual([]);
    expect(early.apply(next).order('P17')).toMatchObject({ filled: '3', missing: '0' });
    expect(found(early.run())).toEqual([]);
  });
});

describe('S071 the end of a contract', () => {
  it('S071 expired future/exercised option removes the position: EXPIRY, no fill, nothing locks', () => {
    const option: TradedContract = {
      ...spy,
      conId: 700001,
      secType: 'OPT',
      localSymbol: 'SPY 260102C00600000',
      multiplier: '100',
      lastTradeDate: '20260102',
      strike: '600',
      right: 'C',
    };
    const december: TradedContract = { ...es, conId: 600001, localSymbol: 'ESZ5', lastTradeDate: '20251219' };
    const told = restarted(world().toldPosition('2', '250000', december).toldPosition('1', '500', option));
    // the exercise leaves shares at the strike
    told.position('100', '600', spy);
    const verdict = told.run();
    expect(found(verdict)).toEqual([
      `MISSING_FROM_BOOK position ${spy.conId}`,
      'NAKED_POSITION position 600001',
      'NAKED_POSITION position 700001',
    ]);
    for (const { severity, message } of verdict.discrepancies.slice(1)) {
      expect(severity).toBe('INFO');
      expect(message).toMatch(/^EXPIRY/);
    }
    expect(made(verdict)).toEqual(['BUY 100 600']);
    expect(position(curedBy(told, verdict), december)).toBe('0');
  });
});

describe('S072 cash', () => {
  it('S072 cash: tolerance, currencies, deposits, and the daily variation of futures', () => {
    const run = (told: World) => restarted(told).run();
    // within and outside of the tolerance of 1.0, each currency by itself
    expect(found(run(world().toldCash('100').cash('101')))).toEqual([]);
    const told = world()
      .toldCash('100')
      .toldCash('50', 'EUR')
      .cash('101.01')
      .cash('50', 'EUR')
      .cash('9', 'BASE');
    const verdict = run(told);
    expect(verdict.discrepancies).toMatchObject([
      { type: 'CASH_MISMATCH', severity: 'MEDIUM', subject: 'cash USD' },
    ]);
    expect(planned(verdict)).toEqual(['to_update cash USD']);
    curedBy(told, verdict);
    // a deposit and a withdrawal are told apart from what trades explain
    const message = (one: World) =>
      run(one).discrepancies.find(({ subject }) => subject === 'cash USD')?.message;
    expect(message(world().toldCash('100').cash('5100'))).toContain('deposit');
    expect(message(world().toldCash('5100').cash('100'))).toContain('withdrawal');
    const bought = world()
      .toldCash('7000')
      .cash('999')
      .toldPosition('0', '0', spy)
      .position('10', '600.1', spy);
    bought.execution(17, 'a.01', '10', { contract: spy, price: '600', atMs: openMs }).commission('a.01', '1');
    expect(message(bought)).toContain('executions that the book lacks explain it');
    // the sweep of futures is no mismatch, what no future can move is
    const swept = (cash: string) => run(world().bothPosition('2').toldCash('100000').cash(cash));
    expect(found(swept('97500'))).toEqual([]);
    expect(planned(swept('97500'))).toEqual([]);
    expect(found(swept('999000'))).toEqual(['CASH_MISMATCH cash USD']);
    // a currency that is gone has to stay so
    const gone = restarted(world().toldCash('50', 'EUR').bothCash('100'));
    expect(found(gone.run())).toEqual([]);
    expect(found(gone.runs(2))).toEqual(['CASH_MISMATCH cash EUR']);
    // no cash at all is no answer
    expect(found(restarted(world().toldCash('100')).runs(5))).toEqual([]);
  });
});

describe('S073 and S074 the first start, and the next', () => {
  it('S073 empty account, first ever run, no local state: cold bootstrap adopts everything as initial state', () => {
    const empty = world().firstRun().run();
    expect(found(empty)).toEqual([]);
    expect(planned(empty)).toEqual([]);
    const told = world()
      .firstRun()
      .position('2')
      .position('-5', '600', spy)
      .cash('1000')
      .cash('20', 'EUR')
      .open(17);
    const verdict = told.run();
    expect(planned(verdict).filter((action) => !action.includes('order S'))).toEqual(
      [
        'to_insert cash EUR',
        'to_insert cash USD',
        'to_insert order P17',
        `to_insert ${ES}`,
        `to_insert position ${spy.conId}`,
      ].sort(),
    );
    expect(made(verdict).sort()).toEqual(['BUY 2 5000', 'SELL 5 600']);
    const summaries = verdict.plan.actions
      .filter(({ id }) => id.startsWith('position:'))
      .map(({ summary }) => summary);
    for (const summary of summaries) expect(summary).toContain('initial state');
    curedBy(told, verdict);
  });

  it('S074 warm restart with open position: no offsetting synthetic fill', () => {
    const told = world()
      .told(17, { status: 'Filled', filled: '2', quantity: '2' })
      .toldFill(17, 'a.01', '2', { atMs: midnightMs - minute })
      .bothPosition('2');
    const verdict = restarted(told).run();
    expect(found(verdict)).toEqual([]);
    expect(planned(verdict)).toEqual([]);
    // nor after a restart in which the position was closed, and its execution is there
    told.askedAgain().execution(18, 'b.01', '2', { side: 'SELL', atMs: openMs });
    const closed = told.run();
    expect(made(closed)).toEqual([]);
    expect(found(closed)).toContain(`NAKED_POSITION ${ES}`);
    curedBy(told, closed);
  });
});

describe('S075 partial windows', () => {
  /** Executions of today, bought is positive, a minute apart; on the first run nothing is known of before. */
  const started = (size: string, cost: string, ...fills: readonly (readonly [number, string])[]): World => {
    const told = world().firstRun();
    fills.forEach(([quantity, price], index) => {
      const side = quantity < 0 ? 'SELL' : 'BUY';
      const atMs = midnightMs + (index + 1) * minute;
      told.execution(20 + index, `x${index}.01`, String(Math.abs(quantity)), { side, price, atMs });
    });
    return size === '0' ? told : told.position(size, cost);
  };

  it('S075 partial-window: complete / incomplete single / multiple lifecycles match / mismatch / flat / no fills', () => {
    // complete: the executions are the whole story
    expect(made(started('3', '250000', [1, '4990'], [2, '5005']).run())).toEqual([]);
    // incomplete single: what was opened before the window, at the price that keeps the average: (3 x 5000 - 5010) / 2
    expect(made(started('3', '250000', [1, '5010']).run())).toEqual(['BUY 2 4995']);
    // the same with a part closed since, which leaves an average as it is: (4 x 5000 - 5010) / 3
    expect(made(started('3', '250000', [1, '5010'], [-1, '5100']).run())).toEqual([
      'BUY 3 4996.666666666667',
    ]);
    // multiple lifecycles match: opened, closed, opened again
    expect(made(started('1', '250000', [2, '4900'], [-2, '4950'], [1, '5000']).run())).toEqual([]);
    // mismatch: two more than they say, from before
    expect(made(started('3', '250000', [2, '4900'], [-2, '4950'], [1, '5000']).run())).toHaveLength(1);
    // flat, with and without executions
    expect(made(started('0', '0', [2, '4900'], [-2, '4950']).run())).toEqual([]);
    expect(made(started('0', '0', [2, '4900']).run())).toEqual([]);
    // no fills at all: the position itself is what was opened
    expect(made(started('3', '250000').run())).toEqual(['BUY 3 5000']);
    // each of them is settled by its plan
    for (const told of [
      started('3', '250000', [1, '5010']),
      started('3', '250000', [2, '4900'], [-2, '4950'], [1, '5000']),
    ]) {
      curedBy(told, told.run());
    }
  });
});
