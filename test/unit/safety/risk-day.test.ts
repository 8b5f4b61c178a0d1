import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alwaysOpen, createCalendar } from '../../../lib/domain/market/sessions.ts';
import { riskDay, rollValue } from '../../../lib/domain/safety/risk-day.ts';

/** A week of COMEX: from 18:00 of the evening before to 17:00, New York. */
const week = (monday: string) => {
  const dayMs = 86_400_000;
  const date = (days: number) =>
    new Date(Date.parse(monday) + days * dayMs).toISOString().slice(0, 10).replaceAll('-', '');
  const days = [0, 1, 2, 3, 4].map((day) => `${date(day - 1)}:1800-${date(day)}:1700`);
  return createCalendar([...days, `${date(5)}:CLOSED`].join(';'), 'US/Eastern');
};
const shares = createCalendar(
  '20260102:0930-20260102:1600;20260103:CLOSED;20260104:CLOSED;20260105:0930-20260105:1600',
  'US/Eastern',
);
const at = (iso: string) => Date.parse(iso);

describe('the risk day', () => {
  it('of Sunday evening is Monday: when gold opens, not at midnight', () => {
    const gold = [week('2026-01-05')];
    expect(riskDay(at('2026-01-04T22:59:59.999Z'), gold)).toBe('2026-01-04');
    expect(riskDay(at('2026-01-04T23:00:00Z'), gold)).toBe('2026-01-05');
    expect(riskDay(at('2026-01-05T04:59:59Z'), gold)).toBe('2026-01-05');
    expect(riskDay(at('2026-01-05T05:00:00Z'), gold)).toBe('2026-01-05');
  });

  it('does not change at midnight UTC, in the middle of a session', () => {
    const gold = [week('2026-01-05')];
    expect(riskDay(at('2026-01-06T22:59:00Z'), gold)).toBe('2026-01-06');
    expect(riskDay(at('2026-01-06T23:59:00Z'), gold)).toBe('2026-01-07');
    expect(riskDay(at('2026-01-07T00:01:00Z'), gold)).toBe('2026-01-07');
    expect(riskDay(at('2026-01-07T21:59:00Z'), gold)).toBe('2026-01-07');
  });

  it.each([
    ['summer time begins', '2026-03-09', '2026-03-08T21:59:59Z', '2026-03-08T22:00:00Z', '2026-03-09'],
    ['summer time ends', '2026-11-02', '2026-11-01T22:59:59Z', '2026-11-01T23:00:00Z', '2026-11-02'],
  ])('begins at 18:00 in New York on the Sunday on which %s', (_what, monday, before, from, date) => {
    const gold = [week(monday)];
    expect(riskDay(at(before), gold)).not.toBe(date);
    expect(riskDay(at(from), gold)).toBe(date);
  });

  it('is the latest of what trades', () => {
    const gold = week('2026-01-05');
    expect(riskDay(at('2026-01-05T00:00:00Z'), [shares, gold])).toBe('2026-01-05');
    expect(riskDay(at('2026-01-05T00:00:00Z'), [gold, shares])).toBe('2026-01-05');
    expect(riskDay(at('2026-01-05T00:00:00Z'), [shares])).toBe('2026-01-02');
  });

  it('is the local date of New York where nobody knows the hours', () => {
    expect(riskDay(at('2026-01-06T04:59:00Z'), [])).toBe('2026-01-05');
    expect(riskDay(at('2026-01-06T05:00:00Z'), [])).toBe('2026-01-06');
    expect(riskDay(at('2026-07-06T04:00:00Z'), [])).toBe('2026-07-06');
    // Its hours do not reach so far, and its zone is not known: midnight UTC would begin a day in New York's evening.
    const unknown = [createCalendar('', 'Nowhere/Land'), week('2025-01-06')];
    expect(riskDay(at('2026-01-06T01:00:00Z'), unknown)).toBe('2026-01-05');
    expect(riskDay(at('2026-01-06T01:00:00Z'), [...unknown, alwaysOpen('Asia/Tokyo')])).toBe('2026-01-06');
  });
});

describe('the value of the day', () => {
  it('starts anew with a new date, and has its peak within one', () => {
    const first = rollValue(undefined, '2026-01-05', '100000');
    expect(first).toEqual({ date: '2026-01-05', atStart: '100000', peak: '100000' });
    const higher = rollValue(first, '2026-01-05', '101000.50');
    expect(higher).toEqual({ date: '2026-01-05', atStart: '100000', peak: '101000.5' });
    expect(rollValue(higher, '2026-01-05', '90000')).toBe(higher);
    expect(rollValue(higher, '2026-01-06', '90000')).toEqual({
      date: '2026-01-06',
      atStart: '90000',
      peak: '90000',
    });
  });

  it('gives no losses back when the date seems to go back', () => {
    const monday = { date: '2026-01-05', atStart: '100000', peak: '100000' };
    expect(rollValue(monday, '2026-01-02', '95000')).toBe(monday);
    expect(rollValue(monday, '2026-01-05', '95000')).toBe(monday);
  });

  it('of a date on which the broker has told nothing is not that of the date before', () => {
    const monday = { date: '2026-01-05', atStart: '100000', peak: '100000' };
    expect(rollValue(undefined, '2026-01-05', null)).toBeUndefined();
    expect(rollValue(monday, '2026-01-05', null)).toBe(monday);
    expect(rollValue(monday, '2026-01-06', null)).toBeUndefined();
    expect(rollValue(monday, '2026-01-06', 'NaN')).toBeUndefined();
  });

  it('has the first value of its date and the highest, whatever comes', () => {
    const told = fc.array(fc.record({ day: fc.integer({ min: 1, max: 3 }), cents: fc.integer() }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(told, (values) => {
        const inOrder = [...values].sort((a, b) => a.day - b.day);
        let value: ReturnType<typeof rollValue>;
        for (const { day, cents } of inOrder) value = rollValue(value, `2026-01-0${day}`, String(cents));
        const ofLast = inOrder.filter(({ day }) => day === inOrder.at(-1)!.day).map(({ cents }) => cents);
        expect(Number(value!.atStart)).toBe(ofLast[0]! + 0);
        expect(Number(value!.peak)).toBe(Math.max(...ofLast) + 0);
      }),
      { numRuns: 200 },
    );
  });
});
