/** Sessions and candles in the weeks of a clock change, checked against the time zone data of Intl. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCalendar } from '../../../lib/domain/market/sessions.ts';
import { brief, Harness, minuteMs } from './builder-harness.ts';
import { aggregate, type Print } from './streams.ts';

const dayMs = 86_400_000;

interface Market {
  readonly name: string;
  readonly zone: string;
  /** Minutes after local midnight; an opening after the close is on the evening before. */
  readonly opens: number;
  readonly closes: number;
}

const markets: readonly Market[] = [
  { name: 'New York futures', zone: 'America/New_York', opens: 18 * 60, closes: 17 * 60 },
  { name: 'New York stocks', zone: 'US/Eastern', opens: 570, closes: 960 },
  { name: 'London', zone: 'Europe/London', opens: 480, closes: 990 },
  { name: 'London futures', zone: 'GB-Eire', opens: 20 * 60, closes: 18 * 60 },
  { name: 'Stockholm', zone: 'Europe/Stockholm', opens: 540, closes: 1050 },
];

/** Both changes of the United States and of Europe, and the weeks between them, 2024 to 2027. */
const weeks = [
  '2024-03-08',
  '2024-10-25',
  '2025-03-07',
  '2025-03-28',
  '2025-10-31',
  '2026-03-06',
  '2026-03-20',
]
  .concat(['2026-03-27', '2026-10-23', '2026-10-30', '2027-03-12', '2027-03-26'])
  .map((date) => Date.parse(date));

/** Local date and minute of the day, by Intl. */
function local(ms: number, zone: string): { date: string; minute: number } {
  const text = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
  const [date, time] = text.split(' ') as [string, string];
  const [hour, minute] = time.split(':').map(Number) as [number, number];
  return { date, minute: hour * 60 + minute };
}

const isTradingDay = (date: string) => ![0, 6].includes(new Date(`${date}T00:00Z`).getUTCDay());
const addDays = (date: string, days: number) =>
  new Date(Date.parse(`${date}T00:00Z`) + days * dayMs).toISOString().slice(0, 10);

/** The session date of an open moment, undefined when the market is closed. */
function sessionOf(ms: number, { zone, opens, closes }: Market): string | undefined {
  const { date, minute } = local(ms, zone);
  if (opens < closes) return isTradingDay(date) && minute >= opens && minute < closes ? date : undefined;
  if (minute < closes) return isTradingDay(date) ? date : undefined;
  const next = addDays(date, 1);
  return minute >= opens && isTradingDay(next) ? next : undefined;
}

/** Nine days of trading hours as IB writes them. */
function hoursText({ opens, closes }: Market, fromMs: number): string {
  const from = new Date(fromMs).toISOString().slice(0, 10);
  const clock = (minute: number) =>
    `${Math.floor(minute / 60)}`.padStart(2, '0') + `${minute % 60}`.padStart(2, '0');
  const days = Array.from({ length: 9 }, (_, index) => addDays(from, index - 1));
  return days
    .map((date) => {
      const plain = (day: string) => day.replaceAll('-', '');
      if (!isTradingDay(date)) return `${plain(date)}:CLOSED`;
      const opensOn = opens < closes ? date : addDays(date, -1);
      return `${plain(opensOn)}:${clock(opens)}-${plain(date)}:${clock(closes)}`;
    })
    .join(';');
}

const scene = fc.record({ market: fc.constantFrom(...markets), weekMs: fc.constantFrom(...weeks) });
const runs = { numRuns: process.env.EVENKEEL_PROOF ? 5_000 : 150 };

describe('sessions in the weeks of a clock change', () => {
  it('are open, closed and dated as the wall clock of the exchange says', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 6 * 1440 * 60 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(scene, moments, ({ market, weekMs }, seconds) => {
        const calendar = createCalendar(hoursText(market, weekMs), market.zone);
        expect(calendar.problems).toEqual([]);
        for (const offset of seconds) {
          const ms = weekMs + offset * 1_000;
          const date = sessionOf(ms, market);
          expect([new Date(ms).toISOString(), calendar.stateAt(ms)]).toEqual([
            new Date(ms).toISOString(),
            date === undefined ? 'closed' : 'open',
          ]);
          if (date !== undefined) expect(calendar.sessionDateAt(ms)).toBe(date);
          const changesMs = calendar.nextChange(ms);
          expect(changesMs).toBeGreaterThan(ms);
          if (changesMs < weekMs + 6 * dayMs) {
            expect(sessionOf(changesMs, market) === undefined).toBe(date !== undefined);
            expect(sessionOf(changesMs - 1, market)).toBe(date);
          }
        }
      }),
      runs,
    );
  });

  it('give every minute its own bar of the right date, and no bar outside of a session or in a halt', () => {
    const input = fc.record({
      steps: fc.array(
        fc.tuple(
          fc.oneof(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 600_000, max: 30_000_000 })),
          fc.integer({ min: 1, max: 9 }),
          fc.boolean(),
        ),
        { minLength: 1, maxLength: 40 },
      ),
      startsIn: fc.integer({ min: 0, max: 4 * 1440 }),
    });
    fc.assert(
      fc.property(scene, input, ({ market, weekMs }, { steps, startsIn }) => {
        const calendar = createCalendar(hoursText(market, weekMs), market.zone);
        const startMs = weekMs + startsIn * minuteMs;
        const harness = Harness.covered(startMs, { calendar });
        const prints: Print[] = [];
        const halts: [number, number][] = [];
        let at = startMs;
        let cumVolume = 0;
        let session = '';
        for (const [pause, price, thenHalt] of steps) {
          at += pause;
          while (sessionOf(at, market) === undefined) at = calendar.nextChange(at);
          if (at > weekMs + 6 * dayMs) break;
          const date = sessionOf(at, market)!;
          if (date !== session) cumVolume = 0;
          session = date;
          cumVolume += 10_000;
          const print = { timeMs: at, price: price * 1e8, size: 10_000, cumVolume };
          prints.push(print);
          harness.clock(at);
          harness.input({ kind: 'trade', ...print }, at);
          if (thenHalt && pause % 3 === 0) {
            harness.halt(true, at);
            halts.push([at, at + 300_000]);
            at += 300_000;
            harness.halt(false, at);
          }
        }
        harness.clock(at + 600_000);
        const stored = harness.stored;
        const live = [...stored.values()].filter((candle) => candle.source === 'live');
        expect(live.map((candle) => candle.startMs)).toEqual([...aggregate(prints).keys()]);
        for (const candle of stored.values()) {
          expect(candle.partial).toBe(false);
          expect(candle.sessionDate).toBe(sessionOf(candle.startMs, market));
          if (candle.source !== 'flat') continue;
          expect(sessionOf(candle.startMs + minuteMs - 1, market)).toBe(candle.sessionDate);
          for (const [from, to] of halts) {
            expect([brief(candle), candle.startMs + minuteMs <= from || candle.startMs >= to]).toEqual([
              brief(candle),
              true,
            ]);
          }
        }
        expect(harness.gaps).toEqual([]);
      }),
      runs,
    );
  });
});
