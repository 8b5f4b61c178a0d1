import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { emfLine, type Metric, type NameOf } from '../lib/domain/metrics/metric.ts';
import { streamerMetrics } from '../lib/domain/metrics/streamer-metrics.ts';
import type { HealthSource } from './health.ts';
import type { LeaseStats } from './lease-keeper.ts';
import type { Streamer } from './streamer.ts';

/** The streamer's figures in both forms: for Prometheus at the moment of the scrape, for CloudWatch line by line. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** One line to the log, from which CloudWatch makes metrics. */
  publishEmf(): void;
}

export interface MetricsOptions {
  readonly stage: string;
  /** Name of the streamer. */
  readonly streamer: string;
  /** Takes a line of the log as it is. */
  readonly printLine?: (line: string) => void;
  /** System clock, Unix ms. */
  readonly nowMs?: () => number;
}

type Source = Pick<HealthSource, 'streamer' | 'lease'>;
type Stats = ReturnType<Streamer['stats']>;
type Name = NameOf<typeof streamerMetrics>;
type LeaseName = Extract<Name, `evenkeel_lease_${string}`>;
interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
/** Undefined: there is nothing to say. */
type Reading = number | undefined | readonly Sample[];

const ofLease: { readonly [N in LeaseName]: (lease: LeaseStats) => number } = {
  evenkeel_lease_held: ({ held }) => (held ? 1 : 0),
  evenkeel_lease_token: ({ token }) => token,
};

const ofStreamer: { readonly [N in Exclude<Name, LeaseName>]: (stats: Stats) => Reading } = {
  evenkeel_session_ready: (s) => (s.session.phase === 'ready' ? 1 : 0),
  evenkeel_session_failures: (s) => s.session.failures,
  evenkeel_connection_attempts_total: (s) => s.session.attempts,
  evenkeel_market_time_seconds: (s) => s.marketMs / 1000,
  evenkeel_tick_buffer_depth: (s) => s.marketData.buffer.depth,
  evenkeel_tick_buffer_utilisation: (s) => s.marketData.buffer.utilisation,
  evenkeel_ticks_total: (s) => s.marketData.buffer.pushed,
  evenkeel_dropped_quotes_total: (s) => s.marketData.buffer.droppedQuotes,
  evenkeel_dropped_trades_total: (s) => s.marketData.buffer.droppedTrades,
  evenkeel_malformed_ticks_total: (s) => s.marketData.malformedTicks,
  evenkeel_candles_total: (s) =>
    s.marketData.lines.map(({ symbol, candles }) => ({ labels: { symbol }, value: candles })),
  evenkeel_candle_lateness_seconds: ({ candleLatenessMs: ms }) => (ms === null ? undefined : ms / 1000),
  evenkeel_gaps_open: (s) => s.gaps.open,
  evenkeel_gaps_filled_total: (s) => s.gaps.filled,
  evenkeel_gaps_abandoned_total: (s) => s.gaps.abandoned,
  evenkeel_backfilled_bars_total: (s) => s.gaps.bars,
  evenkeel_outbox_depth: (s) => s.outbox.depth,
  evenkeel_outbox_utilisation: (s) => s.outbox.utilisation,
  evenkeel_outbox_dead: (s) => s.outbox.dead,
  evenkeel_events_published_total: (s) => s.publisher.published,
  evenkeel_publish_failures_total: (s) => s.publisher.failures,
  evenkeel_book_outbox_depth: (s) => s.book?.depth ?? 0,
  evenkeel_book_outbox_dead: (s) => s.book?.dead ?? 0,
  evenkeel_book_events_published_total: (s) => s.book?.publisher.published ?? 0,
  evenkeel_book_publish_failures_total: (s) => s.book?.publisher.failures ?? 0,
  evenkeel_orders_synced: (s) => (s.orders.synced ? 1 : 0),
  evenkeel_orders_synced_time_seconds: (s) => s.orders.syncedAtMs / 1000,
  evenkeel_orders_working: (s) => s.orders.working,
  evenkeel_orders_held: (s) => s.orders.held,
  evenkeel_broker_facts_total: (s) => s.orders.facts,
  evenkeel_broker_lists_total: (s) =>
    Object.entries(s.orders.lists).flatMap(([list, { ok, partial, failed }]) =>
      Object.entries({ ok, partial, failed }).map(([outcome, value]) => ({
        labels: { list, outcome },
        value,
      })),
    ),
  evenkeel_listener_faults_total: (s) => s.listenerFaults,
  evenkeel_commands_answered_total: (s) => s.commands.answered,
  evenkeel_commands_denied_total: (s) => s.commands.denied,
};

/** While the lease is another one's, the figures of the streamer are left out: zeros would look like a fault. */
export function createMetrics(source: Source, options: MetricsOptions): Metrics {
  const { stage, streamer, printLine = console.log, nowMs = Date.now } = options;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'evenkeel_' });
  const shown = streamerMetrics.map((metric) => ({ metric, show: exposed(metric, registry) }));
  let before = new Map<string, number>();
  return {
    contentType: registry.contentType,
    text() {
      const values = readAll(source);
      for (const { metric, show } of shown) show(samplesOf(values.get(metric.name)));
      return registry.metrics();
    },
    publishEmf() {
      const values = readAll(source);
      const now = new Map<string, number>();
      const told: Partial<Record<Name, number>> = {};
      for (const { name, kind } of streamerMetrics) {
        const value = values.get(name);
        if (typeof value !== 'number') continue;
        now.set(name, value);
        told[name] = kind === 'counter' ? growth(value, before.get(name)) : value;
      }
      before = now;
      const dimensions = { stage, streamer };
      const line = emfLine({ metrics: streamerMetrics, values: told, dimensions, nowMs: nowMs() });
      if (line !== undefined) printLine(line);
    },
  };
}

function readAll(source: Source): ReadonlyMap<string, Reading> {
  const readings = new Map<string, Reading>();
  const lease = source.lease();
  for (const [name, read] of Object.entries(ofLease)) readings.set(name, read(lease));
  const stats = source.streamer()?.stats();
  if (stats === undefined) return readings;
  for (const [name, read] of Object.entries(ofStreamer)) readings.set(name, read(stats));
  return readings;
}

/** A new term of the lease counts from zero again. */
function growth(value: number, before = 0): number {
  return value >= before ? value - before : value;
}

function samplesOf(reading: Reading): readonly Sample[] {
  if (reading === undefined) return [];
  return typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading;
}

/** @returns shows these samples and no others from now on */
function exposed(
  { name, kind, meaning, labels = [] }: Metric,
  registry: Registry,
): (samples: readonly Sample[]) => void {
  const shape = { name, help: meaning, labelNames: [...labels], registers: [registry] };
  const form = kind === 'counter' ? new Counter(shape) : new Gauge(shape);
  return (samples) => {
    form.reset();
    if (labels.length === 0 && samples.length === 0) form.remove();
    for (const { labels: own, value } of samples) form.inc(own, value);
  };
}
