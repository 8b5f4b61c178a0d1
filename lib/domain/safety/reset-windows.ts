import { epochMsOf, localDate } from '../market/time-zones.ts';

/**
 * The broker's announced maintenance: nightly resets per region, the weekend reset, and the weekly login that
 * needs a person. Inside a window, lost connections are expected: they do not count towards the circuit breaker.
 * Source: https://www.interactivebrokers.com/en/software/systemStatus.php (times are the region's own).
 */
export interface ResetWindow {
  readonly name: string;
  /** IANA zone in which `days`, `from` and `to` are read. */
  readonly timeZone: string;
  /** Days on which the window begins. */
  readonly days: readonly Weekday[];
  /** `HH:MM`, local. */
  readonly from: string;
  /** `HH:MM`, local; at or before `from` means the next day. */
  readonly to: string;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** The weekly moment from which a new two-factor login is needed: tokens die on Sunday at 01:00 New York time. */
export interface WeeklyLogin {
  readonly timeZone: string;
  readonly day: Weekday;
  readonly time: string;
}

/** As Date counts them. */
const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const dayMs = 86_400_000;

/** The window that holds `atMs` (Unix ms UTC), with its end, or undefined. Windows that span midnight are honoured. */
export function activeResetWindow(
  windows: readonly ResetWindow[],
  atMs: number,
): { window: ResetWindow; endMs: number } | undefined {
  for (const window of windows) {
    const { timeZone, days, from, to } = window;
    const today = localDate(atMs, timeZone);
    // A window that began yesterday may still be running.
    for (const daysBack of [0, 1]) {
      const day = dateAfter(today, -daysBack);
      if (!days.includes(weekdayOf(day))) continue;
      const startMs = timeOn(day, from, timeZone);
      const endMs = timeOn(to <= from ? dateAfter(day, 1) : day, to, timeZone);
      if (atMs >= startMs && atMs < endMs) return { window, endMs };
    }
  }
  return undefined;
}

/** The last moment at or before `atMs` from which a fresh weekly login is needed, Unix ms UTC. */
export function lastWeeklyLogin({ timeZone, day, time }: WeeklyLogin, atMs: number): number {
  const today = localDate(atMs, timeZone);
  const daysBack = (WEEKDAYS.indexOf(weekdayOf(today)) - WEEKDAYS.indexOf(day) + 7) % 7;
  const date = dateAfter(today, -daysBack);
  const at = timeOn(date, time, timeZone);
  return at <= atMs ? at : timeOn(dateAfter(date, -7), time, timeZone);
}

function weekdayOf(date: string): Weekday {
  return WEEKDAYS[new Date(date).getUTCDay()]!;
}

function dateAfter(date: string, days: number): string {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
}

/** @param time `HH:MM` */
function timeOn(date: string, time: string, timeZone: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const ms = epochMsOf(date, hour, minute, timeZone);
  if (ms === undefined) throw new RangeError(`${time} is no time of day`);
  return ms;
}
