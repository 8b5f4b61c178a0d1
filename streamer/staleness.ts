import type { Config } from '../config/schema.ts';
import type { Coverage } from './coverage.ts';
import { type Line, silentSince } from './line.ts';
import type { LineSubscriptions } from './line-subscriptions.ts';
import type { MarketDataHost } from './market-data-host.ts';

/** A silent line is stale after `staleAfterMs`, and first asked for again after so many times that. */
const RENEW_FACTOR = 10;

/** A silent line inside its session is stale; one that stays silent is asked for again, ever more rarely. */
export class Staleness {
  readonly #host: MarketDataHost;
  readonly #staleAfterMs: number;
  readonly #lines: readonly Line[];
  readonly #coverage: Coverage;
  readonly #subscriptions: LineSubscriptions;

  constructor(
    host: MarketDataHost,
    config: Config,
    lines: readonly Line[],
    coverage: Coverage,
    subscriptions: LineSubscriptions,
  ) {
    this.#host = host;
    this.#staleAfterMs = config.marketData.staleAfterMs;
    this.#lines = lines;
    this.#coverage = coverage;
    this.#subscriptions = subscriptions;
  }

  watch(): void {
    const { clock } = this.#host;
    const { marketMs } = clock;
    for (const line of this.#lines) {
      if (!line.covered || !line.instrument) continue;
      if (line.halted || line.calendar?.stateAt(marketMs) !== 'open') {
        line.quietSinceMs = marketMs;
        continue;
      }
      const sinceMs = silentSince(line);
      const silentMs = marketMs - sinceMs;
      if (silentMs < this.#staleAfterMs) continue;
      const seconds = Math.round(silentMs / 1000);
      this.#coverage.setFeed(line, 'stale', `no tick for ${seconds} s inside the session`);
      if (!clock.tape && this.#renewalDue(line, silentMs)) this.#renew(line, sinceMs, silentMs);
    }
  }

  #renewalDue(line: Line, silentMs: number): boolean {
    if (line.renewAfterMs === 0 || line.lastTickMs > line.renewedMs)
      line.renewAfterMs = this.#staleAfterMs * RENEW_FACTOR;
    return silentMs >= line.renewAfterMs;
  }

  #renew(line: Line, sinceMs: number, silentMs: number): void {
    line.renewAfterMs *= 2;
    line.renewedMs = this.#host.clock.marketMs;
    this.#host.logger.warn(`${line.name} has been silent too long: subscribing again`, { silentMs });
    // A feed can be dead without a word: history tells whether the silence was one.
    this.#coverage.lose(line, 'stale', 'silent too long', sinceMs);
    this.#subscriptions.renew(line);
  }
}
