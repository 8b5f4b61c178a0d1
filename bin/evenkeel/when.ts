import { Temporal } from 'temporal-polyfill';
import { CliError } from './exit.ts';

export const whenHelp =
  'time: 15m, 2h or 3d ago; 2026-01-05; 2026-01-05T14:30 in your display zone, or with Z or +01:00';

/**
 * A moment as a person writes it, Unix milliseconds UTC.
 *
 * @param timeZone in which a date or a time without an offset is read
 * @throws CliError TIME_INVALID
 */
export function parseWhen(text: string, nowMs: number, timeZone: string): number {
  const ago = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  if (ago) return Math.round(nowMs - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs]);
  try {
    if (/(Z|[+-]\d{2}:?\d{2})$/.test(text) && text.includes('T')) {
      return Temporal.Instant.from(text).epochMilliseconds;
    }
    if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
      return Temporal.PlainDateTime.from(text.replace(' ', 'T')).toZonedDateTime(timeZone).epochMilliseconds;
    }
  } catch {
    // Falls through to the words for a person.
  }
  throw new CliError('TIME_INVALID', `${text} is no time that can be read. Allowed: ${whenHelp}.`);
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * How long something lasts, as a person writes it: `90s`, `30m`, `2h`. In milliseconds.
 *
 * @throws CliError SPAN_INVALID
 */
export function parseSpan(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)(s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(number) * (unitMs[unit as keyof typeof unitMs] ?? 0));
  if (ms > 0) return ms;
  throw new CliError('SPAN_INVALID', `${text} is no span of time that can be read. Allowed: 90s, 30m or 2h.`);
}
