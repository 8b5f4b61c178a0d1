import type { Config } from '../config/schema.ts';
import {
  createGapBook,
  firstPendingMs,
  type Gap,
  type GapEffect,
  type GapInput,
  deadline as gapDeadline,
  step as stepGaps,
} from '../lib/domain/market/gaps.ts';
import type { MarketClock } from '../lib/domain/market/market-clock.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { History } from './history.ts';
import type { Logger } from './logger.ts';
import type { MarketData } from './market-data.ts';

/** What the driver of the gaps works with. */
export interface GapDriverHost {
  readonly clock: MarketClock;
  readonly systemMs: () => number;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  readonly history: History;
  readonly marketData: MarketData;
}

/** Feeds the book of gaps and carries out what it decides: requests for history, bars for the builders, events. */
export class GapDriver {
  readonly #host: GapDriverHost;
  readonly #book;

  constructor(config: Config, host: GapDriverHost) {
    this.#host = host;
    this.#book = createGapBook({
      maxAttempts: config.backfill.maxAttempts,
      requestsPerTenMinutes: config.backfill.requestsPerTenMinutes,
      retryMs: config.backfill.retryMs,
      maxInFlight: 5,
      answerTimeoutMs: 60_000,
      maxPending: 1_000,
    });
  }

  feed(input: GapInput): void {
    const { systemMs, clock } = this.#host;
    const { effects } = stepGaps(this.#book, input, systemMs(), clock.marketMs);
    for (const effect of effects) this.#perform(effect);
  }

  /** System time at which the book wants a `tick`. */
  deadline(nowMs: number): number {
    return gapDeadline(this.#book, nowMs, this.#host.clock.marketMs);
  }

  /** Market time at which the next gap's last bar is over; Infinity when no gap waits for that. */
  get nextOverMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const gap of this.#book.gaps.values()) {
      if (gap.toMs > this.#host.clock.marketMs) nextMs = Math.min(nextMs, gap.toMs);
    }
    return nextMs;
  }

  /** The watermarks, none of them beyond a stretch of its instrument that is still open. */
  holdBack(watermarks: Map<number, number>): Map<number, number> {
    for (const [conId, closedThroughMs] of watermarks) {
      watermarks.set(conId, Math.min(closedThroughMs, firstPendingMs(this.#book, conId)));
    }
    return watermarks;
  }

  stats() {
    return {
      open: this.#book.gaps.size,
      filled: this.#book.filled,
      abandoned: this.#book.abandoned,
      requests: this.#book.requested,
      bars: this.#book.backfilledBars,
    };
  }

  #perform(effect: GapEffect): void {
    const { logger, recorder, history, marketData } = this.#host;
    switch (effect.kind) {
      case 'detected':
        recorder.emitNow('gap.detected', {
          ...this.#fields(effect.gap),
          reason: effect.gap.reason as EventData<'gap.detected'>['reason'],
        });
        return;
      case 'request':
        logger.info('Asking for history to fill a gap', {
          conId: effect.conId,
          from: new Date(effect.fromMs).toISOString(),
          to: new Date(effect.toMs).toISOString(),
        });
        history.request(effect.key, effect.conId, effect.fromMs, effect.toMs);
        return;
      case 'bars':
        marketData.backfill(effect.conId, effect.fromMs, effect.toMs, effect.bars);
        return;
      case 'filled':
        recorder.emitNow('gap.filled', { ...this.#fields(effect.gap), bars: effect.bars });
        return;
      case 'abandoned':
        logger.error('A gap could not be filled from history', {
          gap: effect.gap.id,
          lastError: effect.lastError,
        });
        recorder.emitNow('gap.abandoned', {
          ...this.#fields(effect.gap),
          attempts: effect.gap.attempts,
          lastError: effect.lastError,
        });
        return;
    }
  }

  #fields(gap: Gap) {
    return {
      gapId: gap.id,
      conId: gap.conId,
      symbol: this.#host.marketData.instrument(gap.conId)?.localSymbol ?? String(gap.conId),
      fromMs: gap.fromMs,
      toMs: gap.toMs,
    };
  }
}
