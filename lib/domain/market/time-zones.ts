/** Time zones as IB names them, and local days in them. */
import { Temporal } from 'temporal-polyfill';

/**
 * Abbreviations that IB sends where others send IANA names. `EST` is Eastern time with its summer time there, not the
 * fixed offset that the IANA link of that name stands for.
 */
const ibZones: Readonly<Record<string, string>> = {
  EST: 'America/New_York',
  EDT: 'America/New_York',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  MST: 'America/Denver',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  BST: 'Europe/London',
  CET: 'Europe/Paris',
  MET: 'Europe/Paris',
  HKT: 'Asia/Hong_Kong',
  SGT: 'Asia/Singapore',
  JST: 'Asia/Tokyo',
  KST: 'Asia/Seoul',
  IST: 'Asia/Kolkata',
  AEST: 'Australia/Sydney',
};

/** The zone's name for Temporal, or undefined when nobody knows it. Empty is UTC: IB sends none for some indices. */
export function resolveTimeZone(timeZone: string): string | undefined {
  // Older gateways add a description: `EST (Eastern Standard Time)`.
  const name = timeZone.replace(/\s*\(.*$/, '').trim();
  if (name === '') return 'UTC';
  const resolved = ibZones[name] ?? name;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(resolved);
    return resolved;
  } catch {
    return undefined;
  }
}

/** The local day around `ms`: 23, 24 or 25 hours of it. */
export function localDaySpan(ms: number, timeZone: string): { fromMs: number; toMs: number; date: string } {
  const start = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms))
    .toZonedDateTimeISO(timeZone)
    .startOfDay();
  return {
    fromMs: start.epochMilliseconds,
    toMs: start.add({ days: 1 }).startOfDay().epochMilliseconds,
    date: start.toPlainDate().toString(),
  };
}

/** The local date and time of `ms`. */
export function localTime(ms: number, timeZone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDateTime();
}

/**
 * Unix milliseconds of a local date and time; of a time that a clock change repeats the first one, of one that it
 * leaves out the moment after the change. Hours and minutes beyond their range are refused with undefined; 24:00 is
 * the next midnight.
 */
export function epochMsOf(date: string, hour: number, minute: number, timeZone: string): number | undefined {
  if (hour > 24 || minute > 59 || (hour === 24 && minute > 0)) return undefined;
  try {
    let day = Temporal.PlainDate.from(date);
    if (hour === 24) day = day.add({ days: 1 });
    const time = new Temporal.PlainTime(hour % 24, minute);
    return day.toZonedDateTime({ timeZone, plainTime: time }).epochMilliseconds;
  } catch {
    return undefined;
  }
}
