import type { Config, StreamerConfig } from '../config/schema.ts';
import { builderStats } from '../lib/domain/market/candle-builder.ts';
import type { CandleEvents } from './candle-events.ts';
import { type FeedState, isDelayed, type Line, silentSince } from './line.ts';
import type { MarketDataHost } from './market-data-host.ts';

/**
 * Which lines' prints are known to be complete: a subscription is acknowledged by the gateway, then proven by the
 * broker's time, and lost again; and what each feed is called meanwhile.
 */
export class Coverage {
  readonly #host: MarketDataHost;
  readonly #intervalMs: number;
  readonly #marketDataType: StreamerConfig['marketDataType'];
  readonly #lines: readonly Line[];
  readonly #candles: CandleEvents;

  constructor(
    host: MarketDataHost,
    config: Config,
    streamer: StreamerConfig,
    lines: readonly Line[],
    candles: CandleEvents,
  ) {
    this.#host = host;
    this.#intervalMs = config.candles.intervalMs;
    this.#marketDataType = streamer.marketDataType;
    this.#lines = lines;
    this.#candles = candles;
  }

  /** True while a line waits for the broker's time to prove that its prints are complete. */
  get awaited(): boolean {
    // While no data flows the answer could prove nothing.
    return this.#host.dataFlows() && this.#lines.some((line) => line.acknowledged && !line.covered);
  }

  acknowledge(line: Line): void {
    if (line.acknowledged || line.refused || this.unwanted(line)) return;
    line.acknowledged = true;
    this.#host.askTime();
  }

  /** Delayed data where live data is configured: no bar may be made of it. */
  unwanted(line: Line): boolean {
    return isDelayed(line) && this.#marketDataType === 'live';
  }

  /** The broker's time, whole seconds, came behind every tick sent before it. */
  prove(seconds: number): void {
    if (!this.#host.dataFlows()) return;
    for (const line of this.#lines) if (line.acknowledged && !line.covered) this.#gain(line, seconds);
  }

  /** One line lost its data. `since`: market time from which on prints may be missing. */
  lose(line: Line, reason: string, told: string, since = this.#host.clock.marketMs): void {
    line.covered = false;
    line.tick8?.reset();
    this.setFeed(line, 'lost', told);
    this.#candles.step(line, { kind: 'coverage-lost', atMs: since, reason });
  }

  /** Bars up to here are accounted for, by instrument; lines without coverage keep their old mark. */
  closedThrough(): Map<number, number> {
    const marks = new Map<number, number>();
    for (const line of this.#lines) {
      // Delayed bars are never complete: nothing is accounted for.
      if (!line.covered || !line.builder || !line.instrument || isDelayed(line)) continue;
      const { closedThroughMs } = builderStats(line.builder);
      // The silence of a stale line may be a dead feed: nothing since its last tick is certain.
      const knownMs =
        line.feed === 'stale'
          ? Math.floor(silentSince(line) / this.#intervalMs) * this.#intervalMs
          : Number.POSITIVE_INFINITY;
      marks.set(line.instrument.conId, Math.min(closedThroughMs, knownMs));
    }
    return marks;
  }

  /** What the feed of a line is called while ticks flow. */
  flowing(line: Line): FeedState {
    if (line.dataType >= 3) return 'delayed';
    return line.dataType === 2 ? 'frozen' : 'live';
  }

  setFeed(line: Line, to: FeedState, reason: string): void {
    const { instrument, feed } = line;
    if (feed === to || !instrument) return;
    line.feed = to;
    this.#host.emit(
      'feed.changed',
      { conId: instrument.conId, symbol: instrument.localSymbol, from: feed, to, reason },
      this.#host.clock.marketMs,
    );
  }

  #gain(line: Line, seconds: number): void {
    line.covered = true;
    line.quietSinceMs = this.#host.clock.marketMs;
    line.retryPauseMs = 0;
    // The broker's time is cut to whole seconds: coverage is proven from the next one on. Delayed prints come at the
    // wrong time, so that their bars stay partial.
    if (!isDelayed(line)) this.#candles.step(line, { kind: 'coverage-gained', fromMs: (seconds + 1) * 1000 });
    this.setFeed(line, this.flowing(line), 'subscription confirmed');
  }
}
