import path from 'node:path';
import { CloudError } from './errors.ts';
import { type Access, type Iam, OPERATOR } from './iam.ts';
import { logWriting } from './log-writing.ts';
import type { CloudModel, ContainerModel, FunctionModel } from './model.ts';
import type { Secrets } from './secrets.ts';

/** Where the local cloud is, for processes that it gives an environment. */
export interface LocalPlace {
  readonly endpoint: string;
  readonly region: string;
  readonly dataDir: string;
}

/**
 * What an AWS SDK needs to speak to the local cloud as somebody. The files keep a developer's own AWS profile out:
 * a real endpoint or account can never be reached by mistake.
 */
export function credentials(accessKeyId: string, place: LocalPlace): Record<string, string> {
  const nowhere = path.join(place.dataDir, 'no-aws-profile');
  return {
    AWS_ENDPOINT_URL: place.endpoint,
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

export function operatorEnvironment(place: LocalPlace): Record<string, string> {
  return credentials(OPERATOR, place);
}

/** The environment of a function: the template's variables and what Lambda's runtime sets; nothing of this process. */
export function functionEnvironment(fn: FunctionModel, place: LocalPlace): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    LAMBDA_TASK_ROOT: fn.codeDir,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${fn.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    _HANDLER: fn.handler,
    ...fn.environment,
    ...credentials(fn.role.logicalId, place),
  };
}

/**
 * The environment of a container, as ECS gives it: the template's variables, its secrets (read with the execution role's
 * permissions) and the task role's credentials. `where` tells containers of one name apart by their variables.
 * Throws CloudError CONTAINER_MISSING, CONTAINER_AMBIGUOUS, TASK_DENIED or SECRET_DENIED.
 */
export function containerEnvironment(
  name: string,
  where: Readonly<Record<string, string>>,
  { model, iam, secrets, place }: { model: CloudModel; iam: Iam; secrets: Secrets; place: LocalPlace },
): Record<string, string> {
  const container = findContainer(name, where, model);
  checkStart(container, iam);
  if (container.taskRole === undefined) {
    throw new CloudError(
      'CONTAINER_MISSING',
      `The task of the container ${name} has no task role, so it could call no AWS service.`,
      'Give the task definition a task role in lib/stacks.',
    );
  }
  const resolved = Object.entries(container.secrets).map(([variable, reference]): [string, string] => [
    variable,
    secretValue(variable, reference, container.executionRole?.logicalId, iam, secrets),
  ]);
  return {
    ...container.environment,
    ...Object.fromEntries(resolved),
    ...credentials(container.taskRole.logicalId, place),
  };
}

function findContainer(
  name: string,
  where: Readonly<Record<string, string>>,
  model: CloudModel,
): ContainerModel {
  const matching = model.containers.filter(
    (c) =>
      c.name === name &&
      Object.entries(where).every(([variable, value]) => c.environment[variable] === value),
  );
  const [container] = matching;
  if (container === undefined) {
    const names = model.containers.map((c) => c.name).join(', ') || 'none';
    throw new CloudError(
      'CONTAINER_MISSING',
      `No task definition of the template has a container ${name}${Object.keys(where).length > 0 ? ` with ${JSON.stringify(where)}` : ''}; there are: ${names}.`,
      'Name the container so in lib/stacks, or ask for one of these.',
    );
  }
  if (matching.length > 1) {
    throw new CloudError(
      'CONTAINER_AMBIGUOUS',
      `${matching.length} task definitions of the template have a container ${name}.`,
      `Say which one by its variables, for example { STREAMER_NAME: '${container.environment.STREAMER_NAME ?? 'main'}' }.`,
    );
  }
  return container;
}

/** ECS pulls the image and opens the log with the execution role; without one of these the task never starts. */
function checkStart({ name, image, logGroupArn, executionRole }: ContainerModel, iam: Iam): void {
  const needed = [
    ...imagePull(image),
    ...(logGroupArn === undefined ? [] : logWriting(logGroupArn, `${name}/${name}/local`)),
  ];
  if (needed.length === 0) return;
  const denial = executionRole === undefined ? undefined : iam.check(executionRole.logicalId, needed);
  if (executionRole !== undefined && denial === undefined) return;
  throw new CloudError(
    'TASK_DENIED',
    `ECS could not start the container ${name}: ${denial?.message ?? 'the task definition has no execution role'}.`,
    'Grant it to the execution role in lib/stacks.',
  );
}

/** `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>`; other registries ask nobody's role. */
function imagePull(image: string): Access[] {
  const [, account, region, repository] = /^(\d+)\.dkr\.ecr\.([^.]+)\.[^/]+\/([^:@]+)/.exec(image) ?? [];
  if (repository === undefined) return [];
  const resource = `arn:aws:ecr:${region}:${account}:repository/${repository}`;
  return [
    { action: 'ecr:GetAuthorizationToken', resource: '*' },
    ...['BatchCheckLayerAvailability', 'GetDownloadUrlForLayer', 'BatchGetImage'].map((action) => ({
      action: `ecr:${action}`,
      resource,
    })),
  ];
}

/** `valueFrom` is a secret's ARN, or `<ARN>:<json key>:<version stage>:<version id>`. */
function secretValue(
  variable: string,
  reference: string,
  executionRole: string | undefined,
  iam: Iam,
  secrets: Secrets,
): string {
  const parts = reference.split(':');
  const arn = parts.slice(0, 7).join(':');
  const key = parts[7] ?? '';
  const denial =
    executionRole === undefined
      ? undefined
      : iam.check(executionRole, [
          { action: 'secretsmanager:GetSecretValue', resource: secrets.arnOf(arn) ?? arn },
        ]);
  if (executionRole === undefined || denial !== undefined) {
    throw new CloudError(
      'SECRET_DENIED',
      `ECS could not start the task: the secret of ${variable} cannot be read: ${denial?.message ?? 'the task definition has no execution role'}.`,
      'Grant the execution role the secret in lib/stacks.',
    );
  }
  const value = secrets.get(arn);
  if (key === '') return value;
  const field = (JSON.parse(value) as Record<string, unknown>)[key];
  if (field === undefined) {
    throw new CloudError(
      'SECRET_DENIED',
      `ECS could not start the task: the secret of ${variable} has no field ${key}.`,
      'Add it to secrets.json in the data folder.',
    );
  }
  return String(field);
}
