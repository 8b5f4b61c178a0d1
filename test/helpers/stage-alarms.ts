/** Alarms and dashboard of a synthesised stage, with what their metrics refer to. */
import type { AlarmRule } from './alarm-evaluator.ts';
import { ofType, type StageTemplate } from './stage-template.ts';

export interface SeenMetric {
  readonly namespace: string;
  readonly name: string;
  /** Values are literal, or the logical id of what they refer to. */
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface StageAlarm extends AlarmRule {
  readonly name: string;
  /** The section of the runbook that its description names. */
  readonly link: string;
  readonly description: string;
  readonly metrics: readonly SeenMetric[];
  readonly expression: string;
  readonly statistics: readonly string[];
  readonly periodSeconds: readonly number[];
  readonly actions: readonly string[];
  readonly okActions: readonly string[];
}

interface StatedMetric {
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface Properties extends StatedMetric {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly AlarmActions?: readonly unknown[];
  readonly OKActions?: readonly unknown[];
  readonly Threshold: number;
  readonly ComparisonOperator: AlarmRule['comparison'];
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly TreatMissingData: AlarmRule['treatMissingData'];
  readonly Period?: number;
  readonly Statistic?: string;
  readonly Metrics?: readonly {
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: StatedMetric; readonly Period: number; readonly Stat: string };
  }[];
}

export function alarmsOf(made: StageTemplate): StageAlarm[] {
  return ofType(made, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
    read(Properties as unknown as Properties),
  );
}

function read(own: Properties): StageAlarm {
  const stats = (own.Metrics ?? []).flatMap(({ MetricStat }) => (MetricStat ? [MetricStat] : []));
  const single =
    own.MetricName === undefined ? [] : [{ Metric: own, Period: own.Period!, Stat: own.Statistic! }];
  const all = [...single, ...stats];
  return {
    name: own.AlarmName,
    description: own.AlarmDescription,
    link: /Then: (\S+)$/.exec(own.AlarmDescription)?.[1] ?? '',
    metrics: all.map(({ Metric }) => seen(Metric)),
    expression: own.Metrics?.find(({ Expression }) => Expression !== undefined)?.Expression ?? '',
    statistics: all.map(({ Stat }) => Stat),
    periodSeconds: all.map(({ Period }) => Period),
    actions: (own.AlarmActions ?? []).map(referred),
    okActions: (own.OKActions ?? []).map(referred),
    threshold: own.Threshold,
    comparison: own.ComparisonOperator,
    evaluationPeriods: own.EvaluationPeriods,
    datapointsToAlarm: own.DatapointsToAlarm,
    treatMissingData: own.TreatMissingData,
  };
}

function seen({ Namespace = '', MetricName = '', Dimensions = [] }: StatedMetric): SeenMetric {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, referred(Value)]));
  return { namespace: Namespace, name: MetricName, dimensions };
}

function referred(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: readonly string[] };
  const id = Ref ?? attribute?.[0];
  if (id === undefined) throw new Error(`${JSON.stringify(value)} refers to nothing`);
  return id;
}

export interface StageWidget {
  readonly type: string;
  readonly title: string;
  readonly metrics: readonly SeenMetric[];
  readonly alarms: readonly string[];
  readonly markdown: string;
}

/** In the order of the page. */
export function widgetsOf(made: StageTemplate): StageWidget[] {
  const dashboards = ofType(made, 'AWS::CloudWatch::Dashboard');
  return dashboards.flatMap(([, { Properties }]) => {
    const { 'Fn::Join': join } = Properties.DashboardBody as { 'Fn::Join': [string, readonly unknown[]] };
    const text = join[1].map((part) => (typeof part === 'string' ? part : referred(part))).join('');
    const { widgets } = JSON.parse(text) as { widgets: readonly RawWidget[] };
    return [...widgets]
      .sort((a, b) => a.y - b.y || a.x - b.x)
      .map(({ type, properties }) => ({
        type,
        title: properties.title ?? '',
        markdown: properties.markdown ?? '',
        alarms: properties.alarms ?? [],
        metrics: (properties.metrics ?? []).flatMap((metric) => inWidget(metric)),
      }));
  });
}

interface RawWidget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly properties: {
    readonly title?: string;
    readonly markdown?: string;
    readonly alarms?: readonly string[];
    readonly metrics?: readonly (readonly unknown[])[];
  };
}

/** `["AWS/SQS", "Name", "QueueName", "id", {…}]`; an expression is `[{…}]`. */
function inWidget(metric: readonly unknown[]): SeenMetric[] {
  const [namespace, name, ...rest] = metric.filter((part) => typeof part === 'string');
  if (namespace === undefined || name === undefined) return [];
  const dimensions: Record<string, string> = {};
  for (let at = 0; at < rest.length; at += 2) dimensions[rest[at]!] = rest[at + 1]!;
  return [{ namespace, name, dimensions }];
}
