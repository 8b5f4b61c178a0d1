import { Temporal } from 'temporal-polyfill';
import { CronError, compileCron } from './cron.ts';
import { invalid } from './intrinsics.ts';

/** The first time after this one (both Unix ms) at which a schedule calls; undefined when it never does again. */
export type NextTime = (afterMs: number) => number | undefined;

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const RATE = /^rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)$/;
const CRON = /^cron\((.*)\)$/;
const AT = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/;

interface Bounds {
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
}

/** Compiles `rate(…)`, `cron(…)` or `at(…)` of a schedule. Throws CloudError TEMPLATE_INVALID. */
export function compileSchedule(props: Readonly<Record<string, unknown>>, logicalId: string): NextTime {
  const at = `${logicalId}.ScheduleExpression`;
  const expression = String(props.ScheduleExpression);
  const timeZone = zoneOf(
    props.ScheduleExpressionTimezone ?? 'UTC',
    `${logicalId}.ScheduleExpressionTimezone`,
  );
  const bounds: Bounds = {
    startMs: dateOf(props.StartDate, `${logicalId}.StartDate`),
    endMs: dateOf(props.EndDate, `${logicalId}.EndDate`),
  };
  const [, count, unit] = RATE.exec(expression) ?? [];
  if (count !== undefined) {
    const everyMs = Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
    if (everyMs === 0) throw invalid(at, `${expression} has no time between its calls`);
    return rate(everyMs, bounds);
  }
  const [, fields] = CRON.exec(expression) ?? [];
  if (fields !== undefined) return within(cron(fields, timeZone, at), bounds);
  const [, time] = AT.exec(expression) ?? [];
  if (time !== undefined) {
    // StartDate and EndDate do not count for it.
    const onceMs = instantOf(time, timeZone, at);
    return (afterMs) => (onceMs > afterMs ? onceMs : undefined);
  }
  throw invalid(at, `${expression} is none of rate(…), cron(…) and at(yyyy-mm-ddThh:mm:ss)`);
}

/**
 * From the start date on. AWS counts from the schedule's creation where there is none; here from the year 1970, so that
 * a restart changes nothing.
 */
function rate(everyMs: number, { startMs = 0, endMs }: Bounds): NextTime {
  return (afterMs) => {
    const dueMs =
      afterMs < startMs ? startMs : startMs + (Math.floor((afterMs - startMs) / everyMs) + 1) * everyMs;
    return endMs !== undefined && dueMs > endMs ? undefined : dueMs;
  };
}

function within(next: NextTime, { startMs, endMs }: Bounds): NextTime {
  return (afterMs) => {
    const dueMs = next(startMs === undefined ? afterMs : Math.max(afterMs, startMs - 1));
    return dueMs !== undefined && endMs !== undefined && dueMs > endMs ? undefined : dueMs;
  };
}

function cron(fields: string, timeZone: string, at: string): NextTime {
  try {
    return compileCron(fields, timeZone).next;
  } catch (error) {
    if (error instanceof CronError) throw invalid(at, `cron(${fields}): ${error.message}`);
    throw error;
  }
}

function zoneOf(name: unknown, at: string): string {
  const zone = String(name);
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return zone;
  } catch {
    throw invalid(at, `there is no time zone ${zone}`);
  }
}

function dateOf(value: unknown, at: string): number | undefined {
  if (value === undefined) return undefined;
  const ms = Date.parse(String(value));
  if (Number.isNaN(ms)) throw invalid(at, `${String(value)} is no date`);
  return ms;
}

function instantOf(time: string, timeZone: string, at: string): number {
  try {
    return Temporal.PlainDateTime.from(time).toZonedDateTime(timeZone).epochMilliseconds;
  } catch {
    throw invalid(at, `there is no time ${time}`);
  }
}
