/** Renders docs/metrics.md from the catalogue, so that it cannot drift. */
import { type Emitter, emitters } from '../../lib/domain/metrics/catalogue.ts';
import type { Metric } from '../../lib/domain/metrics/metric.ts';

/** USD a month for a custom metric; list price of us-east-1. */
const metricPrice = 0.3;

export function renderMetricDocs(): string {
  const told = (emitter: Emitter) => emitter.metrics.filter(({ emf }) => emf).length;
  const counted = (ofStreamer: boolean) =>
    emitters
      .filter(({ dimensions }) => dimensions.includes('streamer') === ofStreamer)
      .reduce((sum, emitter) => sum + told(emitter), 0);
  const price = (metrics: number) => (metrics * metricPrice).toFixed(2);
  return [
    '# Metrics',
    '',
    'Every figure that Evenkeel tells of itself. One name each, the same for Prometheus and for CloudWatch, prefix `evenkeel`.',
    'This page is made from `lib/domain/metrics`; after a change run `vitest run test/unit/metrics --update`. What rests on them:',
    'the [alarms](operations.md#alarms), and the dashboard `evenkeel-<stage>` of CloudWatch.',
    '',
    '## Two forms',
    '',
    '| form | who | where | when |',
    '|---|---|---|---|',
    '| Prometheus | the streamer | `/metrics` on the loopback of its task (`streamers[].health`) | at each scrape |',
    '| CloudWatch | the streamer and functions | one line of the log in the embedded metric format, namespace `Evenkeel` | the streamer every 60 s, a function when it has worked |',
    '',
    'A `gauge` is as it is now. A `counter` counts since the start for Prometheus (`rate`, `increase`), and for CloudWatch what came on',
    'since the line before (statistic Sum). Prometheus has all of the streamer; CloudWatch, where each name has a price, those that',
    'alarms and the dashboard use. Labels are of Prometheus alone. A figure of which there is nothing to say is left out: while',
    'another process holds the lease, a streamer tells only of the lease.',
    '',
    'In CloudWatch a figure is found under its stage, and under its streamer where it is of one. There is no other dimension: each',
    'value of one more would be a metric of its own. What else stands in the line (`status` and `run_id` of a reconcile) costs',
    'nothing and is found by CloudWatch Logs Insights:',
    '',
    '```',
    'filter ispresent(evenkeel_reconcile_runs_total) | stats count() by status, bin(1h)',
    '```',
    '',
    'The lines of the sandbox and of `npm run streamer -- --print` are in no log that CloudWatch reads; `/metrics` is the same there.',
    'Figures of the process itself come from prom-client as `evenkeel_process_*` and `evenkeel_nodejs_*`, to Prometheus alone.',
    '',
    ...emitters.flatMap(section),
    '## Price',
    '',
    `CloudWatch takes 0.30 USD a month for a custom metric: ${counted(true)} for each streamer are ${price(counted(true))} USD, ${counted(false)} for each stage`,
    `${price(counted(false))} USD (list prices of us-east-1, calculated, not measured). What is told for some hours of a month costs that share of`,
    'it. An alarm costs 0.10 USD a month for each metric that it looks at.',
    '',
  ].join('\n');
}

function section({ name, dimensions, prometheus, when, metrics }: Emitter): string[] {
  const where = dimensions.map((dimension) => `\`${dimension}\``).join(', ');
  const row = (metric: Metric): string => {
    const { name: own, kind, unit, meaning, labels = [] } = metric;
    const said = labels.length === 0 ? '' : ` (labels ${labels.map((label) => `\`${label}\``).join(', ')})`;
    const cells = [`\`${own}\``, kind, unit, metric.emf ? 'yes' : '', `${meaning}${said}`];
    return `| ${cells.join(' | ')} |`;
  };
  return [
    `## ${name}`,
    '',
    `Told ${when}. ${prometheus ? 'Both forms.' : 'CloudWatch alone.'} Dimensions in CloudWatch: ${where}.`,
    '',
    '| name | kind | unit | CloudWatch | meaning |',
    '|---|---|---|---|---|',
    ...metrics.map(row),
    '',
  ];
}
