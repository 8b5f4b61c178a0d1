/** What alarms and dashboard look at, and the metrics of it. */
import { Duration, Stack } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnTable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import type { CfnFunction, Function as LambdaCode } from 'aws-cdk-lib/aws-lambda';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { CfnQueue, IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import type { MetricName } from '../domain/metrics/catalogue.ts';
import { metricNamespace } from '../domain/metrics/metric.ts';

export interface Observed {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly config: Config;
  readonly topic: Topic;
  readonly functions: readonly LambdaCode[];
  readonly watchdog: LambdaCode;
  /** Those that somebody reads; their dead-letter queues come with them. */
  readonly queues: readonly Queue[];
  /** Dead-letter queues of functions and rules. */
  readonly deadLetters: readonly Queue[];
  readonly tables: readonly Table[];
}

/** CloudWatch takes no more metrics than these in one expression. */
const inOneExpression = 10;

export interface Look {
  /** `Sum`, `Maximum` or `Minimum`. */
  readonly statistic: string;
  readonly period: Duration;
}

/** A metric of ours, under its stage, and under its streamer where it is of one. */
export function ownMetric(
  metricName: MetricName,
  dimensions: { readonly stage: string; readonly streamer?: string },
  look: Look,
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { ...dimensions },
    label: metricName,
    ...look,
  });
}

/** A sum of metrics that are always told together. */
export function sumOf(metrics: readonly Metric[], period: Duration, label: string): MathExpression {
  return added(metrics, period, label, (name) => name);
}

/**
 * A sum in which a metric without a value counts as 0, for those that AWS tells only when there is something to tell. The newest
 * value may come after its period was looked at, as a 0: an alarm has to look at some periods together.
 */
function sumOfRare(metrics: readonly Metric[], period: Duration, label: string): MathExpression {
  return added(metrics, period, label, (name) => `FILL(${name}, 0)`);
}

function added(
  metrics: readonly Metric[],
  period: Duration,
  label: string,
  term: (name: string) => string,
): MathExpression {
  // One graph may hold several sums, and knows their parts by these.
  const own = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
  const named = metrics.map((metric, index) => [`m_${own}_${index}`, metric] as const);
  return new MathExpression({
    expression: named.map(([name]) => term(name)).join(' + '),
    usingMetrics: Object.fromEntries(named),
    period,
    label,
  });
}

export function functionFailures(code: LambdaCode, period: Duration): MathExpression {
  return sumOfRare([code.metricErrors({ period }), code.metricThrottles({ period })], period, nameOf(code));
}

export function tableThrottles(table: Table, period: Duration): MathExpression {
  const of = (metricName: string) => table.metric(metricName, { statistic: 'Sum', period });
  return sumOfRare([of('ReadThrottleEvents'), of('WriteThrottleEvents')], period, nameOf(table));
}

/** Of every rule of the stack, however deep in its constructs: as many expressions as are needed. */
export function ruleFailures(scope: Construct, period: Duration): MathExpression[] {
  const rules = Stack.of(scope)
    .node.findAll()
    .filter((one): one is CfnRule => one instanceof CfnRule);
  const metrics = rules.map(
    ({ name = '', eventBusName }) =>
      new Metric({
        namespace: 'AWS/Events',
        metricName: 'FailedInvocations',
        // A rule of a bus of one's own is found under both; the reference of a rule has both in one text.
        dimensionsMap: { EventBusName: eventBusName ?? 'default', RuleName: name },
        label: name,
        statistic: 'Sum',
        period,
      }),
  );
  const expressions: MathExpression[] = [];
  for (let from = 0; from < metrics.length; from += inOneExpression)
    expressions.push(
      sumOfRare(metrics.slice(from, from + inOneExpression), period, `rules that failed, from ${from + 1}`),
    );
  return expressions;
}

/** Every dead-letter queue, once. */
export function allDeadLetters({ queues, deadLetters }: Observed): Queue[] {
  const ofQueues = queues.flatMap(({ deadLetterQueue }) => deadLetterQueue?.queue ?? []);
  return [...new Set<IQueue>([...deadLetters, ...ofQueues])] as Queue[];
}

/** The physical name, which the stack always gives: `evenkeel-<stage>-<thing>`. */
export function nameOf(of: LambdaCode | Queue | Table): string {
  const made = of.node.defaultChild as CfnFunction | CfnQueue | CfnTable;
  const name =
    'functionName' in made ? made.functionName : 'queueName' in made ? made.queueName : made.tableName;
  if (name === undefined) throw new Error(`${of.node.path} has no name of its own`);
  return name;
}

export const minutes = (count: number): Duration => Duration.minutes(count);
