/** What happens in the soaked week, all of it known beforehand and from a seed: sessions, resets, the login, orders. */
import type { ScriptedFaultInput } from '../../sandbox/gateway/index.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import { addDays, type Market, marketsOf, newYork, type Session } from './exchange-hours.ts';

/** The Sunday on which the clocks change in New York, and the contract month that trades then. */
export const clockChanges = {
  autumn: { sunday: '2026-11-01', month: 'Z6' },
  spring: { sunday: '2026-03-08', month: 'M6' },
} as const;
export type ClockChange = keyof typeof clockChanges;

export interface WeekOptions {
  readonly change: ClockChange;
  /** Trading days after the Sunday, 1 to 10: more than five are a second week, with a weekend between. */
  readonly days: number;
  readonly symbols: readonly string[];
  readonly seed: number;
  /** Only the night in which the clocks change, Saturday 23:15 to Sunday 03:00. */
  readonly nightOnly: boolean;
}

/** Something that is done at a moment of the week. */
export type WeekAct =
  | { readonly kind: 'round-trip'; readonly symbol: string; readonly quantity: number }
  | { readonly kind: 'rest-and-cancel'; readonly symbol: string }
  | { readonly kind: 'by-hand'; readonly symbol: string; readonly side: 'BUY' | 'SELL' }
  | { readonly kind: 'snapshot' };

export interface Planned<T> {
  readonly atMs: number;
  readonly act: T;
}

export interface Week {
  readonly startMs: number;
  readonly endMs: number;
  readonly markets: readonly Market[];
  readonly faults: readonly ScriptedFaultInput[];
  readonly acts: readonly Planned<WeekAct>[];
  /** The gateway is away from then on until it is back: [from, to). */
  readonly outages: readonly { readonly name: string; readonly fromMs: number; readonly toMs: number }[];
  /** Between the end of a login and the person who logs in again. */
  readonly logins: readonly { readonly fromMs: number; readonly toMs: number }[];
}

const minuteMs = 60_000;
/** The older time of IB's nightly reset, still the one of QuantConnect's IBAutomater. */
export const resetWindow = { from: '23:45', to: '00:45' };

export function planWeek({ change, days, symbols, seed, nightOnly }: WeekOptions): Week {
  const { sunday, month } = clockChanges[change];
  const random = mulberry32(seed);
  const saturday = addDays(sunday, -1);
  const calendarDays = Array.from({ length: days + (days > 5 ? 2 : 0) }, (_, index) =>
    addDays(sunday, index + 1),
  );
  const tradeDates = calendarDays.filter((_, index) => index % 7 < 5);
  // The second week has a weekend before it, too.
  const sundays = days > 5 ? [sunday, addDays(sunday, 7)] : [sunday];
  // The streamer lives through the change of the clocks, and knows the login that ends.
  const startMs = newYork(saturday, nightOnly ? '23:15' : '22:00');
  // Ten minutes beyond the last session.
  const endMs = nightOnly ? newYork(sunday, '03:00') : newYork(tradeDates.at(-1)!, '17:10');
  const markets = marketsOf(symbols, month, [saturday, sunday, ...calendarDays])
    .map((market) => ({
      ...market,
      sessions: market.sessions.map((session) => within(session, startMs, endMs)).filter(isThere),
    }))
    .filter(({ sessions }) => sessions.length > 0);
  // In the short form the person wakes before the clocks change, which in autumn brings a second 01:00.
  const logins = sundays.map((date) => ({
    fromMs: newYork(date, '01:00'),
    toMs: newYork(date, nightOnly ? '01:50' : '17:15'),
  }));
  const weekends = sundays.slice(1).map((date) => ({
    fromMs: newYork(addDays(date, -2), '23:05'),
    toMs: newYork(addDays(date, -1), '02:40'),
  }));
  const nights = [saturday, sunday, ...calendarDays.slice(0, -1)]
    // On Fridays the weekend reset has begun by then.
    .filter((date) => !sundays.slice(1).some((each) => addDays(each, -2) === date))
    .map((date) => ({
      name: `reset ${date}`,
      fromMs: newYork(date, resetWindow.from),
      toMs: newYork(date, resetWindow.from) + (2 + Math.floor(random() * 8)) * minuteMs,
    }))
    .filter(({ fromMs }) => fromMs < endMs);
  const outages = [
    ...weekends.map((weekend) => ({ name: 'weekend reset', ...weekend })),
    ...logins.map((login) => ({ name: 'weekly login', ...login })),
    ...nights,
  ].sort((a, b) => a.fromMs - b.fromMs);
  const faults: ScriptedFaultInput[] = [
    ...weekends.flatMap(({ fromMs, toMs }) => [
      { type: '1100' as const, atTapeMs: fromMs },
      { type: '1102' as const, atTapeMs: toMs },
    ]),
    // The token dies: the gateway shows its login page, takes connections and says nothing.
    ...logins.flatMap(({ fromMs, toMs }) => [
      { type: 'silent-handshake' as const, atTapeMs: fromMs },
      { type: 'drop' as const, how: 'fin' as const, atTapeMs: fromMs + 1 },
      { type: 'silent-handshake' as const, on: false, atTapeMs: toMs },
    ]),
    ...nights.map(({ fromMs, toMs }) => ({
      type: 'restart' as const,
      atTapeMs: fromMs,
      downMs: toMs - fromMs,
    })),
  ];
  const acts = planActs(markets, { startMs, endMs, outages, nights }, random);
  return { startMs, endMs, markets, faults, acts, outages, logins };
}

/** A session is never soaked in part but by where the run begins and ends. */
function within(session: Session, startMs: number, endMs: number): Session | undefined {
  const fromMs = Math.max(session.fromMs, startMs);
  const toMs = Math.min(session.toMs, endMs);
  return fromMs < toMs ? { ...session, fromMs, toMs } : undefined;
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface ActPlan {
  readonly startMs: number;
  readonly endMs: number;
  readonly outages: readonly Span[];
  readonly nights: readonly Span[];
}

/**
 * Each session of each market: two round trips, an order that rests and is cancelled, two by hand. While the gateway is
 * away at night somebody trades by hand, which the streamer learns afterwards. Every hour a snapshot.
 */
function planActs(
  markets: readonly Market[],
  { startMs, endMs, outages, nights }: ActPlan,
  random: () => number,
): Planned<WeekAct>[] {
  const acts: Planned<WeekAct>[] = [];
  for (const { localSymbol: symbol, sessions } of markets) {
    for (const { fromMs, toMs } of sessions) {
      // Clear of the edges: an order at the very end would be one of the next session.
      const at = (share: number) => Math.floor(fromMs + (toMs - fromMs) * (0.05 + 0.85 * share));
      const quantity = 1 + Math.floor(random() * 3);
      acts.push(
        { atMs: at(random() * 0.4), act: { kind: 'round-trip', symbol, quantity } },
        { atMs: at(0.5 + random() * 0.4), act: { kind: 'round-trip', symbol, quantity: 1 } },
        { atMs: at(random()), act: { kind: 'rest-and-cancel', symbol } },
        { atMs: at(random()), act: { kind: 'by-hand', symbol, side: 'BUY' } },
        { atMs: at(random()), act: { kind: 'by-hand', symbol, side: 'SELL' } },
      );
    }
  }
  // Nobody sends a command to a streamer that cannot carry it out; whoever sits at TWS trades on.
  const outageAt = (atMs: number) =>
    outages.find(({ fromMs, toMs }) => atMs > fromMs - 5 * minuteMs && atMs < toMs + 5 * minuteMs);
  const clear = acts.map(({ atMs, act }) => {
    const outage = outageAt(atMs);
    return { act, atMs: outage === undefined ? atMs : outage.toMs + 5 * minuteMs };
  });
  for (let atMs = startMs + 30 * minuteMs; atMs < endMs; atMs += 60 * minuteMs) {
    if (outageAt(atMs) === undefined) clear.push({ atMs, act: { kind: 'snapshot' } });
  }
  for (const { fromMs, toMs } of nights) {
    const open = markets.find(({ sessions }) =>
      sessions.some((each) => each.fromMs < fromMs && toMs < each.toMs),
    );
    if (open === undefined || toMs > endMs) continue;
    const { localSymbol: symbol } = open;
    clear.push(
      { atMs: fromMs + 40_000, act: { kind: 'by-hand', symbol, side: 'BUY' } },
      { atMs: fromMs + 80_000, act: { kind: 'by-hand', symbol, side: 'SELL' } },
    );
  }
  return clear.toSorted((a, b) => a.atMs - b.atMs);
}
