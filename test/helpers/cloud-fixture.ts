import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** A template of the shape that CDK emits; tests change a copy. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into any corner of a template
export type Template = any;

export const STACK = 'fixture-test';
const REGION = 'eu-west-1';
const ACCOUNT = '000000000000';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export const names = {
  bus: 'fixture-bus',
  table: 'fixture-things',
  deadLetters: 'fixture-dlq',
  inbox: 'fixture-inbox',
  jobs: 'fixture-jobs',
  worker: 'fixture-worker',
  secret: 'fixture/login',
};

export const arns = {
  bus: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${names.bus}`,
  table: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${names.table}`,
  deadLetters: `arn:aws:sqs:${REGION}:${ACCOUNT}:${names.deadLetters}`,
  worker: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${names.worker}`,
  rule: `arn:aws:events:${REGION}:${ACCOUNT}:rule/${names.bus}/fixture-rule`,
};

/** A fresh folder below the system's temporary one, removed by the returned function. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'evenkeel-cloud-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The handler of the fixture, bundled as CDK's assets are: it does what the event's detail says. */
const HANDLER = `
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
const client = new DynamoDBClient({});
async function act(order) {
  switch (order.do) {
    case 'put': return client.send(new PutItemCommand({ TableName: process.env.TABLE, Item: { pk: { S: order.pk }, sk: { S: 'x' } } }));
    case 'append': return client.send(new UpdateItemCommand({
      TableName: process.env.TABLE, Key: { pk: { S: order.pk }, sk: { S: 'x' } },
      UpdateExpression: 'SET seen = list_append(if_not_exists(seen, :none), :one)',
      ExpressionAttributeValues: { ':none': { L: [] }, ':one': { L: [{ S: order.value }] } },
    }));
    case 'answer': return 'x'.repeat(order.bytes);
    case 'throw': throw new RangeError(order.message);
    case 'hang': return new Promise(() => setInterval(() => {}, 1000));
    case 'spin': for (;;);
    case 'exit': return process.exit(7);
    case 'hog': { const all = []; for (;;) all.push(new Array(1000000).fill(Math.random())); }
    default: return undefined;
  }
}
export async function handler(event, context) {
  console.log('handling', context.awsRequestId);
  if (event.Records) {
    const failures = [];
    const failedGroups = new Set();
    for (const record of event.Records) {
      const order = JSON.parse(record.body);
      const group = record.attributes.MessageGroupId;
      const tooEarly = Number(record.attributes.ApproximateReceiveCount) < (order.fromAttempt ?? 1);
      if (order.hangsAt === Number(record.attributes.ApproximateReceiveCount)) await act({ do: 'hang' });
      if (order.fail || tooEarly || failedGroups.has(group)) {
        failures.push({ itemIdentifier: record.messageId });
        if (group !== undefined) failedGroups.add(group);
      } else await act(order);
    }
    return { batchItemFailures: failures };
  }
  const answer = await act(event.detail ?? event);
  if (typeof answer === 'string') return answer;
  return { env: process.env, name: context.functionName, arn: context.invokedFunctionArn, remaining: context.getRemainingTimeInMillis(), event };
}
`;

/** The bundled code of the fixture's function, built once in a run: the folder for temporary files is the run's own. */
function bundledHandler(): string {
  const file = path.join(tmpdir(), 'cloud-fixture-handler.mjs');
  if (existsSync(file)) return file;
  const outfile = `${file}.${process.pid}`;
  buildSync({
    stdin: { contents: HANDLER, resolveDir: ROOT, loader: 'js' },
    bundle: true,
    outfile,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  renameSync(outfile, file);
  return file;
}

/** Writes a cloud assembly with this template into `folder` and returns its path. */
export function writeAssembly(folder: string, template: Template): string {
  const assembly = path.join(folder, 'cdk.out');
  mkdirSync(path.join(assembly, 'asset.abc'), { recursive: true });
  copyFileSync(bundledHandler(), path.join(assembly, 'asset.abc', 'index.mjs'));
  const json = (file: string, value: unknown): void =>
    writeFileSync(path.join(assembly, file), JSON.stringify(value));
  json('manifest.json', {
    version: '55.0.0',
    artifacts: {
      [`${STACK}.assets`]: { type: 'cdk:asset-manifest', properties: { file: `${STACK}.assets.json` } },
      [STACK]: {
        type: 'aws:cloudformation:stack',
        environment: 'aws://unknown-account/unknown-region',
        properties: { templateFile: `${STACK}.template.json` },
      },
    },
  });
  json(`${STACK}.assets.json`, {
    files: {
      abc: {
        source: { path: 'asset.abc', packaging: 'zip' },
        destinations: { current: { bucketName: 'assets', objectKey: 'abc.zip' } },
      },
    },
  });
  json(`${STACK}.template.json`, template);
  return assembly;
}

/** Copies an assembly with another template: its assets stay where they are. */
export function editedAssembly(
  assembly: string,
  folder: string,
  stack: string,
  template: Template,
  files: readonly string[],
): string {
  const copy = path.join(folder, 'edited.out');
  mkdirSync(copy, { recursive: true });
  for (const file of files) {
    if (file !== `${stack}.template.json`) symlinkSync(path.join(assembly, file), path.join(copy, file));
  }
  writeFileSync(path.join(copy, `${stack}.template.json`), JSON.stringify(template));
  return copy;
}

const trust = (service: string): unknown => ({
  Version: '2012-10-17',
  Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: service } }],
});

const statement = (actions: string | string[], resource: unknown): unknown => ({
  Action: actions,
  Effect: 'Allow',
  Resource: resource,
});

const getArn = (logicalId: string): unknown => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });

const fromEvents = (queue: string, rule: string): unknown => ({
  Action: 'sqs:SendMessage',
  Condition: { ArnEquals: { 'aws:SourceArn': getArn(rule) } },
  Effect: 'Allow',
  Principal: { Service: 'events.amazonaws.com' },
  Resource: getArn(queue),
});

/** The whole fixture: a bus with a rule to a function and one to a queue, table, queues, roles, secret and task. */
export function fixtureTemplate(): Template {
  return structuredClone({
    Resources: {
      Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: names.bus } },
      Archive: {
        Type: 'AWS::Events::Archive',
        Properties: {
          ArchiveName: 'fixture-archive',
          SourceArn: getArn('Bus'),
          RetentionDays: 3,
          EventPattern: { source: ['evenkeel.test'] },
        },
      },
      Things: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          TableName: names.table,
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
            { AttributeName: 'day', AttributeType: 'S' },
          ],
          GlobalSecondaryIndexes: [
            {
              IndexName: 'byDay',
              KeySchema: [{ AttributeName: 'day', KeyType: 'HASH' }],
              Projection: { ProjectionType: 'ALL' },
            },
          ],
          BillingMode: 'PAY_PER_REQUEST',
          TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
        UpdateReplacePolicy: 'Delete',
        DeletionPolicy: 'Delete',
      },
      DeadLetters: {
        Type: 'AWS::SQS::Queue',
        Properties: { QueueName: names.deadLetters, MessageRetentionPeriod: 1_209_600 },
      },
      DeadLettersPolicy: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: {
          PolicyDocument: {
            Statement: [
              {
                Action: 'sqs:*',
                Condition: { Bool: { 'aws:SecureTransport': 'false' } },
                Effect: 'Deny',
                Principal: { AWS: '*' },
                Resource: getArn('DeadLetters'),
              },
              fromEvents('DeadLetters', 'Rule'),
            ],
          },
          Queues: [{ Ref: 'DeadLetters' }],
        },
      },
      Inbox: { Type: 'AWS::SQS::Queue', Properties: { QueueName: names.inbox } },
      InboxPolicy: {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: {
          PolicyDocument: { Statement: [fromEvents('Inbox', 'QueueRule')] },
          Queues: [{ Ref: 'Inbox' }],
        },
      },
      Jobs: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          QueueName: names.jobs,
          VisibilityTimeout: 1,
          RedrivePolicy: { deadLetterTargetArn: getArn('DeadLetters'), maxReceiveCount: 2 },
        },
      },
      WorkerRole: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: trust('lambda.amazonaws.com'),
          ManagedPolicyArns: [
            {
              'Fn::Join': [
                '',
                [
                  'arn:',
                  { Ref: 'AWS::Partition' },
                  ':iam::aws:policy/service-role/AWSLambdaBasicExecutionRole',
                ],
              ],
            },
          ],
        },
      },
      WorkerPolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'WorkerPolicy',
          PolicyDocument: {
            Statement: [
              statement(
                ['dynamodb:PutItem', 'dynamodb:Query'],
                [getArn('Things'), { 'Fn::Join': ['', [getArn('Things'), '/index/*']] }],
              ),
              statement('sqs:SendMessage', getArn('DeadLetters')),
              statement(
                [
                  'sqs:ReceiveMessage',
                  'sqs:DeleteMessage',
                  'sqs:GetQueueAttributes',
                  'sqs:ChangeMessageVisibility',
                ],
                getArn('Jobs'),
              ),
            ],
          },
          Roles: [{ Ref: 'WorkerRole' }],
        },
      },
      Worker: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName: names.worker,
          Code: {
            S3Bucket: { 'Fn::Sub': `cdk-assets-\${AWS::AccountId}-\${AWS::Region}` },
            S3Key: 'abc.zip',
          },
          Handler: 'index.handler',
          Runtime: 'nodejs24.x',
          Role: getArn('WorkerRole'),
          Timeout: 1,
          MemorySize: 128,
          Environment: { Variables: { TABLE: { Ref: 'Things' }, QUEUE_URL: { Ref: 'Jobs' } } },
          DeadLetterConfig: { TargetArn: getArn('DeadLetters') },
        },
        DependsOn: ['WorkerPolicy', 'WorkerRole'],
        Metadata: { 'aws:asset:path': 'asset.abc', 'aws:asset:property': 'Code' },
      },
      WorkerAsync: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: { FunctionName: { Ref: 'Worker' }, Qualifier: '$LATEST', MaximumRetryAttempts: 1 },
      },
      JobsMapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: getArn('Jobs'),
          FunctionName: { Ref: 'Worker' },
          BatchSize: 5,
          FunctionResponseTypes: ['ReportBatchItemFailures'],
        },
      },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          Name: 'fixture-rule',
          EventBusName: { Ref: 'Bus' },
          EventPattern: { source: ['evenkeel.test'], 'detail-type': ['thing.done'] },
          State: 'ENABLED',
          Targets: [
            {
              Arn: getArn('Worker'),
              Id: 'Target0',
              DeadLetterConfig: { Arn: getArn('DeadLetters') },
              RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 3_600 },
            },
          ],
        },
      },
      RulePermission: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: getArn('Worker'),
          Principal: 'events.amazonaws.com',
          SourceArn: getArn('Rule'),
        },
      },
      QueueRule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventBusName: { Ref: 'Bus' },
          EventPattern: { source: ['evenkeel.test'], 'detail-type': ['thing.queued'] },
          State: 'ENABLED',
          Targets: [
            {
              Arn: getArn('Inbox'),
              Id: 'Target0',
              InputTransformer: {
                InputPathsMap: { name: '$.detail.name', n: '$.detail.n' },
                InputTemplate: '{"hello":"<name>","n":<n>}',
              },
            },
          ],
        },
      },
      Login: {
        Type: 'AWS::SecretsManager::Secret',
        Properties: {
          Name: names.secret,
          GenerateSecretString: { SecretStringTemplate: '{"user":"desk"}', GenerateStringKey: 'password' },
        },
      },
      TaskRole: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: trust('ecs-tasks.amazonaws.com'),
          Policies: [
            {
              PolicyName: 'own',
              PolicyDocument: {
                Statement: [
                  statement('events:PutEvents', getArn('Bus')),
                  statement('lambda:InvokeFunction', getArn('Worker')),
                ],
              },
            },
          ],
        },
      },
      ExecutionRole: {
        Type: 'AWS::IAM::Role',
        Properties: { AssumeRolePolicyDocument: trust('ecs-tasks.amazonaws.com') },
      },
      ExecutionPolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'ExecutionPolicy',
          PolicyDocument: {
            Statement: [
              statement(['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'], { Ref: 'Login' }),
            ],
          },
          Roles: [{ Ref: 'ExecutionRole' }],
        },
      },
      Task: {
        Type: 'AWS::ECS::TaskDefinition',
        Properties: {
          Family: 'fixture',
          Cpu: '256',
          TaskRoleArn: getArn('TaskRole'),
          ExecutionRoleArn: getArn('ExecutionRole'),
          ContainerDefinitions: [
            {
              Name: 'streamer',
              Image: 'streamer',
              Environment: [{ Name: 'EVENT_BUS_NAME', Value: { Ref: 'Bus' } }],
              Secrets: [
                {
                  Name: 'LOGIN_PASSWORD',
                  ValueFrom: { 'Fn::Join': ['', [{ Ref: 'Login' }, ':password::']] },
                },
              ],
            },
          ],
        },
      },
      Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
    },
    Parameters: {
      BootstrapVersion: {
        Type: 'AWS::SSM::Parameter::Value<String>',
        Default: '/cdk-bootstrap/hnb659fds/version',
      },
    },
    Rules: { CheckBootstrapVersion: { Assertions: [] } },
  });
}
