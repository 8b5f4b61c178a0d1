import type { RiskLimits } from '../lib/domain/safety/gate-types.ts';
import type { DayValue } from '../lib/domain/safety/risk-day.ts';
import { lossVerdict } from '../lib/domain/safety/risk-losses.ts';
import type { TradingMode, TradingState } from '../lib/domain/safety/trading-state.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { AccountWorth } from './account-worth.ts';
import type { Logger } from './logger.ts';
import type { OrderBook } from './order-book.ts';

export interface TradingWatchOptions {
  readonly account: string;
  readonly book: OrderBook;
  readonly limits: RiskLimits;
  readonly worth: AccountWorth;
  readonly mayWrite: () => boolean;
  readonly raise: (alert: EventData<'alert.raised'>) => void;
  readonly logger: Logger;
  /** Has the broker tell the account's worth anew. */
  readonly refresh?: () => void;
}

/** How often a halt by a person is looked for, and the day's value is kept. */
const LOOK_EVERY_MS = 5_000;
const KEEP_EVERY_MS = 60_000;
/** IB tells a value that changes every three minutes, and one that stays not again: it is asked whether it still holds. */
const REFRESH_AGE_MS = 240_000;
const REFRESH_EVERY_MS = 60_000;

/** Halts trading when a limit on losses is passed, and tells of every halt, whoever ordered it. */
export class TradingWatch {
  readonly #options: TradingWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #mode: TradingMode | undefined;
  #looking = false;
  #again = false;
  #keptAtMs = 0;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: TradingWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never throws; what could not be done is done at the next look. */
  async look(): Promise<void> {
    this.#again = this.#looking;
    if (this.#looking || !this.#options.mayWrite()) return;
    this.#looking = true;
    this.#refresh();
    try {
      await this.#look();
    } catch (error) {
      this.#options.logger.warn('The trading state could not be looked at; it is looked at again', {
        error: error instanceof Error ? error.message : String(error),
      });
    } finally {
      this.#looking = false;
    }
    if (this.#again) await this.look();
  }

  async #look(): Promise<void> {
    const { book, worth, limits } = this.#options;
    const { trading, desk } = await book.read([]);
    const { now } = worth;
    const value = worth.day(desk.value);
    if (value !== undefined && this.#isNews(desk.value, value)) {
      this.#keptAtMs = performance.now();
      await book.remember((before) => ({ ...before, value }), `value of ${value.date}`);
    }
    if (value !== undefined && now !== null && trading.mode !== 'halted') {
      const lost = lossVerdict(limits, { now, atStart: value.atStart, peak: value.peak });
      if (lost !== undefined && (await book.halt({ by: `limit ${lost.code}`, reason: lost.message }))) {
        this.#tell(`limit ${lost.code}`, lost.message);
        return;
      }
    }
    if (this.#mode !== undefined && this.#mode !== 'halted' && trading.mode === 'halted')
      this.#tell(trading.by, trading.reason);
    if (this.#mode === 'halted' && trading.mode !== 'halted') this.#tellResumed(trading);
    this.#mode = trading.mode;
  }

  /** Only where a limit rests on it. */
  #refresh(): void {
    const { limits, worth, refresh } = this.#options;
    if (limits.maxDailyLoss === null && limits.maxDrawdown === null) return;
    if (worth.ageMs === null || worth.ageMs < REFRESH_AGE_MS) return;
    if (performance.now() - this.#refreshedAtMs < REFRESH_EVERY_MS) return;
    this.#refreshedAtMs = performance.now();
    refresh?.();
  }

  /** A new session date is kept at once, a new peak within a minute: a restart must not forget what was lost from it. */
  #isNews(stored: DayValue | null, value: DayValue): boolean {
    if (stored === null || stored.date !== value.date) return true;
    return stored.peak !== value.peak && performance.now() - this.#keptAtMs > KEEP_EVERY_MS;
  }

  #tellResumed({ mode, by, reason }: TradingState): void {
    const { account } = this.#options;
    const now = mode === 'reduce-only' ? 'reduce-only: what closes or protects a position leaves' : 'active';
    this.#options.raise({
      alert: 'trading_resumed',
      severity: 'INFO',
      subject: `account ${account}`,
      message: `Trading of ${account} is ${now}, by ${by}: ${sentence(reason)}`,
    });
  }

  #tell(by: string, reason: string): void {
    this.#mode = 'halted';
    this.#options.raise({
      alert: 'kill_switch_triggered',
      severity: 'CRITICAL',
      subject: `account ${this.#options.account}`,
      message: `Trading of ${this.#options.account} is halted by ${by}: ${sentence(reason)} Nothing leaves but a person's cancel; working orders stay at the broker. Look at \`evenkeel positions\` and \`evenkeel orders\`; go on with \`evenkeel resume --reason …\`.`,
    });
  }
}

/** What a person typed as a reason may end anyhow. */
function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
