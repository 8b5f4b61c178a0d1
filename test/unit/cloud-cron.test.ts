import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronError, compileCron } from '../../sandbox/cloud/cron.ts';
import { compileSchedule } from '../../sandbox/cloud/schedule-expression.ts';

/** The next `count` times after `from`, in UTC and without their seconds, which are always 0. */
function times(fields: string, from: string, count = 3, zone = 'UTC'): string[] {
  const cron = compileCron(fields, zone);
  const found: string[] = [];
  let afterMs = Date.parse(from);
  while (found.length < count) {
    const next = cron.next(afterMs);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().replace(':00.000Z', 'Z'));
    afterMs = next;
  }
  return found;
}

describe('cron expressions as AWS writes them', () => {
  it.each([
    ['every day', '15 3 * * ? *', ['2026-11-21T03:15Z', '2026-11-22T03:15Z', '2026-11-23T03:15Z']],
    [
      'a day of the week by name',
      '15 4 ? * SUN *',
      ['2026-11-22T04:15Z', '2026-11-29T04:15Z', '2026-12-06T04:15Z'],
    ],
    ['1 is Sunday', '0 0 ? * 1 *', ['2026-11-22T00:00Z', '2026-11-29T00:00Z', '2026-12-06T00:00Z']],
    ['working days', '0 18 ? * 2-6 *', ['2026-11-23T18:00Z', '2026-11-24T18:00Z', '2026-11-25T18:00Z']],
    [
      'steps from a minute on',
      '25/20 7 * * ? *',
      ['2026-11-21T07:25Z', '2026-11-21T07:45Z', '2026-11-22T07:25Z'],
    ],
    [
      'steps in a range',
      '0 8-17/4 ? * MON-FRI *',
      ['2026-11-23T08:00Z', '2026-11-23T12:00Z', '2026-11-23T16:00Z'],
    ],
    ['lists', '0 0 1,15 JAN,MAR ? *', ['2027-01-01T00:00Z', '2027-01-15T00:00Z', '2027-03-01T00:00Z']],
    [
      'the last day of the month',
      '0 10 L * ? *',
      ['2026-11-30T10:00Z', '2026-12-31T10:00Z', '2027-01-31T10:00Z'],
    ],
    [
      'the last Friday of the month',
      '0 10 ? * 6L *',
      ['2026-11-27T10:00Z', '2026-12-25T10:00Z', '2027-01-29T10:00Z'],
    ],
    [
      'the second Tuesday of the month',
      '0 10 ? * 3#2 *',
      ['2026-12-08T10:00Z', '2027-01-12T10:00Z', '2027-02-09T10:00Z'],
    ],
    [
      'the last day of the week',
      '0 10 ? * L *',
      ['2026-11-21T10:00Z', '2026-11-28T10:00Z', '2026-12-05T10:00Z'],
    ],
    // 2026-08-01 is a Saturday, 2027-02-28 a Sunday.
    [
      'the weekday nearest to the 1st',
      '0 10 1W 8 ? *',
      ['2027-08-02T10:00Z', '2028-08-01T10:00Z', '2029-08-01T10:00Z'],
    ],
    ['the weekday nearest to the 28th', '0 10 28W 2 ? 2027', ['2027-02-26T10:00Z']],
    ['leap days', '0 0 29 2 ? *', ['2028-02-29T00:00Z', '2032-02-29T00:00Z', '2036-02-29T00:00Z']],
    ['years', '0 0 1 1 ? 2028-2030/2', ['2028-01-01T00:00Z', '2030-01-01T00:00Z']],
    ['never again', '0 0 1 1 ? 2020', []],
    ['never', '0 0 30 2 ? *', []],
  ])('%s: %s', (_what, fields, expected) => {
    expect(times(fields, '2026-11-21T00:00:00Z')).toEqual(expected);
  });

  it.each([
    ['15 3 * * ?', 'six fields'],
    ['15 3 * * * *', 'one of day of month and day of week is ?'],
    ['15 3 ? * ? *', 'one of day of month and day of week is ?'],
    ['60 3 * * ? *', '60 is not within 0 to 59'],
    ['15 24 * * ? *', '24 is not within 0 to 23'],
    ['15 3 0 * ? *', '0 is not within 1 to 31'],
    ['15 3 * 13 ? *', '13 is not within 1 to 12'],
    ['15 3 ? * 0 *', '0 is not within 1 to 7'],
    ['15 3 ? * 8 *', '8 is not within 1 to 7'],
    ['15 3 ? * FUNDAY *', 'FUNDAY is not within 1 to 7'],
    ['15 3 ? * 3#1,6#3 *', 'is nothing that day of week can be'],
    ['15 3 ? * FRI-MON *', 'ends before it begins'],
    ['*/0 3 * * ? *', 'is 0'],
    ['15 3 * * ? 1969', '1969 is not within 1970 to 2199'],
    ['a 3 * * ? *', 'a is not within'],
    ['15 3 LW * ? *', 'LW is not within'],
  ])('refuses %s', (fields, message) => {
    expect(() => compileCron(fields, 'UTC')).toThrowError(CronError);
    expect(() => compileCron(fields, 'UTC')).toThrowError(message);
  });

  it('a time that the clocks skip is left out; one that they show twice counts once', () => {
    const zone = 'America/New_York';
    expect(times('30 2 * * ? *', '2026-03-07T00:00:00Z', 3, zone)).toEqual([
      '2026-03-07T07:30Z',
      '2026-03-09T06:30Z',
      '2026-03-10T06:30Z',
    ]);
    expect(times('30 1 * * ? *', '2026-11-01T00:00:00Z', 3, zone)).toEqual([
      '2026-11-01T05:30Z',
      '2026-11-02T06:30Z',
      '2026-11-03T06:30Z',
    ]);
    // Asked in the hour that comes twice, for the second time.
    expect(times('0/15 * * * ? *', '2026-11-01T06:10:00Z', 1, zone)).toEqual(['2026-11-01T07:00Z']);
  });

  it('property: the next time is the first minute after that every field names', () => {
    const subset = (least: number, most: number): fc.Arbitrary<number[]> =>
      fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 });
    const from = fc.integer({ min: Date.parse('1999-01-01'), max: Date.parse('2050-01-01') });
    const fields = fc.record({
      minutes: subset(0, 59),
      hours: subset(0, 23),
      weekdays: subset(1, 7),
      days: subset(1, 31),
      byWeek: fc.boolean(),
    });
    fc.assert(
      fc.property(from, fields, (afterMs, { minutes, hours, weekdays, days, byWeek }) => {
        const text = `${minutes.join()} ${hours.join()} ${byWeek ? `? * ${weekdays.join()}` : `${days.join()} * ?`} *`;
        const next = compileCron(text, 'UTC').next(afterMs) ?? 0;
        const isTime = (ms: number): boolean => {
          const at = new Date(ms);
          return (
            minutes.includes(at.getUTCMinutes()) &&
            hours.includes(at.getUTCHours()) &&
            (byWeek ? weekdays.includes(at.getUTCDay() + 1) : days.includes(at.getUTCDate()))
          );
        };
        expect(next).toBeGreaterThan(afterMs);
        expect(next % 60_000).toBe(0);
        expect(isTime(next)).toBe(true);
        const first = (Math.floor(afterMs / 60_000) + 1) * 60_000;
        for (let ms = first; ms < next; ms += 60_000) if (isTime(ms)) expect.fail(new Date(ms).toISOString());
      }),
      { numRuns: 60 },
    );
  });
});

describe('schedule expressions', () => {
  const next = (props: Record<string, unknown>, after: string): string | undefined => {
    const ms = compileSchedule(props, 'Daily')(Date.parse(after));
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  const rate = { ScheduleExpression: 'rate(6 hours)' };

  it('a rate counts from its start date, else from the year 1970', () => {
    expect(next(rate, '2026-11-21T01:00:00Z')).toBe('2026-11-21T06:00:00.000Z');
    expect(next(rate, '2026-11-21T06:00:00Z')).toBe('2026-11-21T12:00:00.000Z');
    const started = { ...rate, StartDate: '2026-11-22T01:30:00Z', EndDate: '2026-11-22T14:00:00Z' };
    expect(next(started, '2026-11-21T01:00:00Z')).toBe('2026-11-22T01:30:00.000Z');
    expect(next(started, '2026-11-22T01:30:00Z')).toBe('2026-11-22T07:30:00.000Z');
    expect(next(started, '2026-11-22T13:30:00Z')).toBeUndefined();
  });

  it('a cron expression within its start and end', () => {
    const daily = {
      ScheduleExpression: 'cron(0 9 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      StartDate: '2026-11-25T08:00:00Z',
      EndDate: '2026-11-26T08:00:00Z',
    };
    expect(next(daily, '2026-11-21T00:00:00Z')).toBe('2026-11-25T08:00:00.000Z');
    expect(next(daily, '2026-11-25T08:00:00Z')).toBe('2026-11-26T08:00:00.000Z');
    expect(next(daily, '2026-11-26T08:00:00Z')).toBeUndefined();
  });

  it('one time, in its zone', () => {
    const once = {
      ScheduleExpression: 'at(2026-11-21T09:00:00)',
      ScheduleExpressionTimezone: 'America/New_York',
    };
    expect(next(once, '2026-11-21T00:00:00Z')).toBe('2026-11-21T14:00:00.000Z');
    expect(next(once, '2026-11-21T14:00:00Z')).toBeUndefined();
  });

  it.each([
    ['rate(0 hours)', {}, 'no time between'],
    ['rate(5 weeks)', {}, 'is none of rate'],
    ['cron(0 9 * * * *)', {}, 'one of day of month'],
    ['at(2026-13-01T00:00:00)', {}, 'there is no time'],
    ['every day', {}, 'is none of rate'],
    ['rate(1 day)', { ScheduleExpressionTimezone: 'Mars/Olympus' }, 'no time zone Mars/Olympus'],
    ['rate(1 day)', { StartDate: 'soon' }, 'soon is no date'],
  ])('refuses %s with %j', (ScheduleExpression, more, message) => {
    expect(() => compileSchedule({ ScheduleExpression, ...more }, 'Daily')).toThrowError(message);
  });
});
