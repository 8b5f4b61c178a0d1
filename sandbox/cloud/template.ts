import type { Assembly, CfnResource } from './assembly.ts';
import { compilePattern } from './event-pattern.ts';
import { invalid, Resolver, unsupported } from './intrinsics.ts';
import type {
  ArchiveModel,
  BusModel,
  CloudModel,
  ContainerModel,
  MappingModel,
  QueueModel,
  RuleModel,
  SecretModel,
  TargetModel,
} from './model.ts';
import { EMULATED, NO_LOCAL_MEANING } from './resource-types.ts';
import { compileInput } from './target-input.ts';
import { buildBucket } from './template-buckets.ts';
import { buildFunction } from './template-functions.ts';
import { buildResourcePolicies, buildRoles } from './template-iam.ts';
import { buildLogGroup } from './template-logs.ts';
import { buildSchedule } from './template-schedules.ts';
import { buildTable } from './template-tables.ts';
import { buildTopic } from './template-topics.ts';

/** A resource of the template with its properties resolved. */
export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly name: string;
  readonly arn: string;
  readonly ref: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** What the builders of the single parts need. */
export interface TemplateReader {
  readonly assembly: Assembly;
  readonly all: (...types: string[]) => Resource[];
  /** The resource of one of these types whose ARN (or Ref) this is; throws when the template has none. */
  readonly byArn: (arn: unknown, types: readonly string[], at: string) => Resource;
}

const SECTIONS = new Set([
  'Resources',
  'Parameters',
  'Conditions',
  'Mappings',
  'Outputs',
  'Rules',
  'Description',
  'AWSTemplateFormatVersion',
  'Metadata',
]);

/** EventBridge's own retry policy where a rule gives none. */
const DEFAULT_RETRY = { attemptsMax: 185, ageSecondsMax: 86_400 };

/**
 * Reads the whole template into plain values; `endpoint` is the local cloud's own URL. Throws CloudError on anything
 * that it does not know.
 */
export function readTemplate(assembly: Assembly, endpoint: string): CloudModel {
  const reader = createReader(assembly, endpoint);
  const roles = buildRoles(reader);
  const roleOf = (arn: unknown, at: string): (typeof roles)[number] => {
    const role = roles.find((r) => r.arn === arn);
    if (role === undefined) throw invalid(at, `no role of the template has the ARN ${String(arn)}`);
    return role;
  };
  return {
    stack: assembly.stack,
    region: assembly.region,
    account: assembly.account,
    tables: reader.all('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').map(buildTable),
    queues: reader.all('AWS::SQS::Queue').map((resource) => buildQueue(resource, reader)),
    buses: buildBuses(reader),
    archives: reader.all('AWS::Events::Archive').map(buildArchive),
    schedules: reader
      .all('AWS::Scheduler::Schedule')
      .map((resource) => buildSchedule(resource, reader, roleOf)),
    buckets: reader.all('AWS::S3::Bucket').map(buildBucket),
    logGroups: reader.all('AWS::Logs::LogGroup').map((resource) => buildLogGroup(resource, reader)),
    functions: reader.all('AWS::Lambda::Function').map((resource) => buildFunction(resource, reader, roleOf)),
    mappings: reader
      .all('AWS::Lambda::EventSourceMapping')
      .map((resource) => buildMapping(resource, reader))
      .filter((m) => m !== undefined),
    roles,
    secrets: reader.all('AWS::SecretsManager::Secret').map(buildSecret),
    topics: reader.all('AWS::SNS::Topic').map((resource) => buildTopic(resource, reader)),
    containers: reader
      .all('AWS::ECS::TaskDefinition')
      .flatMap((resource) => buildContainers(resource, reader, roleOf)),
    resourcePolicies: buildResourcePolicies(reader),
  };
}

function createReader(assembly: Assembly, endpoint: string): TemplateReader {
  const { template } = assembly;
  for (const section of Object.keys(template)) {
    if (!SECTIONS.has(section)) throw unsupported(section, `the section ${section}`);
  }
  const resolver = new Resolver(assembly, endpoint);
  resolver.checkKnown(template.Conditions ?? {}, 'Conditions');
  const resources: Resource[] = [];
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    if (resource.Condition !== undefined && !resolver.condition(resource.Condition, logicalId)) continue;
    resolver.checkKnown(resource.Properties ?? {}, logicalId);
    const type = EMULATED[resource.Type];
    if (type === undefined) {
      if (resource.Type in NO_LOCAL_MEANING) continue;
      throw unsupported(logicalId, `the resource type ${resource.Type}`);
    }
    checkProperties(logicalId, resource);
    const getArn =
      'Arn' in type.attributes
        ? resolver.resolve({ 'Fn::GetAtt': [logicalId, 'Arn'] }, logicalId)
        : undefined;
    const ref = String(resolver.resolve({ Ref: logicalId }, logicalId));
    resources.push({
      logicalId,
      type: resource.Type,
      name: resolver.physicalName(logicalId),
      arn: getArn === undefined ? ref : String(getArn),
      ref,
      props: resolver.resolve(resource.Properties ?? {}, logicalId) as Record<string, unknown>,
    });
  }
  return {
    assembly,
    all: (...types) => resources.filter((resource) => types.includes(resource.type)),
    byArn: (arn, types, at) => {
      const found = resources.find(
        (r) => types.includes(r.type) && (r.arn === arn || r.ref === arn || r.name === arn),
      );
      if (found === undefined)
        throw invalid(at, `${String(arn)} is no ${types.join(' or ')} of this template`);
      return found;
    },
  };
}

function checkProperties(logicalId: string, resource: CfnResource): void {
  const type = EMULATED[resource.Type];
  for (const property of Object.keys(resource.Properties ?? {})) {
    if (type?.obeyed.includes(property) || property in (type?.noEffect ?? {})) continue;
    throw unsupported(`${logicalId}.${property}`, `the property ${property} of ${resource.Type}`);
  }
}

function buildQueue({ logicalId, name, arn, props }: Resource, reader: TemplateReader): QueueModel {
  const fifo = isFifo({ props });
  if (fifo !== name.endsWith('.fifo'))
    throw invalid(`${logicalId}.QueueName`, 'the name of a FIFO queue ends with .fifo, and no other does');
  for (const key of ['ContentBasedDeduplication', 'DeduplicationScope', 'FifoThroughputLimit']) {
    if (!fifo && key in props) throw invalid(`${logicalId}.${key}`, 'only a FIFO queue has this property');
  }
  const deadLetters = (props.RedrivePolicy as { deadLetterTargetArn?: unknown } | undefined)
    ?.deadLetterTargetArn;
  if (deadLetters !== undefined) {
    const at = `${logicalId}.RedrivePolicy`;
    if (isFifo(reader.byArn(deadLetters, ['AWS::SQS::Queue'], at)) !== fifo)
      throw invalid(
        at,
        'the dead-letter queue of a FIFO queue is a FIFO queue, that of a standard one is not',
      );
  }
  const attributes: Record<string, string> = {};
  for (const [key, value] of Object.entries(props)) {
    if (key === 'QueueName' || !EMULATED['AWS::SQS::Queue']?.obeyed.includes(key)) continue;
    attributes[key] = typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  // SQS refuses FifoQueue=false; CloudFormation leaves it out.
  if (attributes.FifoQueue === 'false') delete attributes.FifoQueue;
  return { logicalId, name, arn, attributes };
}

function isFifo({ props }: Pick<Resource, 'props'>): boolean {
  return String(props.FifoQueue) === 'true';
}

function buildBuses(reader: TemplateReader): BusModel[] {
  const { region, account } = reader.assembly;
  const buses = [
    { name: 'default', arn: `arn:aws:events:${region}:${account}:event-bus/default` },
    ...reader.all('AWS::Events::EventBus').map(({ name, arn }) => ({ name, arn })),
  ];
  const rules = reader.all('AWS::Events::Rule').filter((rule) => rule.props.State !== 'DISABLED');
  const busOf = (rule: Resource): string =>
    String(rule.props.EventBusName ?? 'default')
      .split('/')
      .at(-1) ?? '';
  for (const rule of rules) {
    if (!buses.some((bus) => bus.name === busOf(rule)))
      throw invalid(`${rule.logicalId}.EventBusName`, `there is no bus ${busOf(rule)} in this template`);
  }
  return buses.map((bus) => ({
    ...bus,
    rules: rules.filter((rule) => busOf(rule) === bus.name).map((rule) => buildRule(rule, reader)),
  }));
}

function buildRule({ logicalId, name, arn, props }: Resource, reader: TemplateReader): RuleModel {
  const targets = (props.Targets ?? []) as Record<string, unknown>[];
  return {
    logicalId,
    name,
    arn,
    matches: compilePattern(props.EventPattern, `${logicalId}.EventPattern`),
    targets: targets.map((target, index) => buildTarget(target, `${logicalId}.Targets[${index}]`, reader)),
  };
}

const TARGET_KEYS = new Set([
  'Arn',
  'Id',
  'Input',
  'InputPath',
  'InputTransformer',
  'RetryPolicy',
  'DeadLetterConfig',
  'SqsParameters',
]);

function buildTarget(target: Record<string, unknown>, at: string, reader: TemplateReader): TargetModel {
  for (const key of Object.keys(target)) {
    if (!TARGET_KEYS.has(key)) throw unsupported(`${at}.${key}`, `the target property ${key}`);
  }
  const resource = reader.byArn(target.Arn, ['AWS::Lambda::Function', 'AWS::SQS::Queue'], `${at}.Arn`);
  const retry = target.RetryPolicy as
    | { MaximumRetryAttempts?: number; MaximumEventAgeInSeconds?: number }
    | undefined;
  const deadLetter = (target.DeadLetterConfig as { Arn?: unknown } | undefined)?.Arn;
  const group = (target.SqsParameters as { MessageGroupId?: unknown } | undefined)?.MessageGroupId;
  return {
    id: String(target.Id),
    arn: resource.arn,
    kind: resource.type === 'AWS::SQS::Queue' ? 'sqs' : 'lambda',
    input: compileInput(target, at),
    retry: {
      attemptsMax: retry?.MaximumRetryAttempts ?? DEFAULT_RETRY.attemptsMax,
      ageSecondsMax: retry?.MaximumEventAgeInSeconds ?? DEFAULT_RETRY.ageSecondsMax,
    },
    deadLetterArn:
      deadLetter === undefined
        ? undefined
        : reader.byArn(deadLetter, ['AWS::SQS::Queue'], `${at}.DeadLetterConfig`).arn,
    messageGroupId: group === undefined ? undefined : String(group),
  };
}

function buildArchive({ logicalId, name, props }: Resource): ArchiveModel {
  const pattern = props.EventPattern;
  return {
    name,
    busArn: String(props.SourceArn),
    matches: pattern === undefined ? () => true : compilePattern(pattern, `${logicalId}.EventPattern`),
    retentionDays: Number(props.RetentionDays ?? 0),
  };
}

function buildMapping({ logicalId, props }: Resource, reader: TemplateReader): MappingModel | undefined {
  if (props.Enabled === false) return undefined;
  const scaling = props.ScalingConfig as { MaximumConcurrency?: number } | undefined;
  const queue = reader.byArn(props.EventSourceArn, ['AWS::SQS::Queue'], `${logicalId}.EventSourceArn`);
  const fn = reader.byArn(props.FunctionName, ['AWS::Lambda::Function'], `${logicalId}.FunctionName`);
  const batchSize = Number(props.BatchSize ?? 10);
  const windowSeconds = Number(props.MaximumBatchingWindowInSeconds ?? 0);
  const visibilitySeconds = Number(queue.props.VisibilityTimeout ?? 30);
  const timeoutSeconds = Number(fn.props.Timeout ?? 3);
  if (visibilitySeconds < timeoutSeconds)
    throw invalid(
      `${logicalId}.EventSourceArn`,
      `the visibility time-out of the queue (${visibilitySeconds} s) is less than the time-out of the function (${timeoutSeconds} s)`,
    );
  if (isFifo(queue) && (batchSize > 10 || windowSeconds > 0))
    throw invalid(logicalId, 'a FIFO queue takes a batch size of at most 10 and no batching window');
  return {
    logicalId,
    queueArn: queue.arn,
    functionArn: fn.arn,
    batchSize,
    windowSeconds,
    visibilitySeconds,
    reportsItemFailures: ((props.FunctionResponseTypes ?? []) as unknown[]).includes(
      'ReportBatchItemFailures',
    ),
    concurrencyMax: scaling?.MaximumConcurrency,
  };
}

function buildSecret({ name, arn, props }: Resource): SecretModel {
  return {
    name,
    arn,
    value: typeof props.SecretString === 'string' ? props.SecretString : undefined,
    generate: props.GenerateSecretString as Record<string, unknown> | undefined,
  };
}

function buildContainers(
  { logicalId, props }: Resource,
  reader: TemplateReader,
  roleOf: (arn: unknown, at: string) => ContainerModel['taskRole'],
): ContainerModel[] {
  const role = (key: 'TaskRoleArn' | 'ExecutionRoleArn'): ContainerModel['taskRole'] => {
    if (props[key] === undefined) return undefined;
    const found = roleOf(props[key], `${logicalId}.${key}`);
    if (found !== undefined && !found.trusted.includes('ecs-tasks.amazonaws.com')) {
      throw invalid(
        `${logicalId}.${key}`,
        `the role ${found.logicalId} does not trust ecs-tasks.amazonaws.com, so ECS could not start the task`,
      );
    }
    return found;
  };
  const taskRole = role('TaskRoleArn');
  const executionRole = role('ExecutionRoleArn');
  type Pair = { Name: string; Value?: unknown; ValueFrom?: unknown };
  type Logging = { Options?: Record<string, unknown> };
  type Definition = {
    Name: string;
    Image?: unknown;
    Environment?: Pair[];
    Secrets?: Pair[];
    LogConfiguration?: Logging;
  };
  const groups = reader.all('AWS::Logs::LogGroup');
  return ((props.ContainerDefinitions ?? []) as Definition[]).map((container) => ({
    name: container.Name,
    environment: Object.fromEntries((container.Environment ?? []).map((e) => [e.Name, String(e.Value)])),
    secrets: Object.fromEntries((container.Secrets ?? []).map((e) => [e.Name, String(e.ValueFrom)])),
    image: String(container.Image),
    logGroupArn: groups.find(({ ref }) => ref === container.LogConfiguration?.Options?.['awslogs-group'])
      ?.arn,
    taskRole,
    executionRole,
  }));
}
