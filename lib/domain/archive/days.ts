/** Which days a run archives. */
import { dayAfter, dayOfMs, daysBetween, isDay } from './keys.ts';

/** Yesterday and the two days before it: corrections and backfilled bars come late. */
export const daysByDefault = 3;
/** A year at once would not end within the time that a function has. */
export const daysMax = 31;

/** What was asked for is not a day or not a number of days. Nothing was archived. */
export class ArchiveRequestError extends Error {
  override readonly name = 'ArchiveRequestError';
  readonly code = 'ARCHIVE_REQUEST_INVALID';

  constructor(what: string) {
    super(
      `ARCHIVE_REQUEST_INVALID: ${what}; nothing was archived. ` +
        `Ask with {"date": "yyyy-mm-dd", "days": 1 to ${daysMax}}, both optional.`,
    );
  }
}

/**
 * The days of a request, in order. Today may be asked for; the bars that are still to come join it later.
 *
 * @param request `date`: the last day, yesterday when left out; `days`: how many with it, 1 where a date is given, else 3
 * @throws ArchiveRequestError
 */
export function daysOf(request: unknown, nowMs: number): string[] {
  const today = dayOfMs(nowMs);
  const { date, days } = (request ?? {}) as { readonly date?: unknown; readonly days?: unknown };
  if (date !== undefined && (typeof date !== 'string' || !isDay(date)))
    throw new ArchiveRequestError(`The date is ${JSON.stringify(date)}, which is no day`);
  const last = date ?? dayAfter(today, -1);
  if (last > today)
    throw new ArchiveRequestError(`The date ${last} is still to come (today is ${today} UTC)`);
  const count = days ?? (date === undefined ? daysByDefault : 1);
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > daysMax)
    throw new ArchiveRequestError(`The number of days is ${JSON.stringify(days)}`);
  return daysBetween(dayAfter(last, 1 - count), last);
}
