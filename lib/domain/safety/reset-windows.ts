import { Temporal } from 'temporal-polyfill';

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

const WEEKDAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** The window that holds `atMs` (Unix ms UTC), with its end, or undefined. Windows that span midnight are honoured. */
export function activeResetWindow(
  windows: readonly ResetWindow[],
  atMs: number,
): { window: ResetWindow; endMs: number } | undefined {
  for (const window of windows) {
    const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(window.timeZone);
    // A window that began yesterday may still be running.
    for (const daysBack of [0, 1]) {
      const day = local.toPlainDate().subtract({ days: daysBack });
      if (!window.days.includes(weekdayOf(day.dayOfWeek))) continue;
      const from = Temporal.PlainTime.from(window.from);
      const to = Temporal.PlainTime.from(window.to);
      const endDay = Temporal.PlainTime.compare(to, from) <= 0 ? day.add({ days: 1 }) : day;
      const startMs = day.toZonedDateTime({ timeZone: window.timeZone, plainTime: from }).epochMilliseconds;
      const endMs = endDay.toZonedDateTime({ timeZone: window.timeZone, plainTime: to }).epochMilliseconds;
      if (atMs >= startMs && atMs < endMs) return { window, endMs };
    }
  }
  return undefined;
}

/** The last moment at or before `atMs` from which a fresh weekly login is needed, Unix ms UTC. */
export function lastWeeklyLogin(login: WeeklyLogin, atMs: number): number {
  const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(login.timeZone);
  const daysBack = (local.dayOfWeek - (WEEKDAYS.indexOf(login.day) + 1) + 7) % 7;
  const at = local
    .toPlainDate()
    .subtract({ days: daysBack })
    .toZonedDateTime({ timeZone: login.timeZone, plainTime: Temporal.PlainTime.from(login.time) });
  return at.epochMilliseconds <= atMs ? at.epochMilliseconds : at.subtract({ days: 7 }).epochMilliseconds;
}

function weekdayOf(isoDay: number): Weekday {
  return WEEKDAYS[isoDay - 1]!;
}
