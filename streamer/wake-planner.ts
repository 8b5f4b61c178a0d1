import { estimate, type MarketClock } from '../lib/domain/market/market-clock.ts';
import type { GapDriver } from './gap-driver.ts';
import type { MarketData } from './market-data.ts';
import type { SessionDriver } from './session-driver.ts';

/** Whose deadlines the streamer wakes for. */
export interface WakeParts {
  readonly clock: MarketClock;
  readonly systemMs: () => number;
  readonly session: SessionDriver;
  readonly gaps: GapDriver;
  readonly marketData: MarketData;
}

/** While a bar waits to be closed, or coverage to be proven, the broker is asked for its time this often. */
const ASK_AGAIN_MS = 250;

/** Sleeps until the earliest deadline of any machine, and then lets each of them look at the time. */
export class WakePlanner {
  readonly #parts: WakeParts;
  #timer: NodeJS.Timeout | undefined;
  #askedAtMs = 0;
  #stopped = false;

  constructor(parts: WakeParts) {
    this.#parts = parts;
  }

  /** Looks at the deadlines anew; call it whenever one may have moved. */
  plan(): void {
    if (this.#stopped) return;
    const { session, gaps, systemMs } = this.#parts;
    const nowMs = systemMs();
    const next = Math.min(session.deadlineMs, gaps.deadline(nowMs), this.#askAtMs(nowMs));
    clearTimeout(this.#timer);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.min(next - nowMs, 2 ** 31 - 1)));
  }

  /** The broker is being asked for its time now. */
  asked(): void {
    this.#askedAtMs = this.#parts.systemMs();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wake(): void {
    const { session, gaps, systemMs } = this.#parts;
    const nowMs = systemMs();
    gaps.feed({ kind: 'tick' });
    if (this.#askAtMs(nowMs) <= nowMs) session.askTime();
    session.feed({ kind: 'tick' });
  }

  /**
   * System time at which to ask the broker for its time because something waits for the market clock: a bar to be
   * closed, coverage to be proven, a gap's last bar to be over. On a tape the market's pace is unknown, so the
   * question is repeated; live, it is put when the answer should be due.
   */
  #askAtMs(nowMs: number): number {
    const { clock, session, gaps, marketData } = this.#parts;
    // A question that is out is not put again; for the end of waiting the session has its own deadline.
    if (session.state.link !== 'up' || session.state.probeSentAtMs > 0) return Number.POSITIVE_INFINITY;
    const again = this.#askedAtMs + ASK_AGAIN_MS;
    if (marketData.awaitsCoverage) return again;
    const waitsFor = Math.min(marketData.nextCloseMs, gaps.nextOverMs);
    if (waitsFor === Number.POSITIVE_INFINITY) return waitsFor;
    if (clock.tape) return again;
    return Math.max(again, nowMs + (waitsFor - estimate(clock, nowMs)));
  }
}
