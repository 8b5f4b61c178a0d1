import { bookKeeperMetrics } from '../../lib/domain/metrics/function-metrics.ts';
import { emfLine } from '../../lib/domain/metrics/metric.ts';
import type { KeptAs } from './keeper.ts';

/** What became of the messages of one call, counted, as one line for CloudWatch. */
export class Tally {
  readonly #stage: string;
  #counts = new Map<KeptAs, number>();

  constructor(stage: string) {
    this.#stage = stage;
  }

  count(what: KeptAs): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Begins anew. Undefined where nothing happened that is worth a line: an event that came twice is not. */
  take(nowMs: number): string | undefined {
    const counts = this.#counts;
    this.#counts = new Map();
    return emfLine({
      metrics: bookKeeperMetrics,
      values: {
        evenkeel_book_booked_total: counts.get('booked'),
        evenkeel_book_refused_total: counts.get('refused'),
        evenkeel_book_retried_total: counts.get('retried'),
      },
      dimensions: { stage: this.#stage },
      properties: { service: 'book-keeper' },
      nowMs,
    });
  }
}
