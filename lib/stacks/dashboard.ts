import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { StreamerConfig } from '../../config/schema.ts';
import type { MetricName } from '../domain/metrics/catalogue.ts';
import { runbookPage } from './alarm-runbook.ts';
import {
  allDeadLetters,
  functionFailures,
  minutes,
  nameOf,
  type Observed,
  ownMetric,
  ruleFailures,
  tableThrottles,
} from './observed.ts';

/** Of a widget; a row has 24. */
const third = 8;
const whole = 24;
/** CloudWatch takes no more alarms than these. */
const inOneWidget = 100;

export interface StageDashboardProps extends Observed {
  readonly alarms: readonly Alarm[];
}

/** One page of a stage, to be read from top to bottom: is anything wrong, what works, what waits, what is kept. */
export class StageDashboard extends Construct {
  constructor(scope: Construct, id: string, props: StageDashboardProps) {
    super(scope, id);
    const { prefix, config, alarms } = props;
    const dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: prefix,
      defaultInterval: Duration.hours(12),
    });
    for (let from = 0; from < alarms.length; from += inOneWidget) {
      const some = alarms.slice(from, from + inOneWidget);
      dashboard.addWidgets(
        new AlarmStatusWidget({
          title: 'Alarms',
          alarms: some,
          width: whole,
          height: 2 + Math.ceil(some.length / 6),
        }),
      );
    }
    dashboard.addWidgets(text(`What each alarm means, and what to do: \`${runbookPage}\`. Times are UTC.`));
    for (const streamer of config.streamers)
      for (const row of ofStreamer(props, streamer)) dashboard.addWidgets(...row);
    for (const row of [...ofQueues(props), ...ofFunctions(this, props), ...ofBackups(props)])
      dashboard.addWidgets(...row);
  }
}

type Row = readonly IWidget[];

function ofStreamer({ config }: Observed, { name: streamer, account }: StreamerConfig): Row[] {
  const { stage, reconcile } = config;
  const own = (metric: MetricName, statistic: string, period = minutes(1)) =>
    ownMetric(metric, { stage, streamer }, { statistic, period });
  const every = minutes(reconcile.everyMinutes);
  return [
    [text(`## Streamer ${streamer}, account ${account}`)],
    [
      graph('Session and feed: 1 is well', [
        own('evenkeel_lease_held', 'Maximum'),
        own('evenkeel_session_ready', 'Minimum'),
        own('evenkeel_orders_synced', 'Minimum'),
      ]),
      graph(
        'Ticks',
        [own('evenkeel_ticks_total', 'Sum')],
        [own('evenkeel_dropped_trades_total', 'Sum'), own('evenkeel_dropped_quotes_total', 'Sum')],
      ),
      graph(
        'Candles: seconds to the bus, gaps',
        [own('evenkeel_candle_lateness_seconds', 'Maximum')],
        [own('evenkeel_gaps_open', 'Maximum')],
      ),
    ],
    [
      graph('Orders: commands denied', [own('evenkeel_commands_denied_total', 'Sum')]),
      graph(
        'Reconcile: runs, failed, seconds',
        [
          own('evenkeel_reconcile_runs_total', 'Sum', every),
          own('evenkeel_reconcile_failed_total', 'Sum', every),
        ],
        [own('evenkeel_reconcile_duration_seconds', 'Maximum', every)],
      ),
      graph('Discrepancies', [
        own('evenkeel_reconcile_critical', 'Maximum', every),
        own('evenkeel_reconcile_high', 'Maximum', every),
        own('evenkeel_reconcile_medium', 'Maximum', every),
        own('evenkeel_reconcile_info', 'Maximum', every),
      ]),
    ],
    [
      graph(
        'Outbox: events that wait',
        [own('evenkeel_outbox_depth', 'Maximum'), own('evenkeel_book_outbox_depth', 'Maximum')],
        [],
        whole,
      ),
    ],
  ];
}

function ofQueues(observed: Observed): Row[] {
  const { queues, config } = observed;
  const period = minutes(5);
  const own = (metric: MetricName) =>
    ownMetric(metric, { stage: config.stage }, { statistic: 'Sum', period });
  return [
    [text('## Queues and dead letters')],
    [
      graph(
        'Oldest message, seconds',
        queues.map((queue) => queue.metricApproximateAgeOfOldestMessage({ period, label: nameOf(queue) })),
      ),
      graph(
        'Dead letters',
        allDeadLetters(observed).map((queue) =>
          queue.metricApproximateNumberOfMessagesVisible({ period, label: nameOf(queue) }),
        ),
      ),
      graph('Book: events booked, refused, to come again', [
        own('evenkeel_book_booked_total'),
        own('evenkeel_book_refused_total'),
        own('evenkeel_book_retried_total'),
      ]),
    ],
  ];
}

function ofFunctions(scope: Construct, { functions, tables, topic }: Observed): Row[] {
  const period = minutes(5);
  return [
    [text('## Functions, tables, rules')],
    [
      graph(
        'Errors and throttles of functions',
        functions.map((code) => functionFailures(code, period)),
      ),
      graph(
        'Duration of functions, ms, the longest',
        functions.map((code) => code.metricDuration({ period, statistic: 'Maximum', label: nameOf(code) })),
      ),
      graph(
        'Throttles of tables',
        tables.map((table) => tableThrottles(table, period)),
        [
          ...ruleFailures(scope, period),
          topic.metricNumberOfNotificationsFailed({ period, label: 'alerts not delivered' }),
        ],
      ),
    ],
  ];
}

function ofBackups({ config }: Observed): Row[] {
  const own = (metric: MetricName, statistic: string) =>
    ownMetric(metric, { stage: config.stage }, { statistic, period: Duration.days(1) });
  return [
    [text('## Backups')],
    [
      new SingleValueWidget({
        title: 'Last day',
        metrics: [
          own('evenkeel_backups_total', 'Sum'),
          own('evenkeel_backup_bytes', 'Maximum'),
          own('evenkeel_backup_duration_seconds', 'Maximum'),
        ],
        width: whole,
        height: 4,
      }),
    ],
  ];
}

function text(markdown: string): TextWidget {
  return new TextWidget({ markdown, width: whole, height: 1 });
}

function graph(
  title: string,
  left: readonly IMetric[],
  right: readonly IMetric[] = [],
  width = third,
): GraphWidget {
  return new GraphWidget({ title, left: [...left], right: [...right], width, height: 6 });
}
