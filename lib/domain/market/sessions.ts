/**
 * When an instrument trades, from IB's `tradingHours` text and the contract's time zone. All of it is turned into
 * epoch milliseconds once, so that a question costs a look into a small array; Temporal is out of the hot path.
 *
 * IB's text covers about a week. What lies outside of it is `unknown`, which is neither open nor closed.
 */

import { localDaySpan, resolveTimeZone } from './time-zones.ts';
import { type ParsedHours, parseTradingHours, type Span } from './trading-hours.ts';

export type SessionState = 'open' | 'closed' | 'unknown';
export type { Span } from './trading-hours.ts';

/** Times are Unix milliseconds, UTC; dates are `yyyy-mm-dd` of the exchange. Pure: the same question has one answer. */
export interface SessionCalendar {
  /** IANA name that the hours were read in. */
  readonly timeZone: string;
  /** What could not be read in the hours or the zone, in words for an operator; empty when all is well. */
  readonly problems: readonly string[];
  stateAt(ms: number): SessionState;
  /**
   * The session's (trade) date: the local date on which the session ends, so Monday for what trades from Sunday
   * 18:00 on. Closed hours belong to the session before them; where the hours are unknown it is the local date.
   */
  sessionDateAt(ms: number): string;
  /** The stretch around `ms` that has one session date. */
  sessionSpanAt(ms: number): Span;
  /** The next moment after `ms` at which `stateAt` answers otherwise; Infinity when none is known. */
  nextChange(ms: number): number;
}

/**
 * @param tradingHours as IB sends it: `20260105:1800-20260106:1700;20260110:CLOSED`; may be empty
 * @param timeZone as IB sends it: an IANA name, an old link (`US/Eastern`, `MET`) or one of IB's own abbreviations
 */
export function createCalendar(tradingHours: string, timeZone: string): SessionCalendar {
  const zone = resolveTimeZone(timeZone);
  if (zone === undefined) {
    const problem = `The contract's time zone ${JSON.stringify(timeZone)} is not known: its hours cannot be read, so its sessions are unknown and its dates are UTC dates.`;
    return new HoursCalendar('UTC', [problem], {
      open: [],
      spans: [],
      knownFromMs: Infinity,
      knownToMs: -Infinity,
      problems: [],
    });
  }
  const hours = parseTradingHours(tradingHours, zone);
  return new HoursCalendar(zone, hours.problems, hours);
}

/** A calendar that is always open, with local dates as session dates: for tests, and where nobody knows the hours. */
export function alwaysOpen(timeZone = 'UTC'): SessionCalendar {
  const zone = resolveTimeZone(timeZone) ?? 'UTC';
  const everywhere = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
  const hours = { open: [everywhere], spans: [], knownFromMs: -Infinity, knownToMs: Infinity, problems: [] };
  return new HoursCalendar(zone, [], hours);
}

/** Whether the session is open, and known to be, during all of [fromMs, toMs). */
export function openThroughout(calendar: SessionCalendar, fromMs: number, toMs: number): boolean {
  return calendar.stateAt(fromMs) === 'open' && calendar.nextChange(fromMs) >= toMs;
}

class HoursCalendar implements SessionCalendar {
  readonly timeZone: string;
  readonly problems: readonly string[];
  readonly #hours: ParsedHours;
  /** The answers given last: questions come in time order. */
  #openIndex = 0;
  #span: Span = { fromMs: 0, toMs: 0, date: '' };

  constructor(timeZone: string, problems: readonly string[], hours: ParsedHours) {
    this.timeZone = timeZone;
    this.problems = problems;
    this.#hours = hours;
  }

  stateAt(ms: number): SessionState {
    const { open, knownFromMs, knownToMs } = this.#hours;
    if (!(ms >= knownFromMs && ms < knownToMs)) return 'unknown';
    const interval = open[this.#indexAt(ms)];
    return interval !== undefined && ms >= interval.fromMs ? 'open' : 'closed';
  }

  nextChange(ms: number): number {
    const { open, knownFromMs, knownToMs } = this.#hours;
    if (ms < knownFromMs) return knownFromMs;
    if (!(ms < knownToMs)) return Number.POSITIVE_INFINITY;
    const interval = open[this.#indexAt(ms)];
    if (interval === undefined) return knownToMs;
    return ms < interval.fromMs ? interval.fromMs : interval.toMs;
  }

  sessionDateAt(ms: number): string {
    return this.sessionSpanAt(ms).date;
  }

  sessionSpanAt(ms: number): Span {
    const last = this.#span;
    if (ms >= last.fromMs && ms < last.toMs) return last;
    this.#span = this.#findSpan(ms);
    return this.#span;
  }

  #findSpan(ms: number): Span {
    const { spans } = this.#hours;
    const known = spans.find((span) => ms >= span.fromMs && ms < span.toMs);
    if (known) return known;
    const day = localDaySpan(ms, this.timeZone);
    const first = spans[0];
    const last = spans.at(-1);
    if (!first || !last) return day;
    // A local day that reaches into the known sessions ends, or begins, where they do.
    if (ms < first.fromMs) return { ...day, toMs: Math.min(day.toMs, first.fromMs) };
    return { ...day, fromMs: Math.max(day.fromMs, last.toMs) };
  }

  /** Index of the first open interval that ends after `ms`. */
  #indexAt(ms: number): number {
    const { open } = this.#hours;
    let index = this.#openIndex;
    if (index > 0 && ms < open[index - 1]!.toMs) index = 0;
    while (index < open.length && ms >= open[index]!.toMs) index += 1;
    this.#openIndex = index;
    return index;
  }
}
