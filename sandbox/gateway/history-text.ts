/** Text forms of historical requests: bar sizes, durations, end dates; and of the dates in their answers. */
import { Temporal } from 'temporal-polyfill';

const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** The bar sizes that IB has, in its own spelling; weeks and months are not built from a tape. */
const barSizes: ReadonlyMap<string, number> = new Map([
  ['1 secs', secondMs],
  ...[5, 10, 15, 30].map((count): [string, number] => [`${count} secs`, count * secondMs]),
  ['1 min', minuteMs],
  ...[2, 3, 5, 10, 15, 20, 30].map((count): [string, number] => [`${count} mins`, count * minuteMs]),
  ['1 hour', hourMs],
  ...[2, 3, 4, 8].map((count): [string, number] => [`${count} hours`, count * hourMs]),
  ['1 day', dayMs],
]);

export const barSizeNames = [...barSizes.keys()];

/** A bar size in milliseconds, or `undefined` when IB has no such size. */
export const barSizeMs = (text: string): number | undefined => barSizes.get(text);

/** A duration such as `1800 S`, `2 D`, `1 W` in milliseconds; a fault as text. Days are 24 hours. */
export function durationMs(text: string): number | string {
  const match = /^(\d{1,6}) ([SDWMY])$/.exec(text);
  if (match === null || Number(match[1]) === 0) return 'Invalid duration; allowed are N S, N D, N W.';
  const count = Number(match[1]);
  switch (match[2]) {
    case 'S':
      return count > 86_400
        ? 'Historical data requests for durations longer than 86400 seconds must be made in days.'
        : count * secondMs;
    case 'D':
      return count > 365
        ? 'Historical data requests for durations longer than 365 days must be made in years.'
        : count * dayMs;
    case 'W':
      return count * 7 * dayMs;
    default:
      return 'The simulated gateway serves durations in S, D and W.';
  }
}

/**
 * An end date in milliseconds: `''` is `nowMs`, `20260105-14:40:00` UTC, `20260105 09:40:00 US/Eastern`, and without
 * a zone the contract's. `undefined` when it is none of these.
 */
export function endMs(text: string, nowMs: number, timeZone: string): number | undefined {
  if (text === '') return nowMs;
  const match = /^(\d{4})(\d\d)(\d\d)(-| {1,2})(\d\d):(\d\d):(\d\d)(?: ([A-Za-z0-9_+/-]{1,40}))?$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, separator, hour, minute, second, zone] = match;
  const zoneId = zone ?? (separator === '-' ? 'UTC' : timeZone);
  try {
    return Temporal.PlainDateTime.from(`${year}-${month}-${day}T${hour}:${minute}:${second}`).toZonedDateTime(
      zoneId,
    ).epochMilliseconds;
  } catch {
    return undefined;
  }
}

const pad = (value: number) => String(value).padStart(2, '0');

/** `20260105 09:30:00 US/Eastern`; before server version 174 two spaces and no zone. */
export function zonedText(timeMs: number, timeZone: string, serverVersion: number): string {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(timeMs)).toZonedDateTimeISO(timeZone);
  const time = `${pad(at.hour)}:${pad(at.minute)}:${pad(at.second)}`;
  return serverVersion >= 174 ? `${dateText(at)} ${time} ${timeZone}` : `${dateText(at)}  ${time}`;
}

/** `20260105-14:30:00`, UTC. */
export function utcText(timeMs: number): string {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(timeMs)).toZonedDateTimeISO('UTC');
  return `${dateText(at)}-${pad(at.hour)}:${pad(at.minute)}:${pad(at.second)}`;
}

export const dateText = (at: Temporal.ZonedDateTime) => `${at.year}${pad(at.month)}${pad(at.day)}`;

/** The gateway's clock in the version reply: `20260105 09:30:00 EST`. */
export function clockText(timeMs: number): string {
  const zone = new Intl.DateTimeFormat('en-US', { timeZone: 'US/Eastern', timeZoneName: 'short' })
    .formatToParts(timeMs)
    .find((part) => part.type === 'timeZoneName');
  return `${zonedText(timeMs, 'US/Eastern', 173).replace('  ', ' ')} ${zone?.value ?? 'EST'}`;
}
