/**
 * Time zones as IB names them, and local days in them. By what `Intl` knows of a zone's offsets: the functions that
 * need local days start too slowly with all of Temporal in them, whose answers these are (a property test compares).
 */

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

const dayMs = 86_400_000;

/** The zone's name for Intl, or undefined when nobody knows it. Empty is UTC: IB sends none for some indices. */
export function resolveTimeZone(timeZone: string): string | undefined {
  // Older gateways add a description: `EST (Eastern Standard Time)`.
  const name = timeZone.replace(/\s*\(.*$/, '').trim();
  if (name === '') return 'UTC';
  const resolved = ibZones[name] ?? name;
  try {
    wallClock(resolved);
    return resolved;
  } catch {
    return undefined;
  }
}

/** The local day around `ms`: 23, 24 or 25 hours of it. */
export function localDaySpan(ms: number, timeZone: string): { fromMs: number; toMs: number; date: string } {
  const local = localMsOf(Math.floor(ms), timeZone);
  const midnight = local - modulo(local, dayMs);
  const fromMs = instantOf(midnight, timeZone);
  return { fromMs, toMs: instantOf(midnight + dayMs, timeZone), date: isoDate(midnight) };
}

/** The local date of `ms`, `yyyy-mm-dd`. */
export function localDate(ms: number, timeZone: string): string {
  return isoDate(localMsOf(Math.floor(ms), timeZone));
}

/**
 * Unix milliseconds of a local date and time; of a time that a clock change repeats the first one, of one that it
 * leaves out the moment after the change. Hours and minutes beyond their range are refused with undefined; 24:00 is
 * the next midnight.
 */
export function epochMsOf(date: string, hour: number, minute: number, timeZone: string): number | undefined {
  if (hour > 24 || minute > 59 || (hour === 24 && minute > 0)) return undefined;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // Date takes 31 June for 1 July.
  if (Number.isNaN(midnight) || isoDate(midnight) !== date) return undefined;
  return instantOf(midnight + hour * 3_600_000 + minute * 60_000, timeZone);
}

/** The instant of a local date and time, which is written as if it were UTC. */
function instantOf(localMs: number, timeZone: string): number {
  // A zone changes at most once within two days: one of these offsets holds, or the clock leaves the time out.
  const before = offsetAt(localMs - dayMs, timeZone);
  const after = offsetAt(localMs + dayMs, timeZone);
  if (before === after) return localMs - before;
  const [first] = [localMs - before, localMs - after]
    .filter((ms) => localMsOf(ms, timeZone) === localMs)
    .sort((a, b) => a - b);
  return first ?? localMs - before;
}

function localMsOf(ms: number, timeZone: string): number {
  return ms + offsetAt(ms, timeZone);
}

/** Local time less UTC, in ms. */
function offsetAt(ms: number, timeZone: string): number {
  const seconds = ms - modulo(ms, 1_000);
  const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of wallClock(timeZone).formatToParts(seconds)) {
    if (type in part) part[type as keyof typeof part] = Number(value);
  }
  const { year, month, day, hour, minute, second } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
}

/** One for each zone: to make one takes longer than all of a question. */
const wallClocks = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that nobody knows */
function wallClock(timeZone: string): Intl.DateTimeFormat {
  let clock = wallClocks.get(timeZone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    wallClocks.set(timeZone, clock);
  }
  return clock;
}

function isoDate(localMs: number): string {
  return new Date(localMs).toISOString().slice(0, 10);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
