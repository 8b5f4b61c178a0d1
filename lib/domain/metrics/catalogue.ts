/** Every metric of Evenkeel, and who emits it. docs/metrics.md is made from this list; alarms and dashboard name these. */
import { backupMetrics, bookKeeperMetrics, reconcileMetrics } from './function-metrics.ts';
import type { Metric, NameOf } from './metric.ts';
import { streamerMetrics } from './streamer-metrics.ts';

/** Stage and name of the streamer. The stage has to be there: two stages may share an account of AWS. */
const ofStreamer = ['stage', 'streamer'] as const;
const ofStage = ['stage'] as const;

export interface Emitter {
  /** The streamer, or a function's name. */
  readonly name: string;
  readonly dimensions: readonly string[];
  /** Whether Prometheus can ask it: a function is gone when it has answered. */
  readonly prometheus: boolean;
  readonly when: string;
  readonly metrics: readonly Metric[];
}

export const emitters: readonly Emitter[] = [
  {
    name: 'streamer',
    dimensions: ofStreamer,
    prometheus: true,
    when: 'every 60 s to the log, from the first minute on; for Prometheus at each scrape of `/metrics`',
    metrics: streamerMetrics,
  },
  {
    name: 'reconcile',
    dimensions: ofStreamer,
    prometheus: false,
    when: 'at the end of each run, with its status in the same line of the log',
    metrics: reconcileMetrics,
  },
  {
    name: 'book-keeper',
    dimensions: ofStage,
    prometheus: false,
    when: 'after each batch in which there was something to tell',
    metrics: bookKeeperMetrics,
  },
  {
    name: 'backup',
    dimensions: ofStage,
    prometheus: false,
    when: 'after each backup that was made',
    metrics: backupMetrics,
  },
];

export type MetricName =
  | NameOf<typeof streamerMetrics>
  | NameOf<typeof reconcileMetrics>
  | NameOf<typeof bookKeeperMetrics>
  | NameOf<typeof backupMetrics>;
