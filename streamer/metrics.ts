import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { HealthSource } from './health.ts';
import type { Streamer } from './streamer.ts';

/** The streamer's figures for Prometheus, read at the moment of the scrape, and the few that alarms rest on as EMF. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** One EMF line to standard output, from which CloudWatch makes metrics. */
  publishEmf(): void;
}

type Stats = ReturnType<Streamer['stats']>;

const FIGURES: readonly [name: string, help: string, read: (stats: Stats) => number][] = [
  ['evenkeel_session_ready', '1 when the session is ready', (s) => (s.session.phase === 'ready' ? 1 : 0)],
  ['evenkeel_session_failures', 'Failed connections in a row', (s) => s.session.failures],
  ['evenkeel_connection_attempts', 'Connections tried since the start', (s) => s.session.attempts],
  ['evenkeel_market_time_seconds', 'Market clock, Unix seconds UTC', (s) => s.marketMs / 1000],
  ['evenkeel_tick_buffer_depth', 'Ticks that wait', (s) => s.marketData.buffer.depth],
  ['evenkeel_tick_buffer_utilisation', 'Share of the buffer in use', (s) => s.marketData.buffer.utilisation],
  ['evenkeel_ticks_total', 'Ticks taken in', (s) => s.marketData.buffer.pushed],
  [
    'evenkeel_dropped_quotes_total',
    'Quotes dropped for want of room',
    (s) => s.marketData.buffer.droppedQuotes,
  ],
  [
    'evenkeel_dropped_trades_total',
    'Trades dropped for want of room',
    (s) => s.marketData.buffer.droppedTrades,
  ],
  ['evenkeel_malformed_ticks_total', 'Ticks that could not be read', (s) => s.marketData.malformedTicks],
  ['evenkeel_gaps_open', 'Gaps that wait for history', (s) => s.gaps.open],
  ['evenkeel_gaps_filled_total', 'Gaps filled from history', (s) => s.gaps.filled],
  ['evenkeel_gaps_abandoned_total', 'Gaps given up', (s) => s.gaps.abandoned],
  ['evenkeel_backfilled_bars_total', 'Bars taken from history', (s) => s.gaps.bars],
  ['evenkeel_outbox_depth', 'Events that wait for the bus', (s) => s.outbox.depth],
  ['evenkeel_outbox_utilisation', 'Share of the outbox in use', (s) => s.outbox.utilisation],
  ['evenkeel_outbox_dead', 'Events that can never be published', (s) => s.outbox.dead],
  ['evenkeel_events_published_total', 'Events that the bus has taken', (s) => s.publisher.published],
  ['evenkeel_publish_failures_total', 'Entries that the bus refused', (s) => s.publisher.failures],
  ['evenkeel_book_outbox_depth', "Events that wait for the book's queue", (s) => s.book?.depth ?? 0],
  ['evenkeel_book_outbox_dead', "Events that the book's queue can never take", (s) => s.book?.dead ?? 0],
  [
    'evenkeel_book_events_published_total',
    "Events that the book's queue has taken",
    (s) => s.book?.publisher.published ?? 0,
  ],
  [
    'evenkeel_book_publish_failures_total',
    "Entries that the book's queue refused",
    (s) => s.book?.publisher.failures ?? 0,
  ],
  [
    'evenkeel_orders_synced',
    "1 when orders and positions agree with the broker's lists",
    (s) => (s.orders.synced ? 1 : 0),
  ],
  [
    'evenkeel_orders_synced_time_seconds',
    "When they were last compared with the broker's lists, Unix seconds UTC",
    (s) => s.orders.syncedAtMs / 1000,
  ],
  ['evenkeel_orders_working', 'Orders that live', (s) => s.orders.working],
  ['evenkeel_orders_held', 'Orders that IB has given no permId yet', (s) => s.orders.held],
  ['evenkeel_broker_facts_total', 'Messages on orders, positions and cash', (s) => s.orders.facts],
  ['evenkeel_listener_faults_total', 'Messages lost to a failing listener', (s) => s.listenerFaults],
];

/** While the lease is another one's, the figures of the streamer are left out: zeros would look like a fault. */
export function createMetrics(source: Pick<HealthSource, 'streamer' | 'lease'>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'evenkeel_' });
  for (const [name, help, read] of FIGURES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const stats = source.streamer()?.stats();
        if (stats === undefined) this.remove();
        else this.set(read(stats));
      },
    });
  }
  new Gauge({
    name: 'evenkeel_candles_total',
    help: 'Candles emitted, by symbol',
    labelNames: ['symbol'],
    registers: [registry],
    collect() {
      this.reset();
      for (const line of source.streamer()?.stats().marketData.lines ?? [])
        this.set({ symbol: line.symbol }, line.candles);
    },
  });
  new Gauge({
    name: 'evenkeel_broker_lists_total',
    help: "The broker's lists, by list and outcome",
    labelNames: ['list', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [list, { ok, partial, failed }] of Object.entries(
        source.streamer()?.stats().orders.lists ?? {},
      ))
        for (const [outcome, count] of Object.entries({ ok, partial, failed }))
          this.set({ list, outcome }, count);
    },
  });
  new Gauge({
    name: 'evenkeel_lease_held',
    help: '1 while this process holds the lease',
    registers: [registry],
    collect() {
      this.set(source.lease().held ? 1 : 0);
    },
  });
  new Gauge({
    name: 'evenkeel_lease_token',
    help: 'Fencing token of the lease that is held; 0 without one',
    registers: [registry],
    collect() {
      this.set(source.lease().token);
    },
  });
  const emf = new EmfMetrics({ namespace: 'Evenkeel', serviceName: 'streamer' });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    publishEmf() {
      const stats = source.streamer()?.stats();
      emf.addMetric('LeaseHeld', MetricUnit.Count, source.lease().held ? 1 : 0);
      if (stats === undefined) return emf.publishStoredMetrics();
      emf.addMetric('SessionReady', MetricUnit.Count, stats.session.phase === 'ready' ? 1 : 0);
      emf.addMetric('OutboxDepth', MetricUnit.Count, stats.outbox.depth);
      emf.addMetric('BookOutboxDepth', MetricUnit.Count, stats.book?.depth ?? 0);
      emf.addMetric('OrdersSynced', MetricUnit.Count, stats.orders.synced ? 1 : 0);
      emf.addMetric('TickBufferUtilisation', MetricUnit.Percent, stats.marketData.buffer.utilisation * 100);
      emf.addMetric('DroppedTrades', MetricUnit.Count, stats.marketData.buffer.droppedTrades);
      emf.addMetric('DroppedQuotes', MetricUnit.Count, stats.marketData.buffer.droppedQuotes);
      emf.addMetric('GapsOpen', MetricUnit.Count, stats.gaps.open);
      emf.addMetric('PublishFailures', MetricUnit.Count, stats.publisher.failures);
      emf.publishStoredMetrics();
    },
  };
}
