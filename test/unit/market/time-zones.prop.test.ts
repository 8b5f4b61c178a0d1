import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import {
  epochMsOf,
  localDate,
  localDaySpan,
  resolveTimeZone,
} from '../../../lib/domain/market/time-zones.ts';
import { activeResetWindow, lastWeeklyLogin } from '../../../lib/domain/safety/reset-windows.ts';

/** Days without a midnight, half hours, a whole day left out (Apia, 2011), changes at any hour. */
const zones = [
  'America/New_York',
  'America/Chicago',
  'Europe/London',
  'Europe/Paris',
  'Asia/Kolkata',
  'Asia/Tokyo',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Beirut',
  'Africa/Cairo',
  'Pacific/Apia',
  'America/St_Johns',
  'Asia/Gaza',
  'UTC',
  'US/Eastern',
  'Etc/GMT+5',
];
const fromMs = Date.UTC(1975, 0, 1);
const toMs = Date.UTC(2037, 0, 1);
const hourMs = 3_600_000;

const zoned = (ms: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);

/** Any time, and often one near a change of the zone's clock. */
const moment = fc
  .record({
    zone: fc.constantFrom(...zones),
    ms: fc.integer({ min: fromMs, max: toMs }),
    offMs: fc.integer({ min: -36 * hourMs, max: 36 * hourMs }),
    isNear: fc.boolean(),
  })
  .map(({ zone, ms, offMs, isNear }) => {
    const change = isNear ? zoned(ms, zone).getTimeZoneTransition('next') : null;
    return { zone, ms: change === null ? ms : change.epochMilliseconds + offMs };
  });

describe('time zones by Intl', () => {
  it('have the local days of Temporal', () => {
    fc.assert(
      fc.property(moment, ({ zone, ms }) => {
        const start = zoned(ms, zone).startOfDay();
        expect(localDaySpan(ms, zone)).toEqual({
          fromMs: start.epochMilliseconds,
          toMs: start.add({ days: 1 }).startOfDay().epochMilliseconds,
          date: start.toPlainDate().toString(),
        });
        expect(localDate(ms, zone)).toBe(zoned(ms, zone).toPlainDate().toString());
      }),
      { numRuns: 500 },
    );
  });

  it('have the instants of Temporal, of times that a change repeats or leaves out as well', () => {
    fc.assert(
      fc.property(
        moment,
        fc.integer({ min: 0, max: 24 }),
        fc.integer({ min: 0, max: 59 }),
        ({ zone, ms }, h, m) => {
          const day = zoned(ms, zone).toPlainDate();
          const minute = h === 24 ? 0 : m;
          const plainTime = new Temporal.PlainTime(h % 24, minute);
          const expected = (h === 24 ? day.add({ days: 1 }) : day).toZonedDateTime({
            timeZone: zone,
            plainTime,
          });
          expect(epochMsOf(day.toString(), h, minute, zone)).toBe(expected.epochMilliseconds);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('have its reset windows and weekly logins', () => {
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
    fc.assert(
      fc.property(moment, fc.constantFrom(...days), time, time, ({ zone, ms }, day, from, to) => {
        const ends = [0, 1].flatMap((daysBack) => {
          const date = zoned(ms, zone).toPlainDate().subtract({ days: daysBack });
          if (days[date.dayOfWeek - 1] !== day) return [];
          const at = (on: Temporal.PlainDate, plainTime: string) =>
            on.toZonedDateTime({ timeZone: zone, plainTime }).epochMilliseconds;
          const endMs = at(to <= from ? date.add({ days: 1 }) : date, to);
          return ms >= at(date, from) && ms < endMs ? [endMs] : [];
        });
        const window = { name: 'x', timeZone: zone, days: [day], from, to };
        expect(activeResetWindow([window], ms)?.endMs).toBe(ends[0]);
        const login = lastWeeklyLogin({ timeZone: zone, day, time: from }, ms);
        expect(login).toBeLessThanOrEqual(ms);
        expect(ms - login).toBeLessThan(8 * 24 * hourMs);
      }),
      { numRuns: 300 },
    );
  });

  it('refuse what is no date, no time and no zone', () => {
    for (const date of ['2026-02-30', '2026-13-01', '2026-1-1', 'tomorrow', '']) {
      expect(epochMsOf(date, 0, 0, 'UTC')).toBeUndefined();
    }
    expect(epochMsOf('2026-01-01', 24, 1, 'UTC')).toBeUndefined();
    expect(epochMsOf('2026-01-01', 3, 60, 'UTC')).toBeUndefined();
    for (const zone of [
      ...zones,
      'Nonsense/Zone',
      'GMT',
      'utc',
      'america/new_york',
      'EST5EDT',
      '+05:00',
      '7',
      '–',
    ]) {
      let isKnown = true;
      try {
        zoned(0, zone);
      } catch {
        isKnown = false;
      }
      expect(resolveTimeZone(zone) !== undefined, zone).toBe(isKnown);
    }
  });
});
