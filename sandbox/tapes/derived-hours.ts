/** Trading hours guessed from when the tape has rows, in IB's text form and US/Eastern. */
import { Temporal } from 'temporal-polyfill';
import type { TapeRow } from './tape.ts';

/** A pause of this length ends a session: the shortest daily halt of CME metals in 2013 was 45 minutes. */
const sessionGapMs = 45 * 60_000;
const minuteMs = 60_000;

/**
 * Sessions as `20131006:2000-20131007:1715;...`: starts floored to the minute, ends at the end of the last row's
 * minute. The text has no offset, so hours inside a clock change's repeated hour are ambiguous, as IB's own are.
 */
export function deriveHours(rows: readonly Pick<TapeRow, 'timeMs'>[]): string {
  const times = rows.map((row) => row.timeMs).sort((a, b) => a - b);
  const sessions: string[] = [];
  let first = times[0];
  let last = first;
  if (first === undefined || last === undefined) return '';
  for (const timeMs of times) {
    if (timeMs - last >= sessionGapMs) {
      sessions.push(session(first, last));
      first = timeMs;
    }
    last = timeMs;
  }
  sessions.push(session(first, last));
  return sessions.join(';');
}

function session(firstMs: number, lastMs: number): string {
  const floor = (timeMs: number) => timeMs - (timeMs % minuteMs);
  return `${text(floor(firstMs))}-${text(floor(lastMs) + minuteMs)}`;
}

function text(timeMs: number): string {
  const at = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO('US/Eastern');
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${at.year}${pad(at.month)}${pad(at.day)}:${pad(at.hour)}${pad(at.minute)}`;
}
