import {
  type BuilderEffect,
  deadline as builderDeadline,
  step as stepBuilder,
} from '../lib/domain/market/candle-builder.ts';
import { formatPrice, formatSize } from '../lib/domain/market/fixed.ts';
import { type Line, remember } from './line.ts';
import type { MarketDataHost } from './market-data-host.ts';

/** Drives the lines' candle builders, tells what they bring forth as events, and knows when the next bar closes. */
export class CandleEvents {
  readonly #host: MarketDataHost;
  readonly #lines: readonly Line[];
  #nextCloseMs = Number.POSITIVE_INFINITY;

  constructor(host: MarketDataHost, lines: readonly Line[]) {
    this.#host = host;
    this.#lines = lines;
  }

  /** Market time at which the next bar closes, Infinity when none is open. */
  get nextCloseMs(): number {
    return this.#nextCloseMs;
  }

  step(line: Line, input: Parameters<typeof stepBuilder>[1]): void {
    if (!line.builder) return;
    const { effects } = stepBuilder(line.builder, input, this.#host.clock.marketMs);
    if (effects.length > 0) this.apply(line, effects);
    this.planClose(line);
  }

  planClose(line: Line): void {
    const next = builderDeadline(line.builder!);
    if (next >= this.#nextCloseMs) return;
    this.#nextCloseMs = next;
    this.#host.closeMoved();
  }

  /** Closes the bars whose time is over. */
  closeDue(): void {
    const { marketMs } = this.#host.clock;
    this.#nextCloseMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) {
      if (!line.builder) continue;
      if (builderDeadline(line.builder) <= marketMs) {
        const { effects } = stepBuilder(line.builder, { kind: 'clock' }, marketMs);
        if (effects.length > 0) this.apply(line, effects);
      }
      this.planClose(line);
    }
  }

  apply(line: Line, effects: readonly BuilderEffect[]): void {
    const { instrument } = line;
    if (!instrument) return;
    const nowMs = this.#host.clock.marketMs;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'candle':
          line.candles += 1;
          remember(line.recent, effect.candle);
          if (effect.type === 'completed') this.#host.emit('candle.completed', effect.candle, nowMs);
          else
            this.#host.emit(
              'candle.corrected',
              { ...effect.candle, reason: effect.reason ?? 'late-tick' },
              nowMs,
            );
          break;
        case 'late-tick':
          this.#host.emit(
            'tick.late',
            {
              conId: instrument.conId,
              symbol: instrument.localSymbol,
              timeMs: effect.timeMs,
              price: formatPrice(effect.price),
              size: formatSize(effect.size, line.sizeDecimals),
              latenessMs: effect.latenessMs,
            },
            nowMs,
          );
          break;
        case 'gap':
          this.#host.gap(instrument.conId, effect.fromMs, effect.toMs, effect.reason);
          break;
      }
    }
  }
}
