import { describe, expect, it } from 'vitest';
import { compareBars, type ReferenceBar } from '../../../lib/domain/market/parity.ts';
import { daysToExpiry, frontMonth } from '../../../lib/domain/market/roll.ts';

describe('front month', () => {
  const contract = (conId: number, expiry?: string) => ({
    conId,
    timeZone: 'America/Chicago',
    ...(expiry === undefined ? {} : { expiry }),
  });
  const at = Date.parse('2026-03-10T12:00Z');

  it('is the nearest that is far enough away, whatever the order', () => {
    const months = [contract(3, '20260918'), contract(1, '20260320'), contract(2, '20260619')];
    expect(frontMonth(months, at, 8)?.conId).toBe(2 - 1);
    expect(frontMonth(months, at, 10)?.conId).toBe(1);
    expect(frontMonth(months, at, 11)?.conId).toBe(2);
  });

  it('is the longest living one when none is far enough away, and none when all are over', () => {
    expect(frontMonth([contract(1, '20260312'), contract(2, '20260313')], at, 8)?.conId).toBe(2);
    expect(frontMonth([contract(1, '20260309')], at, 0)).toBeUndefined();
    expect(frontMonth([], at, 0)).toBeUndefined();
  });

  it('leaves out contracts without an expiry date', () => {
    expect(frontMonth([contract(1), contract(2, '202606'), contract(3, '20260619')], at, 0)?.conId).toBe(3);
    expect(daysToExpiry(contract(1), at)).toBeNaN();
  });

  it('counts the last trade date itself as a day of trading', () => {
    expect(daysToExpiry(contract(1, '20260310'), at)).toBe(0);
    expect(frontMonth([contract(1, '20260310'), contract(2, '20260410')], at, 0)?.conId).toBe(1);
    // 23:30 in Chicago is the next day in UTC
    expect(daysToExpiry(contract(1, '20260310'), Date.parse('2026-03-11T04:30Z'))).toBe(0);
    expect(daysToExpiry(contract(1, '20260310'), Date.parse('2026-03-11T05:00Z'))).toBe(-1);
  });
});

describe('parity', () => {
  const bar = (startMs: number, close: string, volume = '1'): ReferenceBar => ({
    startMs,
    open: '10',
    high: '12',
    low: '8',
    close,
    volume,
  });
  const ours = (
    startMs: number,
    close: string,
    source: 'live' | 'flat' | 'backfill' = 'live',
    volume = '1',
  ) => ({
    ...bar(startMs, close, volume),
    source,
    sessionDate: '2026-01-05',
  });
  const date = () => '2026-01-05';

  it('compares numbers, not texts', () => {
    const report = compareBars([ours(0, '10')], [bar(0, '10.00', '1.0')], date);
    expect(report).toMatchObject({ bars: 1, exact: 1, differences: [] });
  });

  it('counts a flat bar apart where the reference has none, and compares it where it has one', () => {
    const report = compareBars(
      [ours(0, '10', 'flat', '0'), ours(1, '10', 'flat', '0')],
      [bar(1, '11')],
      date,
    );
    expect(report).toMatchObject({ bars: 1, exact: 0, extra: 0, flat: 1, missing: 0 });
    expect(report.differences).toHaveLength(1);
  });

  it('the tolerance is inclusive, and of a field: one beyond it is a difference of that field alone', () => {
    const tolerance = { price: '0.1', volume: '0.5' };
    const report = compareBars(
      [ours(0, '10.1', 'live', '3'), ours(1, '10.11', 'live', '2'), ours(2, '10', 'live', '4')],
      [bar(0, '10', '2'), bar(1, '10', '2'), bar(2, '10', '2')],
      date,
      tolerance,
    );
    expect(report).toMatchObject({ bars: 3, exact: 0, tolerated: 1 });
    expect(report.differences.map(({ startMs, fields }) => [startMs, fields])).toEqual([
      [1, ['close']],
      [2, ['volume']],
    ]);
  });

  it('of nothing is nothing', () => {
    expect(compareBars([], [], date)).toEqual({
      bars: 0,
      exact: 0,
      tolerated: 0,
      missing: 0,
      extra: 0,
      flat: 0,
      differences: [],
      days: [],
    });
  });
});
