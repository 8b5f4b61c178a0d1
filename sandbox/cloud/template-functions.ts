import type { RoleModel } from './iam.ts';
import { invalid, unsupported } from './intrinsics.ts';
import type { FunctionModel } from './model.ts';
import type { Resource, TemplateReader } from './template.ts';

/** Lambda's defaults for asynchronous invocations. */
const ASYNC_DEFAULT = { attemptsMax: 2, ageSecondsMax: 21_600 };

interface Destination {
  Destination?: unknown;
}

export function buildFunction(
  resource: Resource,
  reader: TemplateReader,
  roleOf: (arn: unknown, at: string) => RoleModel,
): FunctionModel {
  const { logicalId, name, arn, props } = resource;
  const runtime = String(props.Runtime);
  if (!runtime.startsWith('nodejs')) throw unsupported(`${logicalId}.Runtime`, `the runtime ${runtime}`);
  const role = roleOf(props.Role, `${logicalId}.Role`);
  if (!role.trusted.includes('lambda.amazonaws.com')) {
    throw invalid(
      `${logicalId}.Role`,
      `the role ${role.logicalId} does not trust lambda.amazonaws.com, so Lambda could not assume it`,
    );
  }
  const variables =
    (props.Environment as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {};
  const deadLetter = (props.DeadLetterConfig as { TargetArn?: unknown } | undefined)?.TargetArn;
  return {
    logicalId,
    name,
    arn,
    codeDir: codeOf(resource, reader),
    handler: String(props.Handler),
    role,
    environment: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)])),
    timeoutSeconds: within(props.Timeout ?? 3, 1, 900, `${logicalId}.Timeout`),
    memoryMb: within(props.MemorySize ?? 128, 128, 10_240, `${logicalId}.MemorySize`),
    asynchronous: asynchronousOf(resource, reader),
    deadLetterArn:
      deadLetter === undefined ? undefined : queueArn(deadLetter, `${logicalId}.DeadLetterConfig`, reader),
  };
}

/** A limit of Lambda. */
function within(value: unknown, least: number, most: number, at: string): number {
  const number = Number(value);
  if (!(number >= least && number <= most))
    throw invalid(at, `${String(value)} is not within ${least} to ${most}`);
  return number;
}

function codeOf({ logicalId, props }: Resource, reader: TemplateReader): string {
  const key = (props.Code as { S3Key?: unknown } | undefined)?.S3Key;
  if (typeof key !== 'string') throw unsupported(`${logicalId}.Code`, 'code that is not a file asset');
  const folder = reader.assembly.assets.get(key);
  if (folder === undefined)
    throw invalid(`${logicalId}.Code`, `the asset manifest has no file with the key ${key}`);
  return folder;
}

function asynchronousOf(
  { logicalId, name, ref, arn }: Resource,
  reader: TemplateReader,
): FunctionModel['asynchronous'] {
  const config = reader
    .all('AWS::Lambda::EventInvokeConfig')
    .find((c) => [name, ref, arn].includes(String(c.props.FunctionName)));
  const props = config?.props ?? {};
  if (props.Qualifier !== undefined && props.Qualifier !== '$LATEST')
    throw unsupported(`${config?.logicalId}.Qualifier`, 'versions and aliases of functions');
  const destinations = props.DestinationConfig as
    | { OnFailure?: Destination; OnSuccess?: Destination }
    | undefined;
  const destination = (which: 'OnFailure' | 'OnSuccess'): string | undefined => {
    const target = destinations?.[which]?.Destination;
    return target === undefined ? undefined : queueArn(target, `${logicalId}: ${which}`, reader);
  };
  return {
    attemptsMax: Number(props.MaximumRetryAttempts ?? ASYNC_DEFAULT.attemptsMax),
    ageSecondsMax: Number(props.MaximumEventAgeInSeconds ?? ASYNC_DEFAULT.ageSecondsMax),
    onFailureArn: destination('OnFailure'),
    onSuccessArn: destination('OnSuccess'),
  };
}

function queueArn(arn: unknown, at: string, reader: TemplateReader): string {
  return reader.byArn(arn, ['AWS::SQS::Queue'], at).arn;
}
