import type { BrokerFact } from '../lib/domain/orders/broker-facts.ts';
import { type DayValue, riskDay, rollValue } from '../lib/domain/safety/risk-day.ts';
import type { BrokerListener } from './tracker-driver.ts';
import type { TradingView } from './trading-view.ts';

/** What the account is worth, as the broker told it last, and what it was worth on this session date. */
export class AccountWorth implements BrokerListener {
  readonly #account: string;
  readonly #view: Pick<TradingView, 'lines' | 'marketMs'>;
  readonly #told: () => void;
  readonly #steadyMs: () => number;
  #toldAtMs = 0;
  #now: string | null = null;
  #day: DayValue | undefined;

  /**
   * @param told called when the broker has told a value
   * @param steadyMs a clock that nobody sets: a value must not look fresh because the system's was set back
   */
  constructor(
    account: string,
    view: Pick<TradingView, 'lines' | 'marketMs'>,
    told: () => void,
    steadyMs: () => number = Date.now,
  ) {
    this.#steadyMs = steadyMs;
    this.#account = account;
    this.#view = view;
    this.#told = told;
  }

  /** Net liquidation value in the base currency, decimal text; null before the broker has told it on this link. */
  get now(): string | null {
    return this.#now;
  }

  /** Milliseconds since the broker told it, by a clock that nobody sets; null before it has. A value that stays is told once. */
  get ageMs(): number | null {
    return this.#now === null ? null : Math.max(0, this.#steadyMs() - this.#toldAtMs);
  }

  /**
   * What is known of the session date.
   *
   * @param stored what a run before this one has kept
   */
  day(stored: DayValue | null): DayValue | undefined {
    const known = laterOf(stored ?? undefined, this.#day);
    const calendars = this.#view.lines().flatMap(({ calendar }) => (calendar ? [calendar] : []));
    this.#day = rollValue(known, riskDay(this.#view.marketMs(), calendars), this.#now);
    return this.#day;
  }

  fact(fact: BrokerFact): void {
    if (fact.kind !== 'account-value' || fact.key !== 'NetLiquidation' || fact.account !== this.#account)
      return;
    this.#now = fact.value;
    this.#toldAtMs = this.#steadyMs();
    // Behind the word itself: what is read of the book for it takes its time.
    if (this.#day !== undefined) this.day(null);
    this.#told();
  }

  round(): void {}

  /** What it was worth before an outage says nothing of what was lost meanwhile. */
  disconnected(): void {
    this.#now = null;
  }
}

function laterOf(stored: DayValue | undefined, seen: DayValue | undefined): DayValue | undefined {
  if (stored === undefined || seen === undefined) return stored ?? seen;
  if (stored.date !== seen.date) return stored.date > seen.date ? stored : seen;
  // One date: its beginning is the earlier word, which is the stored one.
  return rollValue(stored, stored.date, seen.peak);
}
