import type { OutboxRow } from './outbox.ts';

const WINDOW_MS = 60_000;
const BUCKET_MS = 10_000;

/** The longest way of a candle to the bus within the last minute: from the bar's end to the answer of the bus. */
export class CandleLateness {
  #buckets: { readonly fromMs: number; worstMs: number }[] = [];

  /** What the bus took at this moment of the system's clock. */
  published(rows: readonly OutboxRow[], nowMs: number): void {
    for (const { envelope } of rows) {
      // A bar from history is as late as its gap was long, by intent.
      if (envelope.type !== 'candle.completed' || envelope.data.source === 'backfill') continue;
      const { startMs, intervalMs } = envelope.data;
      // To the close by the market's clock, which on a tape is not the system's; from there on by the system's.
      const closedMs = Date.parse(envelope.occurredAt) - (startMs + intervalMs);
      const sentMs = nowMs - Date.parse(envelope.recordedAt);
      this.#note(Math.max(0, closedMs) + Math.max(0, sentMs), nowMs);
    }
  }

  /** Milliseconds; null where no bar left within the last minute. */
  worstMs(nowMs: number): number | null {
    this.#forget(nowMs);
    if (this.#buckets.length === 0) return null;
    return Math.max(...this.#buckets.map(({ worstMs }) => worstMs));
  }

  #note(latenessMs: number, nowMs: number): void {
    const fromMs = nowMs - (nowMs % BUCKET_MS);
    const last = this.#buckets.at(-1);
    if (last?.fromMs === fromMs) last.worstMs = Math.max(last.worstMs, latenessMs);
    else this.#buckets.push({ fromMs, worstMs: latenessMs });
    this.#forget(nowMs);
  }

  #forget(nowMs: number): void {
    this.#buckets = this.#buckets.filter(({ fromMs }) => fromMs > nowMs - WINDOW_MS - BUCKET_MS);
  }
}
