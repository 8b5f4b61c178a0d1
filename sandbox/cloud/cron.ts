import { Temporal } from 'temporal-polyfill';

/**
 * The six fields of AWS's cron expressions: minutes, hours, day of month, month, day of week, year. Written here because
 * the libraries know another syntax: days of the week are 1 to 7 from Sunday, `5/10` starts at 5, and a time that the
 * clocks skip is left out.
 */
export interface Cron {
  /** The first time after this one (both Unix ms), or undefined when there is none until the year 2199. */
  readonly next: (afterMs: number) => number | undefined;
}

/** The expression is none, or uses what is not known here; the message says which. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIRST_YEAR = 1970;
const LAST_YEAR = 2199;

interface Field {
  readonly what: string;
  readonly least: number;
  readonly most: number;
  /** Names of the values, from `least` on. */
  readonly names?: readonly string[];
}

/** Whether a day is one of the expression's. */
type DayTest = (day: Temporal.PlainDate) => boolean;

/** Compiles `15 3 * * ? *` in an IANA time zone. Throws CronError. */
export function compileCron(fields: string, timeZone: string): Cron {
  const parts = fields.trim().split(/\s+/);
  if (parts.length !== 6) throw new CronError(`a cron expression has six fields, this one ${parts.length}`);
  const [minuteText = '', hourText = '', dayText = '', monthText = '', weekdayText = '', yearText = ''] =
    parts;
  if ((dayText === '?') === (weekdayText === '?'))
    throw new CronError('one of day of month and day of week is ?, and only one');
  const minutes = valuesOf(minuteText, { what: 'minutes', least: 0, most: 59 });
  const hours = valuesOf(hourText, { what: 'hours', least: 0, most: 23 });
  const months = valuesOf(monthText, { what: 'month', least: 1, most: 12, names: MONTHS });
  const years = valuesOf(yearText, { what: 'year', least: FIRST_YEAR, most: LAST_YEAR });
  const isDay = weekdayText === '?' ? dayOfMonth(dayText) : dayOfWeek(weekdayText);
  return {
    next: (afterMs) => {
      const after = Temporal.Instant.fromEpochMilliseconds(afterMs).toZonedDateTimeISO(timeZone);
      const wall = after.toPlainDateTime();
      for (const day of daysFrom(after.toPlainDate(), years, months, isDay)) {
        for (const hour of hours) {
          for (const minute of minutes) {
            const time = day.toPlainDateTime({ hour, minute });
            // Of a time that the clocks show twice the first counts, so what is not later on the clock is over.
            if (Temporal.PlainDateTime.compare(time, wall) <= 0) continue;
            const atMs = instantOf(time, timeZone);
            if (atMs !== undefined && atMs > afterMs) return atMs;
          }
        }
      }
      return undefined;
    },
  };
}

/** The moment at which the clocks show this for the first time; undefined for a time that they skip. */
function instantOf(time: Temporal.PlainDateTime, timeZone: string): number | undefined {
  const moment = time.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  return moment.toPlainDateTime().equals(time) ? moment.epochMilliseconds : undefined;
}

function* daysFrom(
  first: Temporal.PlainDate,
  years: readonly number[],
  months: readonly number[],
  isDay: DayTest,
): Generator<Temporal.PlainDate, void, undefined> {
  for (const year of years) {
    if (year < first.year) continue;
    for (const month of months) {
      if (year === first.year && month < first.month) continue;
      const start = Temporal.PlainDate.from({ year, month, day: 1 });
      for (let day = 1; day <= start.daysInMonth; day += 1) {
        const date = start.with({ day });
        if (Temporal.PlainDate.compare(date, first) >= 0 && isDay(date)) yield date;
      }
    }
  }
}

/** `L` is the last day of the month, `15W` the weekday nearest to the 15th and in the same month. */
function dayOfMonth(text: string): DayTest {
  const field: Field = { what: 'day of month', least: 1, most: 31 };
  if (text === 'L') return (date) => date.day === date.daysInMonth;
  const [, nearest] = /^(\d+)W$/.exec(text) ?? [];
  if (nearest !== undefined) {
    const wanted = numberOf(nearest, field);
    return (date) => wanted <= date.daysInMonth && date.day === nearestWeekday(date, wanted);
  }
  const days = new Set(valuesOf(text, field));
  return (date) => days.has(date.day);
}

function nearestWeekday(date: Temporal.PlainDate, wanted: number): number {
  const { dayOfWeek: weekday } = date.with({ day: wanted });
  if (weekday === 6) return wanted === 1 ? wanted + 2 : wanted - 1;
  if (weekday === 7) return wanted === date.daysInMonth ? wanted - 2 : wanted + 1;
  return wanted;
}

/** `L` is Saturday, `6L` the last Friday of the month, `3#2` its second Tuesday. */
function dayOfWeek(text: string): DayTest {
  const field: Field = { what: 'day of week', least: 1, most: 7, names: DAYS };
  if (text === 'L') return (date) => weekdayOf(date) === 7;
  const [, last] = /^(\w+)L$/.exec(text) ?? [];
  if (last !== undefined) {
    const wanted = numberOf(last, field);
    return (date) => weekdayOf(date) === wanted && date.day + 7 > date.daysInMonth;
  }
  const [, nthDay, nth] = /^(\w+)#([1-5])$/.exec(text) ?? [];
  if (nthDay !== undefined) {
    const wanted = numberOf(nthDay, field);
    return (date) => weekdayOf(date) === wanted && Math.ceil(date.day / 7) === Number(nth);
  }
  const days = new Set(valuesOf(text, field));
  return (date) => days.has(weekdayOf(date));
}

/** 1 is Sunday, 7 Saturday. */
function weekdayOf(date: Temporal.PlainDate): number {
  return (date.dayOfWeek % 7) + 1;
}

/** The values of `*`, `5`, `1-5`, `MON-FRI`, `0/15`, `10-40/10` and lists of these, in order. */
function valuesOf(text: string, field: Field): number[] {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [, range, step] = /^(\*|\w+(?:-\w+)?)(?:\/(\d+))?$/.exec(part) ?? [];
    if (range === undefined) throw new CronError(`${text} is nothing that ${field.what} can be`);
    const every = Number(step ?? 1);
    if (every < 1) throw new CronError(`the step of ${part} is 0`);
    const [from, to] = boundsOf(range, step !== undefined, field);
    for (let value = from; value <= to; value += every) values.add(value);
  }
  return [...values].toSorted((a, b) => a - b);
}

function boundsOf(range: string, hasStep: boolean, field: Field): [number, number] {
  if (range === '*') return [field.least, field.most];
  const [first = '', last] = range.split('-');
  const from = numberOf(first, field);
  if (last === undefined) return [from, hasStep ? field.most : from];
  const to = numberOf(last, field);
  if (to < from) throw new CronError(`the range ${range} of ${field.what} ends before it begins`);
  return [from, to];
}

function numberOf(text: string, { what, least, most, names = [] }: Field): number {
  const named = names.indexOf(text.toUpperCase());
  const value = named >= 0 ? least + named : Number(text);
  if (!(/^\d+$/.test(text) || named >= 0) || value < least || value > most)
    throw new CronError(`${text} is not within ${least} to ${most}, as ${what} is`);
  return value;
}
