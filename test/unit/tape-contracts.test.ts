import { describe, expect, it } from 'vitest';
import { deriveContracts } from '../../sandbox/tapes/contracts.ts';
import { deriveHours } from '../../sandbox/tapes/derived-hours.ts';
import { lastTradeDate, parseFuturesSymbol } from '../../sandbox/tapes/futures.ts';
import type { TapeRow } from '../../sandbox/tapes/tape.ts';

const trade = (timeMs: number, symbol: string, price: string): TapeRow => ({
  timeMs,
  symbol,
  price,
  size: '1',
  kind: 'trade',
  line: 2,
});
const at = (iso: string) => Date.parse(iso);

describe('local symbols of futures', () => {
  it.each([
    ['GCZ3', '2013-10-07', { root: 'GC', year: 2013, month: 12 }],
    ['ESH6', '2025-12-29', { root: 'ES', year: 2026, month: 3 }],
    ['ESH6', '2026-03-20', { root: 'ES', year: 2026, month: 3 }],
    ['ESH6', '2026-04-01', { root: 'ES', year: 2036, month: 3 }],
    ['ESF0', '2029-12-31', { root: 'ES', year: 2030, month: 1 }],
    ['MESU25', '2025-07-01', { root: 'MES', year: 2025, month: 9 }],
    ['M2KM6', '2026-01-05', { root: 'M2K', year: 2026, month: 6 }],
  ])('%s on a tape of %s', (symbol, day, expected) => {
    expect(parseFuturesSymbol(symbol, at(day))).toEqual(expected);
  });

  it.each(['AAPL', 'SPY', 'BRK B', 'Z3', 'GCZ', 'gcz3', 'GCA3', 'TOOLONGZ3'])('%s is no future', (symbol) => {
    expect(parseFuturesSymbol(symbol, at('2026-01-05'))).toBeUndefined();
  });

  it.each([
    // Last trade dates of the exchanges' calendars.
    ['ES', 2026, 3, '20260320'],
    ['NQ', 2025, 6, '20250620'],
    ['GC', 2013, 12, '20131227'],
    ['GC', 2026, 2, '20260225'],
    ['CL', 2026, 2, '20260120'],
    ['CL', 2026, 11, '20261020'],
  ])('%s of %i-%i ends on %s', (root, year, month, expected) => {
    expect(lastTradeDate({ root, year, month })).toBe(expected);
  });
});

describe('derived contracts', () => {
  it('a future of a known root, one of an unknown root, and a stock', () => {
    const ms = at('2026-01-05T15:00:00Z');
    const contracts = deriveContracts([
      trade(ms, 'MNQH6', '25000.25'),
      trade(ms, 'XYZH6', '5'),
      trade(ms, 'SPY', '690.1'),
    ]);
    expect(
      contracts.map(({ symbol, secType, multiplier, exchange, derived }) => [
        symbol,
        secType,
        multiplier,
        exchange,
        derived,
      ]),
    ).toEqual([
      ['MNQ', 'FUT', '2', 'CME', true],
      ['XYZ', 'FUT', '1', 'CME', true],
      ['SPY', 'STK', '', 'SMART', true],
    ]);
    expect(new Set(contracts.map(({ conId }) => conId)).size).toBe(3);
    for (const { longName } of contracts) expect(longName).toContain('(derived from the tape)');
  });

  it('a conId is the same whatever else is on the tape', () => {
    const ms = at('2026-01-05T15:00:00Z');
    const alone = deriveContracts([trade(ms, 'ESH6', '1')])[0]!.conId;
    const among = deriveContracts([trade(ms, 'SPY', '1'), trade(ms, 'ESH6', '1')])[1]!.conId;
    expect(among).toBe(alone);
  });

  it.each([
    ['0.25', ['100', '100.25', '100.5', '100.75', '101', '101.25', '101.5', '101.75']],
    ['0.1', ['1313.7', '1313.6', '1313', '1314', '1313.2', '1313.5', '1312.9', '1312.8']],
    ['5', ['100', '105', '110', '115', '120', '125', '130', '145']],
    ['0.01', ['10.01', '10.02', '10.05', '10.10', '9.99', '10', '10.03', '10.04']],
    // Too few prices to tell a step: the last decimal.
    ['0.1', ['1313.5', '1314.5']],
    ['1', ['100']],
    ['0.05', ['-0.05', '0', '0.05', '-0.1', '0.1', '0.15', '0.2', '0.25']],
  ])('step %s of %j', (expected, prices) => {
    const rows = prices.map((price, index) => trade(at('2026-01-05T15:00:00Z') + index, 'X', price));
    expect(deriveContracts(rows)[0]!.minTick).toBe(expected);
  });
});

describe('derived hours', () => {
  const minute = 60_000;
  const start = at('2026-01-05T14:30:12.345Z');

  it('starts floored, ends at the end of the last minute, in New York time', () => {
    expect(deriveHours([{ timeMs: start }, { timeMs: start + 10 * minute }])).toBe(
      '20260105:0930-20260105:0941',
    );
  });
  it('a row exactly on the minute lies inside its session', () => {
    expect(deriveHours([{ timeMs: at('2026-01-05T14:30:00Z') }])).toBe('20260105:0930-20260105:0931');
  });
  it('a pause of 45 minutes splits, one millisecond less does not', () => {
    const split = deriveHours([{ timeMs: start }, { timeMs: start + 45 * minute }]);
    expect(split).toBe('20260105:0930-20260105:0931;20260105:1015-20260105:1016');
    expect(deriveHours([{ timeMs: start }, { timeMs: start + 45 * minute - 1 }])).toBe(
      '20260105:0930-20260105:1016',
    );
  });
  it('takes rows out of order, and no rows', () => {
    expect(deriveHours([{ timeMs: start + minute }, { timeMs: start }])).toBe('20260105:0930-20260105:0932');
    expect(deriveHours([])).toBe('');
  });
  it('follows the change of clocks', () => {
    expect(
      deriveHours([{ timeMs: at('2026-03-08T06:59:00Z') }, { timeMs: at('2026-03-08T07:00:00Z') }]),
    ).toBe('20260308:0159-20260308:0301');
  });
});
