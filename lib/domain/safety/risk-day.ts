/**
 * The day that daily limits count by: a session date, not a UTC date. What trades on Sunday evening in New York belongs
 * to Monday; midnight UTC falls into the middle of a session and begins nothing.
 */
import type { SessionCalendar } from '../market/sessions.ts';
import { localDate } from '../market/time-zones.ts';
import { plain } from '../orders/decimals.ts';
import { readDecimal } from './price-steps.ts';

/** Where nobody knows the hours. */
const fallbackTimeZone = 'America/New_York';

/**
 * The latest session date of what trades at `instantMs` (Unix ms UTC), `yyyy-mm-dd`. Calendars that do not know their
 * hours at that moment are left out: all they could say is a local date, which begins at midnight, whatever trades then.
 * Where none knows, it is the local date of New York.
 */
export function riskDay(instantMs: number, calendars: readonly SessionCalendar[]): string {
  let latest = '';
  for (const calendar of calendars) {
    if (calendar.stateAt(instantMs) === 'unknown') continue;
    const date = calendar.sessionDateAt(instantMs);
    if (date > latest) latest = date;
  }
  return latest === '' ? localDate(instantMs, fallbackTimeZone) : latest;
}

/** The account's value during one session date; decimal text, in its base currency. */
export interface DayValue {
  /** Session date, `yyyy-mm-dd`. */
  readonly date: string;
  /** The first value that was told on it. */
  readonly atStart: string;
  /** The highest that was told on it. */
  readonly peak: string;
}

/**
 * Takes in what the account is worth now. A later date starts anew with it; within a date the peak follows. An earlier
 * date than the one before changes no date: a line that is no longer watched must not give its day's losses back.
 *
 * @param now decimal text; null where the broker has not said: what is known of the date stays, and of a new one nothing is
 */
export function rollValue(
  previous: DayValue | undefined,
  date: string,
  now: string | null,
): DayValue | undefined {
  const value = now === null ? undefined : readDecimal(now);
  const isNew = previous === undefined || date > previous.date;
  if (value === undefined) return isNew ? undefined : previous;
  const text = plain(value);
  if (isNew) return { date, atStart: text, peak: text };
  const peak = readDecimal(previous.peak);
  return peak?.gte(value) ? previous : { ...previous, peak: text };
}
