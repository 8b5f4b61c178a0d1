/** What a metric is, and the one line in which CloudWatch reads metrics (embedded metric format). */

/** Of CloudWatch. Shares are `None`: 0.8 is 0.8 in both forms. */
export type MetricUnit = 'Count' | 'Seconds' | 'Bytes' | 'None';

export interface Metric {
  /** The same for Prometheus and CloudWatch. */
  readonly name: string;
  /**
   * `gauge`: as it is now. `counter`: for Prometheus since the start; for CloudWatch what came on since the export before, so
   * that the statistic Sum is what happened in a period.
   */
  readonly kind: 'gauge' | 'counter';
  readonly unit: MetricUnit;
  readonly meaning: string;
  /** Whether CloudWatch gets it: each name costs money there for each streamer. */
  readonly emf: boolean;
  /** Of Prometheus alone: for CloudWatch each of their values would be a metric of its own. */
  readonly labels?: readonly string[];
}

export type NameOf<L extends readonly Metric[]> = L[number]['name'];

export const metricNamespace = 'Evenkeel';

/** Between two exports of a process that lives on. CloudWatch's own grain for metrics without extra cost. */
export const exportEveryMs = 60_000;

export interface EmfInput<L extends readonly Metric[]> {
  readonly metrics: L;
  /** What is undefined, or no finite number, is left out. */
  readonly values: Readonly<Partial<Record<NameOf<L>, number | undefined>>>;
  /** One set of dimensions: the stage, and the streamer where the figures are of one. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Stand in the line, for queries of the log, and cost nothing. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Unix ms. */
  readonly nowMs: number;
}

/**
 * One line of the log, from which CloudWatch makes metrics.
 *
 * By hand, and not by a library: it would add 16 KiB to each function, more than the largest of them has left.
 *
 * @returns undefined where there is no value
 */
export function emfLine<const L extends readonly Metric[]>(input: EmfInput<L>): string | undefined {
  const { metrics, dimensions, properties = {}, nowMs } = input;
  const values = input.values as Readonly<Record<string, number | undefined>>;
  const told = metrics.filter(({ name, emf }) => emf && Number.isFinite(values[name]));
  if (told.length === 0) return undefined;
  return JSON.stringify({
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: metricNamespace,
          Dimensions: [Object.keys(dimensions)],
          Metrics: told.map(({ name, unit }) => ({ Name: name, Unit: unit })),
        },
      ],
    },
    ...properties,
    ...dimensions,
    ...Object.fromEntries(told.map(({ name }) => [name, values[name]])),
  });
}
