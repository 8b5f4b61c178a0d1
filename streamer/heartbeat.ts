import type { Heartbeat, HeartbeatStore } from '../lib/ports/lease-store.ts';
import type { Logger } from './logger.ts';
import type { Streamer } from './streamer.ts';

type Stats = ReturnType<Streamer['stats']>;

/** What the streamer says of itself to the watchdog and to operators. */
export function heartbeatOf(stats: Stats, atMs: number): Heartbeat {
  return {
    streamer: stats.streamer,
    epoch: stats.epoch,
    atMs,
    phase: stats.session.phase,
    ready: stats.ready,
    marketMs: stats.marketMs,
    feeds: stats.marketData.lines.map(({ symbol, localSymbol, conId, feed, trades }) => ({
      symbol: localSymbol === '' ? symbol : localSymbol,
      conId,
      feed,
      trades,
    })),
    orders: { synced: stats.orders.synced, syncedAtMs: stats.orders.syncedAtMs },
    outboxDepth: stats.outbox.depth,
    bookDepth: stats.book?.depth ?? 0,
    startedAtMs: atMs - stats.uptimeMs,
  };
}

export interface HeartbeatsOptions {
  readonly account: string;
  readonly store: HeartbeatStore;
  readonly everyMs: number;
  readonly logger: Logger;
  /** Whether the lease is held at this moment: nobody else speaks for the account. */
  readonly mayWrite: () => boolean;
  readonly stats: () => Stats;
  readonly systemMs: () => number;
}

/** Writes a heartbeat now and then one every so often, never two at a time. One that fails is left out. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  #timer: NodeJS.Timeout | undefined;
  #writing = false;
  #failing = false;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#beat(), this.#options.everyMs);
    void this.#beat();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    const { account, store, logger, mayWrite, stats, systemMs } = this.#options;
    if (this.#writing || !mayWrite()) return;
    this.#writing = true;
    try {
      await store.write(account, heartbeatOf(stats(), systemMs()));
      if (this.#failing) logger.info('Heartbeats are written again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) logger.warn('The heartbeat cannot be written', { error: String(error) });
      this.#failing = true;
    } finally {
      this.#writing = false;
    }
  }
}
