/** The markets of the soak: contracts with their trading hours, and their sessions in time. Pure. */
import { Temporal } from 'temporal-polyfill';

export interface Session {
  /** Unix milliseconds, UTC. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Where its hours end, if the run ends earlier. */
  readonly hoursToMs: number;
  /** The exchange's trade date, `yyyy-mm-dd`: of the day on which the session ends. */
  readonly date: string;
}

export interface Market {
  readonly localSymbol: string;
  readonly contract: Readonly<Record<string, string>>;
  readonly sessions: readonly Session[];
}

interface Hours {
  readonly timeZone: string;
  /** `HH:MM`; of the day before where it is after `to`. */
  readonly from: string;
  readonly to: string;
}

/** Nearly 23 hours with the daily halt (CME and COMEX, each in the time of its own exchange). */
const futuresHours: Readonly<Record<string, Hours>> = {
  ES: { timeZone: 'US/Central', from: '17:00', to: '16:00' },
  NQ: { timeZone: 'US/Central', from: '17:00', to: '16:00' },
  GC: { timeZone: 'US/Eastern', from: '18:00', to: '17:00' },
  CL: { timeZone: 'US/Eastern', from: '18:00', to: '17:00' },
};
const stockHours: Hours = { timeZone: 'US/Eastern', from: '09:30', to: '16:00' };
/** A market of the short form that is open while the clocks change: no real one is that IB has futures or stocks for. */
const roundTheClock = 'ROUND';
const roundHours: Hours = { timeZone: 'US/Eastern', from: '17:15', to: '17:00' };

/**
 * @param names roots of futures, `ROUND`, or stocks
 * @param month of the contract, `Z6`
 * @param dates the days to cover, `yyyy-mm-dd`, in order; at weekends only `ROUND` trades
 */
export function marketsOf(names: readonly string[], month: string, dates: readonly string[]): Market[] {
  return names.map((name) => {
    const ofFuture = futuresHours[name];
    const hours = ofFuture ?? (name === roundTheClock ? roundHours : stockHours);
    const days = dates.map((date) => Temporal.PlainDate.from(date));
    const spans = days
      .filter(({ dayOfWeek }) => dayOfWeek <= 5 || name === roundTheClock)
      .map((day) => ({ day, first: hours.from > hours.to ? day.subtract({ days: 1 }) : day }));
    const tradingHours = spans
      .map(({ day, first }) => `${dense(first)}:${dense(hours.from)}-${dense(day)}:${dense(hours.to)}`)
      .join(';');
    const sessions = spans.map(({ day, first }): Session => {
      const toMs = atZone(day, hours.to, hours);
      return { date: day.toString(), fromMs: atZone(first, hours.from, hours), toMs, hoursToMs: toMs };
    });
    const localSymbol = ofFuture === undefined ? name : `${name}${month}`;
    const contract = { localSymbol, timeZone: hours.timeZone, tradingHours, liquidHours: tradingHours };
    return { localSymbol, contract, sessions };
  });
}

/** Unix milliseconds of a wall time in New York. */
export function newYork(date: string, time: string): number {
  return atZone(Temporal.PlainDate.from(date), time, { timeZone: 'America/New_York' });
}

export function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

function atZone(day: Temporal.PlainDate, time: string, { timeZone }: Pick<Hours, 'timeZone'>): number {
  return day.toZonedDateTime({ timeZone, plainTime: Temporal.PlainTime.from(time) }).epochMilliseconds;
}

const dense = (value: Temporal.PlainDate | string): string => value.toString().replaceAll(/[-:]/g, '');
