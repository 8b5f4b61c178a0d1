/** The soak sees what it is there to see: bars and fills that are lost, doubled or wrong, and what grows. */
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../lib/events/envelope.ts';
import type { ExecutionRecord } from '../../sandbox/gateway/broker/record.ts';
import type { TapeContract } from '../../sandbox/tapes/tape.ts';
import { readExample } from '../helpers/render-event-docs.ts';
import { accountForBars, accountForFills } from '../soak/accounts.ts';
import { slopeOf } from '../soak/flatness.ts';
import { Ledger } from '../soak/ledger.ts';
import { real, VirtualClock } from '../soak/virtual-clock.ts';
import { planWeek, type Week } from '../soak/week.ts';

const fromMs = Date.UTC(2026, 10, 2, 14, 30);
const minuteMs = 60_000;
const session = { fromMs, toMs: fromMs + 3 * minuteMs, hoursToMs: fromMs + 3 * minuteMs, date: '2026-11-02' };
const week = { markets: [{ localSymbol: 'AAPL', contract: {}, sessions: [session] }] } as unknown as Week;
const contracts = [{ localSymbol: 'AAPL', conId: 7 }] as TapeContract[];
const reference = new Map([
  ['AAPL', new Map([0, 2].map((minute) => [fromMs + minute * minuteMs, '10,11,9,10.5,42']))],
]);

const completed = readExample('candle.completed') as Envelope<'candle.completed'>;

/** A ledger of these bars, by minutes of the session: trades in the first and the third, silence in the second. */
function ledgerOf(...bars: readonly (object & { minute: number })[]): Ledger {
  const ledger = new Ledger();
  for (const [index, { minute, ...fields }] of bars.entries()) {
    const numbers = { open: '10', high: '11', low: '9', close: '10.5', volume: '42' };
    const quality = {
      source: 'live',
      partial: false,
      noTrades: false,
      sessionDate: '2026-11-02',
      revision: 0,
    };
    const startMs = fromMs + minute * minuteMs;
    const data = { ...completed.data, conId: 7, symbol: 'AAPL', startMs, ...numbers, ...quality, ...fields };
    const seq = index + 1;
    ledger.take('bus', { ...completed, epoch: 1, seq, id: `${completed.streamer}:1:${seq}`, data });
  }
  return ledger;
}

const flatPrices = { open: '10.5', high: '10.5', low: '10.5', close: '10.5', volume: '0' };
const flat = { minute: 1, ...flatPrices, source: 'flat', noTrades: true, tickCount: 0 };
const problemsOf = (ledger: Ledger) => [
  ...ledger.mistakes,
  ...accountForBars(week, contracts, reference, ledger).flatMap(({ problems }) => problems),
];

describe('accounts of the soak', () => {
  it('whole: two bars of trades and the silent minute between them', () => {
    const ledger = ledgerOf({ minute: 0 }, flat, { minute: 2 });
    expect(problemsOf(ledger)).toEqual([]);
    expect(accountForBars(week, contracts, reference, ledger)[0]).toMatchObject({ live: 2, flat: 1 });
    expect(ledger.missing()).toEqual([]);
  });

  it.each([
    ['lost', [{ minute: 0 }, flat], 'is missing'],
    ['of silence that was not told', [{ minute: 0 }, { minute: 2 }], 'is missing'],
    ['doubled', [{ minute: 0 }, flat, { minute: 2 }, { minute: 2 }], 'completed twice'],
    ['with other numbers', [{ minute: 0 }, flat, { minute: 2, volume: '43' }], 'instead of'],
    ['that stayed partial', [{ minute: 0 }, flat, { minute: 2, partial: true }], 'stayed partial'],
    [
      'from history without a gap',
      [{ minute: 0, source: 'backfill' }, flat, { minute: 2 }],
      'no gap says why',
    ],
    [
      'outside of the session',
      [{ minute: 0 }, flat, { minute: 2 }, { minute: 3 }],
      'outside of every session',
    ],
    ['of another day', [{ minute: 0, sessionDate: '2026-11-03' }, flat, { minute: 2 }], 'session date'],
    ['with a revision left out', [{ minute: 0 }, flat, { minute: 2, revision: 1 }], 'came as statement 0'],
  ])('a bar %s is seen', (_, bars, words) => {
    expect(problemsOf(ledgerOf(...bars)).join('; ')).toContain(words);
  });

  it('an event that never arrived is seen by its number, one that came twice by its id', () => {
    const ledger = ledgerOf({ minute: 0 }, flat, { minute: 2 });
    const again = { ...completed, epoch: 1, seq: 5, id: `${completed.streamer}:1:5` };
    ledger.take('bus', again);
    ledger.take('bus', again);
    expect(ledger.missing()).toEqual(['1:4']);
    expect(ledger.mistakes.join()).toContain('came twice on the bus');
  });

  it('a fill that is lost, doubled or wrong is seen, and one that never was', () => {
    const told = { execId: 'a.01', quantity: '1', price: '10', conId: 7, side: 'BUY' };
    const executed = { execId: 'a.01', quantity: '1', price: '10.0', conId: 7 } as ExecutionRecord;
    const problemsWith = (fills: object[], commissions = ['a.01']) =>
      accountForFills([executed], { fills, commissions } as unknown as Ledger).problems.join('; ');
    expect(problemsWith([told])).toBe('');
    expect(problemsWith([])).toContain('is not told');
    expect(problemsWith([told, told])).toContain('told 2 times');
    expect(problemsWith([{ ...told, quantity: '2' }])).toContain('and was');
    expect(problemsWith([told, { ...told, execId: 'b.01' }])).toContain('never was');
    expect(problemsWith([told], [])).toContain('commission');
  });
});

describe('what grows', () => {
  const points = (of: (hour: number) => number) =>
    Array.from({ length: 96 }, (_, hour) => ({ atDays: hour / 24, value: of(hour) }));

  it('a slope is found under noise and jumps, and a level that jumps about has none', () => {
    const noise = (hour: number) => (hour % 7 === 0 ? 40 : (hour * 37) % 5);
    expect(slopeOf(points((hour) => 80 + hour / 24 + noise(hour)))).toBeCloseTo(1, 0);
    expect(Math.abs(slopeOf(points((hour) => 80 + noise(hour)))!)).toBeLessThan(0.25);
    expect(slopeOf(points(() => 1).slice(0, 10))).toBeNull();
  });
});

describe('simulated time', () => {
  it('runs timers in the order of their times, each at its own, also those that timers begin', async () => {
    const clock = new VirtualClock(1_000);
    const seen: string[] = [];
    const at = (name: string) => () => seen.push(`${name} ${clock.nowMs}`);
    clock.start(at('late'), 30);
    clock.start(() => {
      at('early')();
      clock.start(at('inner'), 5);
    }, 10);
    const cleared = clock.start(at('never'), 20);
    cleared.close();
    const repeating = clock.start(at('tick'), 12, true);
    await clock.advance(1_040, real.turn);
    repeating.close();
    expect(seen).toEqual(['early 1010', 'tick 1012', 'inner 1015', 'tick 1024', 'late 1030', 'tick 1036']);
    expect(clock.nowMs).toBe(1_040);
    expect(clock.waiting).toBe(0);
  });

  it('a week knows the hour that comes twice, and the one that is left out', () => {
    const hours = (change: 'autumn' | 'spring') => {
      const plan = planWeek({ change, days: 0, symbols: ['ROUND'], seed: 1, nightOnly: true });
      return (plan.endMs - plan.startMs) / 3_600_000;
    };
    expect([hours('autumn'), hours('spring')]).toEqual([4.75, 2.75]);
    const plan = planWeek({ change: 'spring', days: 10, symbols: ['ES', 'AAPL'], seed: 1, nightOnly: false });
    const [futures, stock] = plan.markets;
    expect(futures!.sessions.map(({ fromMs: from, toMs }) => (toMs - from) / 3_600_000)).toEqual(
      Array.from({ length: 10 }, () => 23),
    );
    expect(stock!.sessions).toHaveLength(10);
    expect(plan.logins).toHaveLength(2);
  });
});
