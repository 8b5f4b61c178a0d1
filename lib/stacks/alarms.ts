import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { StreamerConfig } from '../../config/schema.ts';
import type { MetricName } from '../domain/metrics/catalogue.ts';
import { type AlarmKind, describeAlarm } from './alarm-runbook.ts';
import {
  allDeadLetters,
  functionFailures,
  minutes,
  nameOf,
  type Observed,
  ownMetric,
  ruleFailures,
  sumOf,
  tableThrottles,
} from './observed.ts';

/** Events that wait in an outbox when all is well: those of the moment. */
const waitingMax = 1_000;
/** Beyond the grace, a candle is late. */
const lateSeconds = 15;
/** A message that is read waits for seconds. */
const oldestSeconds = 300;
/** Any one of the last three: what AWS tells late is not overlooked. */
const anyOfThree = { periods: 3, bad: 1 };
/** Single ones are repeated within the request; these are felt. */
const throttlesMax = 10;
/** The daily backup, and two hours for it to begin and to end. */
const backupHours = 26;

interface Rule {
  readonly metric: IMetric;
  /** Raised from here on; `below` where too little is the trouble. */
  readonly from?: number;
  readonly below?: number;
  /** Of the last periods, and how many of them must be bad. */
  readonly periods?: number;
  readonly bad?: number;
  /** Silence is the trouble itself. */
  readonly silenceIsBad?: boolean;
}

/**
 * Alarms that CloudWatch raises by itself, also when none of our code runs. Each goes to the topic when it begins and when it
 * ends, and says where its runbook is.
 */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];
  readonly #made: Alarm[] = [];
  readonly #observed: Observed;
  readonly #action: SnsAction;

  constructor(scope: Construct, id: string, observed: Observed) {
    super(scope, id);
    this.#observed = observed;
    this.#action = new SnsAction(observed.topic);
    const { config, watchdog, queues, functions, tables, topic } = observed;
    for (const streamer of config.streamers) this.#ofStreamer(streamer);
    this.#raise('watchdog-not-running', '', nameOf(watchdog), {
      metric: watchdog.metricInvocations({ period: minutes(1) }),
      below: 1,
      periods: 5,
      silenceIsBad: true,
    });
    this.#raise('backup-missing', '', '', {
      metric: ownMetric(
        'evenkeel_backups_total',
        { stage: config.stage },
        { statistic: 'Sum', period: Duration.hours(1) },
      ),
      below: 1,
      periods: backupHours,
      silenceIsBad: true,
    });
    for (const queue of queues) {
      this.#raise('queue-waiting', this.#short(nameOf(queue)), nameOf(queue), {
        metric: queue.metricApproximateAgeOfOldestMessage({ period: minutes(1) }),
        from: oldestSeconds,
        periods: 3,
      });
    }
    for (const queue of allDeadLetters(observed)) {
      this.#raise('dead-letters', this.#short(nameOf(queue)), nameOf(queue), {
        metric: queue.metricApproximateNumberOfMessagesVisible({ period: minutes(5) }),
        from: 1,
      });
    }
    for (const code of functions) {
      this.#raise('function-failing', this.#short(nameOf(code)), nameOf(code), {
        metric: functionFailures(code, minutes(5)),
        from: 1,
        ...anyOfThree,
      });
    }
    for (const table of tables) {
      this.#raise('table-throttled', this.#short(nameOf(table)), nameOf(table), {
        metric: tableThrottles(table, minutes(5)),
        from: throttlesMax,
        ...anyOfThree,
      });
    }
    for (const [index, metric] of ruleFailures(this, minutes(5)).entries())
      this.#raise('rules-failing', index === 0 ? '' : String(index + 1), '', {
        metric,
        from: 1,
        ...anyOfThree,
      });
    this.#raise('alert-delivery-failing', '', `${observed.prefix}-alerts`, {
      metric: topic.metricNumberOfNotificationsFailed({ period: minutes(5) }),
      from: 1,
    });
    letAlarmsSpeak(topic, observed.prefix);
    this.all = this.#made;
  }

  #ofStreamer({ name: streamer }: StreamerConfig): void {
    const { config } = this.#observed;
    const own = (metric: MetricName, statistic: string, period = minutes(1)) =>
      ownMetric(metric, { stage: config.stage, streamer }, { statistic, period });
    this.#raise('heartbeat-missing', streamer, streamer, {
      // The largest: while one task hands over to the next, one of the two holds it.
      metric: own('evenkeel_lease_held', 'Maximum'),
      below: 1,
      periods: 5,
      silenceIsBad: true,
    });
    const waiting = [own('evenkeel_outbox_depth', 'Minimum'), own('evenkeel_book_outbox_depth', 'Minimum')];
    this.#raise('outbox-waiting', streamer, streamer, {
      metric: sumOf(waiting, minutes(1), 'events that wait'),
      from: waitingMax,
      periods: 5,
    });
    const dropped = [
      own('evenkeel_dropped_trades_total', 'Sum'),
      own('evenkeel_dropped_quotes_total', 'Sum'),
    ];
    this.#raise('ticks-dropped', streamer, streamer, {
      metric: sumOf(dropped, minutes(1), 'ticks dropped'),
      from: 1,
    });
    this.#raise('candles-late', streamer, streamer, {
      metric: own('evenkeel_candle_lateness_seconds', 'Maximum'),
      from: config.candles.graceMs / 1000 + lateSeconds,
      periods: 5,
      bad: 3,
    });
    this.#raise('reconcile-late', streamer, streamer, {
      metric: own('evenkeel_reconcile_runs_total', 'Sum', minutes(config.reconcile.everyMinutes)),
      below: 1,
      periods: 3,
      silenceIsBad: true,
    });
    this.#raise('reconcile-failed', streamer, streamer, {
      metric: own('evenkeel_reconcile_failed_total', 'Sum', minutes(5)),
      from: 1,
    });
  }

  /** `which` tells alarms of one kind apart; `subject` is what the description speaks of. */
  #raise(kind: AlarmKind, which: string, subject: string, rule: Rule): void {
    const { prefix, config } = this.#observed;
    const { metric, from, below, periods = 1, bad = periods, silenceIsBad = false } = rule;
    const name = which === '' ? kind : `${kind}-${which}`;
    const alarm = new Alarm(this, name.replace('.', '-'), {
      alarmName: `${prefix}-${name}`,
      alarmDescription: describeAlarm(kind, subject, {
        stage: config.stage,
        runbookUrl: config.aws.runbookUrl,
      }),
      metric,
      threshold: from ?? below ?? 1,
      comparisonOperator:
        from === undefined
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      datapointsToAlarm: bad,
      treatMissingData: silenceIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(this.#action);
    alarm.addOkAction(this.#action);
    this.#made.push(alarm);
  }

  #short(name: string): string {
    return name.replace(`${this.#observed.prefix}-`, '');
  }
}

/** A topic with a policy of its own takes from nobody who is not named in it, CloudWatch included. */
function letAlarmsSpeak(topic: Topic, prefix: string): void {
  const { account, partition, region } = Stack.of(topic);
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfTheStage',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:${prefix}-*` },
      },
    }),
  );
}
