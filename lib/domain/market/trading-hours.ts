/** IB's `tradingHours` text, read into intervals of epoch milliseconds. */
import { epochMsOf, localDate, localDaySpan } from './time-zones.ts';

export interface Interval {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** A stretch of time with one session date (`yyyy-mm-dd`). */
export interface Span extends Interval {
  readonly date: string;
}

export interface ParsedHours {
  /** When it is open: in order, apart from each other. */
  readonly open: readonly Interval[];
  /** Session dates: in order and without gaps, each from its session's opening to the next one's. */
  readonly spans: readonly Span[];
  /** Outside of this nothing is known. */
  readonly knownFromMs: number;
  readonly knownToMs: number;
  readonly problems: readonly string[];
}

/** Both forms of an end: with its own date, and (older gateways) without. */
const segmentText = /^(\d{4})(\d\d)(\d\d):(\d\d)(\d\d)-(?:(\d{4})(\d\d)(\d\d):)?(\d\d)(\d\d)$/;
const closedText = /^(\d{4})(\d\d)(\d\d):CLOSED$/;

export function parseTradingHours(text: string, timeZone: string): ParsedHours {
  const segments: Interval[] = [];
  const closedDays: Interval[] = [];
  const problems: string[] = [];
  for (const part of splitSegments(text)) {
    const closed = closedText.exec(part);
    if (closed) {
      const startMs = epochMsOf(`${closed[1]}-${closed[2]}-${closed[3]}`, 0, 0, timeZone);
      if (startMs === undefined) problems.push(unreadable(part));
      else closedDays.push(localDaySpan(startMs, timeZone));
      continue;
    }
    const segment = parseSegment(part, timeZone);
    if (segment) segments.push(segment);
    else problems.push(unreadable(part));
  }
  segments.sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs);
  const all = [...segments, ...closedDays];
  const knownFromMs = Math.min(...all.map((interval) => interval.fromMs));
  const knownToMs = Math.max(...all.map((interval) => interval.toMs));
  const spans = spansOf(segments, timeZone, knownToMs);
  return { open: merge(segments), spans, knownFromMs, knownToMs, problems };
}

const unreadable = (part: string) =>
  `The trading hours ${JSON.stringify(part)} are not understood and are left out. IB writes 20260105:1800-20260106:1700 or 20260110:CLOSED.`;

/** The parts between semicolons; after a comma the day is not repeated. */
function splitSegments(text: string): string[] {
  return text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = '', ...others] = part.split(',');
      return [first, ...others.map((other) => (/^\d{8}:/.test(other) ? other : first.slice(0, 9) + other))];
    });
}

function parseSegment(part: string, timeZone: string): Interval | undefined {
  const found = segmentText.exec(part);
  if (!found) return undefined;
  const [, y1, m1, d1, h1, n1, y2, m2, d2, h2, n2] = found;
  const fromMs = epochMsOf(`${y1}-${m1}-${d1}`, Number(h1), Number(n1), timeZone);
  const endDate = y2 === undefined ? `${y1}-${m1}-${d1}` : `${y2}-${m2}-${d2}`;
  let toMs = epochMsOf(endDate, Number(h2), Number(n2), timeZone);
  if (fromMs === undefined || toMs === undefined) return undefined;
  // Without a date of its own an end that is not later than its start is on the next day.
  if (y2 === undefined && toMs <= fromMs) {
    const nextDay = localDaySpan(fromMs, timeZone).toMs;
    toMs = epochMsOf(localDaySpan(nextDay, timeZone).date, Number(h2), Number(n2), timeZone) ?? toMs;
  }
  return toMs > fromMs ? { fromMs, toMs } : undefined;
}

function merge(segments: readonly Interval[]): Interval[] {
  const merged: { fromMs: number; toMs: number }[] = [];
  for (const segment of segments) {
    const last = merged.at(-1);
    if (last && segment.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, segment.toMs);
    else merged.push({ ...segment });
  }
  return merged;
}

function spansOf(segments: readonly Interval[], timeZone: string, knownToMs: number): Span[] {
  const spans: { fromMs: number; toMs: number; date: string }[] = [];
  for (const [index, segment] of segments.entries()) {
    const date = sessionDateOf(segment, segments[index + 1], timeZone);
    const last = spans.at(-1);
    if (last && date <= last.date) continue;
    if (last) last.toMs = segment.fromMs;
    spans.push({ fromMs: segment.fromMs, toMs: knownToMs, date });
  }
  return spans;
}

/** The local date on which the session ends; one that ends at midnight ends on the day that is then over. */
function sessionDateOf(segment: Interval, next: Interval | undefined, timeZone: string): string {
  const date = localDate(segment.toMs - 1, timeZone);
  const endsAtMidnight = localDaySpan(segment.toMs, timeZone).fromMs === segment.toMs;
  const startsAtMidnight = localDaySpan(segment.fromMs, timeZone).fromMs === segment.fromMs;
  // An evening that is only cut at midnight (18:00-00:00, 00:00-17:00) is the beginning of the next day's session;
  // whole days one after the other (crypto) are sessions of their own.
  if (endsAtMidnight && !startsAtMidnight && next?.fromMs === segment.toMs) {
    return localDate(next.toMs - 1, timeZone);
  }
  return date;
}
