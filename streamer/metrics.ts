import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
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
  ['evenkeel_listener_faults_total', 'Messages lost to a failing listener', (s) => s.listenerFaults],
];

export function createMetrics(streamer: Streamer): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'evenkeel_' });
  for (const [name, help, read] of FIGURES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(streamer.stats()));
      },
    });
  }
  new Gauge({
    name: 'evenkeel_candles_total',
    help: 'Candles emitted, by symbol',
    labelNames: ['symbol'],
    registers: [registry],
    collect() {
      for (const line of streamer.stats().marketData.lines) this.set({ symbol: line.symbol }, line.candles);
    },
  });
  const emf = new EmfMetrics({ namespace: 'Evenkeel', serviceName: 'streamer' });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    publishEmf() {
      const stats = streamer.stats();
      emf.addMetric('SessionReady', MetricUnit.Count, stats.session.phase === 'ready' ? 1 : 0);
      emf.addMetric('OutboxDepth', MetricUnit.Count, stats.outbox.depth);
      emf.addMetric('TickBufferUtilisation', MetricUnit.Percent, stats.marketData.buffer.utilisation * 100);
      emf.addMetric('DroppedTrades', MetricUnit.Count, stats.marketData.buffer.droppedTrades);
      emf.addMetric('DroppedQuotes', MetricUnit.Count, stats.marketData.buffer.droppedQuotes);
      emf.addMetric('GapsOpen', MetricUnit.Count, stats.gaps.open);
      emf.addMetric('PublishFailures', MetricUnit.Count, stats.publisher.failures);
      emf.publishStoredMetrics();
    },
  };
}
