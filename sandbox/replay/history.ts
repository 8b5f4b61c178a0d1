/** The broker's history of a tape: bars of the rows themselves, whatever became of them on their way. */
import type { HistoricalBar } from '../../lib/domain/market/candle-builder.ts';
import { parsePrice, parseSize } from '../../lib/domain/market/fixed.ts';
import type { TapeRow } from '../tapes/tape.ts';

export class TapeHistory {
  readonly #bars = new Map<number, HistoricalBar>();

  constructor(rows: readonly TapeRow[], symbol: string, sizeDecimals: number, intervalMs: number) {
    for (const row of rows) {
      if (row.symbol !== symbol || row.kind !== 'trade') continue;
      const startMs = Math.floor(row.timeMs / intervalMs) * intervalMs;
      const [price, size] = [parsePrice(row.price), parseSize(row.size, sizeDecimals)];
      const bar = this.#bars.get(startMs);
      this.#bars.set(startMs, {
        startMs,
        open: bar?.open ?? price,
        high: Math.max(bar?.high ?? price, price),
        low: Math.min(bar?.low ?? price, price),
        close: price,
        volume: (bar?.volume ?? 0) + size,
        tickCount: (bar?.tickCount ?? 0) + 1,
      });
    }
  }

  /** Bars that start in [fromMs, toMs). */
  between(fromMs: number, toMs: number): HistoricalBar[] {
    return [...this.#bars.values()].filter(({ startMs }) => startMs >= fromMs && startMs < toMs);
  }
}
