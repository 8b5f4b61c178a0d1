import type { RoleModel } from './iam.ts';
import { compilePolicy, evaluate } from './iam-policy.ts';
import { invalid, unsupported } from './intrinsics.ts';
import type { ScheduleModel } from './model.ts';
import { compileSchedule } from './schedule-expression.ts';
import { checkAttributes } from './schedule-input.ts';
import type { Resource, TemplateReader } from './template.ts';

const SERVICE = 'scheduler.amazonaws.com';
/** EventBridge Scheduler's own retry policy where a schedule gives none. */
const DEFAULT_RETRY = { attemptsMax: 185, ageSecondsMax: 86_400 };

const TARGET_KEYS = new Set(['Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig', 'SqsParameters']);

interface Target {
  readonly Arn?: unknown;
  readonly RoleArn?: unknown;
  readonly Input?: unknown;
  readonly RetryPolicy?: {
    readonly MaximumRetryAttempts?: unknown;
    readonly MaximumEventAgeInSeconds?: unknown;
  };
  readonly DeadLetterConfig?: { readonly Arn?: unknown };
  readonly SqsParameters?: { readonly MessageGroupId?: unknown };
}

/** A schedule of EventBridge Scheduler with its one target. */
export function buildSchedule(
  resource: Resource,
  reader: TemplateReader,
  roleOf: (arn: unknown, at: string) => RoleModel,
): ScheduleModel {
  const { logicalId, name, arn, props } = resource;
  const mode = (props.FlexibleTimeWindow as { Mode?: unknown } | undefined)?.Mode;
  if (mode !== 'OFF')
    throw unsupported(`${logicalId}.FlexibleTimeWindow`, `the flexible time window ${String(mode)}`);
  const group = String(props.GroupName ?? 'default');
  if (group !== 'default') reader.byArn(group, ['AWS::Scheduler::ScheduleGroup'], `${logicalId}.GroupName`);
  const at = `${logicalId}.Target`;
  const target = (props.Target ?? {}) as Target;
  for (const key of Object.keys(target)) {
    if (!TARGET_KEYS.has(key)) throw unsupported(`${at}.${key}`, `the target property ${key}`);
  }
  const role = roleOf(target.RoleArn, `${at}.RoleArn`);
  checkTrust(role, group, at, reader);
  const called = reader.byArn(target.Arn, ['AWS::Lambda::Function', 'AWS::SQS::Queue'], `${at}.Arn`);
  const kind = called.type === 'AWS::SQS::Queue' ? 'sqs' : 'lambda';
  return {
    logicalId,
    name,
    arn,
    group,
    enabled: props.State !== 'DISABLED',
    expression: String(props.ScheduleExpression),
    next: compileSchedule(props, logicalId),
    role,
    target: {
      arn: called.arn,
      kind,
      input: inputOf(target, kind, `${at}.Input`),
      retry: {
        attemptsMax: Number(target.RetryPolicy?.MaximumRetryAttempts ?? DEFAULT_RETRY.attemptsMax),
        ageSecondsMax: Number(target.RetryPolicy?.MaximumEventAgeInSeconds ?? DEFAULT_RETRY.ageSecondsMax),
      },
      deadLetterArn: deadLettersOf(target, `${at}.DeadLetterConfig`, reader),
      messageGroupId: groupOf(target, called, `${at}.SqsParameters`),
    },
  };
}

/** AWS refuses to make a schedule whose role it may not assume; the role's conditions see the schedule's group. */
function checkTrust(role: RoleModel, group: string, at: string, reader: TemplateReader): void {
  const { region, account } = reader.assembly;
  const { props, logicalId } = reader.byArn(role.arn, ['AWS::IAM::Role'], `${at}.RoleArn`);
  const trust = compilePolicy(props.AssumeRolePolicyDocument, `${logicalId}.AssumeRolePolicyDocument`);
  const context = {
    'aws:sourcearn': [`arn:aws:scheduler:${region}:${account}:schedule-group/${group}`],
    'aws:sourceaccount': [account],
  };
  const request = { action: 'sts:AssumeRole', resource: role.arn, context };
  if (evaluate(trust, request, { service: SERVICE }) !== 'allow')
    throw invalid(
      `${at}.RoleArn`,
      `the role ${logicalId} does not let ${SERVICE} assume it for the schedule group ${group} (conditions on aws:SourceArn name the group, not the schedule)`,
    );
}

function inputOf({ Input: input }: Target, kind: 'lambda' | 'sqs', at: string): string | undefined {
  if (input === undefined) return undefined;
  const text = String(input);
  const strange = checkAttributes(text);
  if (strange !== undefined) throw unsupported(at, `the context attribute <${strange}>`);
  if (kind === 'lambda' && !isJson(text)) throw invalid(at, 'the input of a function is not JSON');
  return text;
}

/** With a number in the place of each attribute, which fits inside and outside quotes. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text.replaceAll(/<aws\.scheduler\.[\w-]+>/g, '1'));
    return true;
  } catch {
    return false;
  }
}

function deadLettersOf(target: Target, at: string, reader: TemplateReader): string | undefined {
  const arn = target.DeadLetterConfig?.Arn;
  if (arn === undefined) return undefined;
  const queue = reader.byArn(arn, ['AWS::SQS::Queue'], at);
  if (isTrue(queue.props.FifoQueue))
    throw invalid(at, 'the dead-letter queue of a schedule is a standard one');
  return queue.arn;
}

function groupOf(target: Target, { type, props }: Resource, at: string): string | undefined {
  const group = target.SqsParameters?.MessageGroupId;
  if (type !== 'AWS::SQS::Queue' || !isTrue(props.FifoQueue)) {
    if (group !== undefined) throw invalid(at, 'only a FIFO queue takes a message group');
    return undefined;
  }
  if (group === undefined) throw invalid(at, 'a FIFO queue needs a MessageGroupId');
  if (!isTrue(props.ContentBasedDeduplication))
    throw invalid(at, 'a FIFO queue needs ContentBasedDeduplication: a schedule sends no deduplication id');
  return String(group);
}

function isTrue(value: unknown): boolean {
  return String(value) === 'true';
}
