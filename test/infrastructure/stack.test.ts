import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { candleKey } from '../../lib/aws/keys.ts';
import { archiveTables } from '../../lib/domain/archive/athena.ts';
import { catalogue } from '../../lib/events/catalogue.ts';
import { streamerSource } from '../../lib/events/envelope.ts';
import { stages } from '../../lib/events/stage.ts';
import { functionNames } from '../../lib/stacks/bundle.ts';
import {
  firstOf,
  namedOf,
  ofType,
  removeAssemblies,
  type StageTemplate,
  stageTemplate,
  synthStage,
} from '../helpers/stage-template.ts';

afterAll(removeAssemblies);

const protectedStages = ['paper', 'live'] as const;

/** Types that hold what cannot be made again. */
const critical = [
  'AWS::DynamoDB::Table',
  'AWS::Events::EventBus',
  'AWS::Events::Archive',
  'AWS::SQS::Queue',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
];

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
}

interface ContainerDefinition {
  readonly Name: string;
  readonly Image: unknown;
  readonly Environment?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets?: readonly { readonly Name: string; readonly ValueFrom: unknown }[];
  readonly HealthCheck?: { readonly Command: readonly string[] };
}

function container(name: string, stage: (typeof stages)[number] = 'paper'): ContainerDefinition {
  const task = firstOf(stageTemplate(stage), 'AWS::ECS::TaskDefinition');
  const all = task[1].Properties.ContainerDefinitions as readonly ContainerDefinition[];
  const found = all.find((one) => one.Name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

describe.each(stages)('stage %s', (stage) => {
  it('has no finding of cdk-nag that is not acknowledged', () => {
    // synthStage throws on one.
    expect(Object.keys(stageTemplate(stage).resources).length).toBeGreaterThan(20);
  });

  it('names everything evenkeel-<stage>-<thing>', () => {
    const nameKeys =
      /^(TableName|QueueName|FunctionName|RoleName|ClusterName|ServiceName|Family|ArchiveName|LogGroupName|Name|GroupName)$/;
    const names = Object.values(stageTemplate(stage).resources).flatMap(({ Properties }) =>
      Object.entries(Properties).flatMap(([key, value]) =>
        nameKeys.test(key) && typeof value === 'string' ? [value] : [],
      ),
    );
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((name) => !new RegExp(`^/?evenkeel-${stage}\\b`).test(name))).toEqual([]);
  });

  it('has no custom resource, no NAT gateway, no queue or table without a name', () => {
    const types = Object.values(stageTemplate(stage).resources).map(({ Type }) => Type);
    expect(types.filter((type) => /^Custom::|CustomResource|NatGateway|AWS::EC2::EIP/.test(type))).toEqual(
      [],
    );
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(functionNames.length);
  });

  it('lets nothing in', () => {
    const { template } = stageTemplate(stage);
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.allResourcesProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
    template.allResourcesProperties('AWS::ECS::Service', { EnableExecuteCommand: false, LoadBalancers: [] });
    for (const name of ['streamer', 'gateway'])
      expect(container(name, stage)).not.toHaveProperty('PortMappings');
  });

  it('puts the names of what was made into the outputs', () => {
    expect(Object.keys(stageTemplate(stage).outputs).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'AlertDeadLetters',
      'AlertsName',
      'AlertTopicArn',
      'ApplyPlanName',
      'ArchiveBucketName',
      ...(stage === 'sandbox' ? [] : ['ArchiveDatabaseName']),
      'ArchiveName',
      'AuditTableName',
      'BackupBucketName',
      'BackupName',
      'BookDeadLetters',
      'BookKeeperName',
      'BookQueueUrl',
      'BookTableName',
      'CandleKeeperDeadLetters',
      'CandleKeeperName',
      'CandlesTableName',
      'ClusterName',
      'ControlTableName',
      'DrillName',
      'EventBusName',
      'JobDeadLetters',
      'ReconcileBucketName',
      'ReconcileName',
      'SnapshotBucketName',
      'WatchdogName',
    ]);
  });
});

describe('what holds data', () => {
  it.each(protectedStages)('of stage %s cannot be deleted by mistake', (stage) => {
    const made = stageTemplate(stage);
    expect(made.terminationProtection).toBe(true);
    for (const type of critical) {
      const found = ofType(made, type);
      expect(found.length, type).toBeGreaterThan(0);
      for (const [id, resource] of found) {
        expect([id, resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual([id, 'Retain', 'Retain']);
      }
    }
    made.template.allResourcesProperties('AWS::DynamoDB::Table', {
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('of the sandbox goes with its stack, and still has point-in-time recovery', () => {
    const made = stageTemplate('sandbox');
    expect(made.terminationProtection).toBe(false);
    for (const type of critical) {
      for (const [id, resource] of ofType(made, type))
        expect([id, resource.DeletionPolicy]).toEqual([id, 'Delete']);
    }
    made.template.hasResourceProperties('AWS::DynamoDB::Table', {
      DeletionProtectionEnabled: false,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('the candles table has the keys and the time to live that the code writes', () => {
    const [partition, sort] = Object.keys(candleKey({ conId: 1, intervalMs: 60_000, startMs: 0 }));
    stageTemplate('paper').template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: partition, KeyType: 'HASH' },
        { AttributeName: sort, KeyType: 'RANGE' },
      ],
      // candles-table.test.ts reads this attribute back from the engine.
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      BillingMode: 'PAY_PER_REQUEST',
    });
  });
});

describe('way of a candle', () => {
  const made = () => stageTemplate('paper');

  it('the rule asks for the two candle events of the streamer, replayed ones too', () => {
    const types = ['candle.completed', 'candle.corrected'] as const;
    expect(types.filter((type) => !(type in catalogue))).toEqual([]);
    const rule = firstOf(made(), 'AWS::Events::Rule');
    expect(rule[1].Properties.EventPattern).toEqual({
      source: [streamerSource],
      'detail-type': [...types],
    });
  });

  it('the archive keeps every event of the streamer', () => {
    made().template.hasResourceProperties('AWS::Events::Archive', {
      EventPattern: { source: [streamerSource] },
      RetentionDays: 90,
    });
  });

  it('what cannot be handed over, or makes the function throw, is retried and ends in the one dead-letter queue', () => {
    const queue = namedOf(made(), 'AWS::SQS::Queue', 'evenkeel-paper-candle-keeper-dlq');
    const queueArn = { 'Fn::GetAtt': [queue[0], 'Arn'] };
    const { template } = made();
    template.hasResourceProperties('AWS::Events::Rule', {
      Targets: [
        Match.objectLike({
          DeadLetterConfig: { Arn: queueArn },
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        }),
      ],
    });
    template.hasResourceProperties('AWS::Lambda::Function', { DeadLetterConfig: { TargetArn: queueArn } });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumEventAgeInSeconds: 21_600,
      MaximumRetryAttempts: 2,
    });
  });

  it('the dead-letter queue keeps 14 days, is encrypted, refuses plain HTTP, and takes from the rule alone', () => {
    const { template } = made();
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
    });
    const rule = firstOf(made(), 'AWS::Events::Rule');
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({
            Effect: 'Deny',
            Action: 'sqs:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sqs:SendMessage',
            Principal: { Service: 'events.amazonaws.com' },
            Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [rule[0], 'Arn'] } } },
          }),
        ],
      },
    });
  });

  it('the function runs on Node 24, ARM, with its own log group', () => {
    made().template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      LoggingConfig: { LogGroup: Match.anyValue() },
    });
    made().template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });
});

describe('the function and its environment', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  const environment = (name: string) => {
    const keeper = namedOf(stageTemplate('paper'), 'AWS::Lambda::Function', `evenkeel-paper-${name}`);
    return (keeper[1].Properties.Environment as { Variables: Record<string, unknown> }).Variables;
  };

  function stub(of: string, leaveOut?: string): void {
    vi.resetModules();
    for (const [name, value] of Object.entries(environment(of))) {
      vi.stubEnv(name, name === leaveOut ? undefined : textOf(value));
    }
    vi.stubEnv('NODE_OPTIONS', undefined);
  }

  /** A text of the template with something in the place of what only a deployment knows. */
  function textOf(value: unknown): string {
    if (typeof value === 'string') return value;
    const [, parts] = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'] ?? [];
    return parts === undefined ? 'a-reference' : parts.map(textOf).join('');
  }

  const needed = {
    'candle-keeper': ['CANDLES_TABLE', 'RETENTION_DAYS'],
    'book-keeper': ['STAGE', 'BOOK_TABLE', 'AUDIT_TABLE', 'DEAD_LETTER_QUEUE_URL', 'EVENT_BUS_NAME'],
    backup: ['STAGE', 'BOOK_TABLE', 'AUDIT_TABLE', 'CANDLES_TABLE', 'BACKUP_BUCKET', 'EVENT_BUS_NAME'],
    drill: ['STAGE', 'DRILL_PREFIX', 'BOOK_TABLE', 'BACKUP_BUCKET', 'SNAPSHOT_BUCKET', 'EVENT_BUS_NAME'],
    reconcile: ['STAGE', 'BOOK_TABLE', 'CONTROL_TABLE', 'RECONCILE_BUCKET', 'STREAMERS', 'RECONCILE_RULES'],
    'apply-plan': [
      'STAGE',
      'BOOK_TABLE',
      'RECONCILE_BUCKET',
      'BACKUP_BUCKET',
      'APPROVERS',
      'PROGRAM_VERSION',
    ],
    archive: ['STAGE', 'BOOK_TABLE', 'AUDIT_TABLE', 'CANDLES_TABLE', 'ARCHIVE_BUCKET', 'EVENT_BUS_NAME'],
  } as const;
  const load = (name: string): Promise<{ handler: unknown }> =>
    import(`../../functions/${name}/handler.ts`) as Promise<{ handler: unknown }>;

  it.each(Object.keys(needed))('%s starts with the variables of the template', async (name) => {
    stub(name);
    expect((await load(name)).handler).toBeTypeOf('function');
  });

  it.each(
    Object.entries(needed).flatMap(([name, variables]) =>
      variables.map((variable): [string, string] => [name, variable]),
    ),
  )('%s does not start without %s', async (name, variable) => {
    expect(Object.keys(environment(name))).toContain(variable);
    stub(name, variable);
    await expect(load(name)).rejects.toThrow(`${variable} is missing`);
  });
});

/** The statements of every policy that is attached to a role. */
function statementsOf(made: StageTemplate, roleId: string): Statement[] {
  return ofType(made, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${roleId}"`))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}

describe('permissions', () => {
  /** Every `*` or `?` in an Allow statement of a role: what is allowed, on what, and the reason that it is there. */
  const wildcards: readonly (readonly [actions: string, resource: RegExp, reason: string])[] = [
    ['ecr:GetAuthorizationToken', /^"\*"$/, 'has no resource of its own: IAM accepts only *'],
    ['dynamodb:ListTables', /^"\*"$/, 'has no resource of its own: IAM accepts only *'],
    [
      'secretsmanager:DescribeSecret,secretsmanager:GetSecretValue',
      /:secret:evenkeel-[a-z]+-gateway-main-\?{6}"/,
      'six characters that Secrets Manager puts after the name of one secret',
    ],
    [
      's3:GetObject,s3:PutObject',
      /Snapshots\w+","Arn"\]\},"\/snapshots\/D?U1234567\/\*"/,
      'each snapshot is an object of its own, in the folder of one account',
    ],
    [
      's3:PutObject,s3:PutObjectTagging',
      /Backups\w+","Arn"\]\},"\/(parts|manifests)\/\*"/,
      'parts and manifests of backups are objects of their own',
    ],
    [
      's3:GetObject',
      /"Arn"\]\},"\/(parts|manifests|snapshots)\/\*"/,
      'the drill reads backups and snapshots; the backup reads the manifests before it; reconcile its snapshot',
    ],
    [
      's3:GetObject,s3:PutObject',
      /Reconcile\w+","Arn"\]\},"\/(runs|latest)\/\*"/,
      'the evidence of each run and the newest plan of each account are objects of their own',
    ],
    [
      's3:PutObject',
      /Backups\w+","Arn"\]\},"\/drills\/\*"/,
      'each report of a drill is an object of its own',
    ],
    [
      's3:GetObject,s3:PutObject',
      /Archive\w+","Arn"\]\},"\/(candles|positions|days)\/\*"/,
      'each symbol and day of the archive is an object of its own',
    ],
    [
      'dynamodb:BatchWriteItem,dynamodb:ConditionCheckItem,dynamodb:CreateTable,dynamodb:DeleteItem,dynamodb:DeleteTable,dynamodb:DescribeTable,dynamodb:GetItem,dynamodb:PutItem,dynamodb:Query,dynamodb:Scan',
      /:table\/evenkeel-[a-z]+-drill-\*"/,
      'tables of a drill are made, filled and removed by it; no other table has such a name',
    ],
  ];

  const statements = (stage: (typeof stages)[number]): Statement[] =>
    ofType(stageTemplate(stage), 'AWS::IAM::Policy').flatMap(
      ([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
    );

  it.each(stages)('of stage %s have no wildcard beyond the listed ones', (stage) => {
    const found = statements(stage)
      .filter(({ Action, Resource }) => /[*?]/.test(JSON.stringify([Action, Resource])))
      .flatMap(({ Action, Resource }) =>
        [Resource].flat().map((one) => ({ actions: [Action].flat().join(), resource: JSON.stringify(one) })),
      );
    const reasonOf = (one: (typeof found)[number]) =>
      wildcards.find(([actions, resource]) => actions === one.actions && resource.test(one.resource));
    expect(found.filter((one) => reasonOf(one) === undefined)).toEqual([]);
    // None is listed that is not there any more.
    expect(wildcards.filter((listed) => !found.some((one) => reasonOf(one) === listed))).toEqual([]);
    expect(found.filter(({ actions }) => /[*?]/.test(actions))).toEqual([]);
  });

  it('come from no managed policy', () => {
    for (const stage of stages) {
      for (const [id, { Properties }] of ofType(stageTemplate(stage), 'AWS::IAM::Role')) {
        expect([id, Properties.ManagedPolicyArns]).toEqual([id, undefined]);
      }
    }
  });

  const roleOf = (resource: readonly [string, { readonly Properties: Readonly<Record<string, unknown>> }]) =>
    (resource[1].Properties.Role ?? resource[1].Properties.TaskRoleArn) as { 'Fn::GetAtt': [string, string] };

  it('let the streamer send events, take its commands, hold its lease, record orders and store snapshots, and nothing else', () => {
    const made = stageTemplate('paper');
    const arn = (type: string, name: string) => ({ 'Fn::GetAtt': [namedOf(made, type, name)[0], 'Arn'] });
    const role = roleOf(firstOf(made, 'AWS::ECS::TaskDefinition'));
    expect(statementsOf(made, role['Fn::GetAtt'][0])).toEqual([
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Resource: arn('AWS::Events::EventBus', 'evenkeel-paper'),
      },
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Resource: arn('AWS::SQS::Queue', 'evenkeel-paper-book.fifo'),
      },
      {
        Effect: 'Allow',
        Action: ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'],
        Resource: arn('AWS::SQS::Queue', 'evenkeel-paper-orders-main.fifo'),
      },
      {
        Effect: 'Allow',
        Action: ['dynamodb:ConditionCheckItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
        Resource: [
          arn('AWS::DynamoDB::Table', 'evenkeel-paper-control'),
          arn('AWS::DynamoDB::Table', 'evenkeel-paper-book'),
        ],
      },
      {
        Effect: 'Allow',
        Action: 'dynamodb:PutItem',
        Resource: arn('AWS::DynamoDB::Table', 'evenkeel-paper-audit'),
      },
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: {
          'Fn::Join': [
            '',
            [
              { 'Fn::GetAtt': [expect.stringMatching(/^Snapshots/) as string, 'Arn'] },
              '/snapshots/DU1234567/*',
            ],
          ],
        },
      },
    ]);
  });

  it('let the candle keeper put items into its table, write its log and its dead letters, and nothing else', () => {
    const made = stageTemplate('paper');
    const role = roleOf(namedOf(made, 'AWS::Lambda::Function', 'evenkeel-paper-candle-keeper'));
    const allowed = statementsOf(made, role['Fn::GetAtt'][0]);
    expect(allowed.flatMap(({ Action }) => Action)).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'dynamodb:PutItem',
      'sqs:SendMessage',
    ]);
  });

  it('let nobody delete a backup or end its lock before its time', () => {
    for (const stage of stages) {
      const actions = statements(stage).flatMap(({ Action }) => [Action].flat());
      expect(
        actions.filter((action) => /^s3:(Delete|BypassGovernance|PutObjectRetention|PutBucket)/.test(action)),
      ).toEqual([]);
    }
  });

  it('let nobody change or delete a row of the audit trail, and only writers of the book add one', () => {
    for (const stage of stages) {
      const made = stageTemplate(stage);
      const audit = namedOf(made, 'AWS::DynamoDB::Table', `evenkeel-${stage}-audit`)[0];
      const onAudit = ofType(made, 'AWS::IAM::Policy').flatMap(([, { Properties }]) =>
        (Properties.PolicyDocument as { Statement: Statement[] }).Statement.filter(({ Resource }) =>
          JSON.stringify(Resource).includes(`"${audit}"`),
        ).map(({ Action }) => ({ roles: JSON.stringify(Properties.Roles), actions: [Action].flat() })),
      );
      const readers = ['dynamodb:Query', 'dynamodb:Scan'];
      const writers = onAudit
        .map(({ roles, actions }) => ({ roles, writes: actions.filter((one) => !readers.includes(one)) }))
        .filter(({ writes }) => writes.length > 0);
      expect(writers.map(({ writes }) => writes)).toEqual(writers.map(() => ['dynamodb:PutItem']));
      const roles = writers.map((one) => /"(Book|Streamer|Reconcile[A-Z][a-z]+)/.exec(one.roles)?.[1]);
      expect(new Set(roles)).toEqual(new Set(['Book', 'ReconcileApply', 'ReconcileRun', 'Streamer']));
    }
  });
});

describe('way of an order event', () => {
  const made = () => stageTemplate('paper');
  const queue = (name: string) => namedOf(made(), 'AWS::SQS::Queue', name);

  it('goes through a FIFO queue to the book-keeper, which reports single failures', () => {
    const book = queue('evenkeel-paper-book.fifo');
    const deadLetters = queue('evenkeel-paper-book-dlq.fifo');
    expect(book[1].Properties).toMatchObject({
      FifoQueue: true,
      VisibilityTimeout: 180,
      MessageRetentionPeriod: 1_209_600,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters[0], 'Arn'] } },
    });
    expect(deadLetters[1].Properties).toMatchObject({ FifoQueue: true });
    const keeper = namedOf(made(), 'AWS::Lambda::Function', 'evenkeel-paper-book-keeper');
    made().template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [book[0], 'Arn'] },
      FunctionName: { Ref: keeper[0] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
    });
    expect(keeper[1].Properties).toMatchObject({ Timeout: 30, Runtime: 'nodejs24.x' });
  });

  it('the tables have the keys that the code writes, and the audit trail its index by order', () => {
    for (const table of ['book', 'audit', 'control']) {
      const [, { Properties }] = namedOf(made(), 'AWS::DynamoDB::Table', `evenkeel-paper-${table}`);
      expect(Properties).toMatchObject({
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      });
    }
    expect(namedOf(made(), 'AWS::DynamoDB::Table', 'evenkeel-paper-audit')[1].Properties).toMatchObject({
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-order',
          KeySchema: [
            { AttributeName: 'orderPk', KeyType: 'HASH' },
            { AttributeName: 'orderSk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
  });

  it('snapshots lie in a private, versioned, encrypted bucket that takes TLS only', () => {
    const { template } = made();
    template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 's3:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
  });
});

describe('the archive', () => {
  it('has a table of Athena for each of its folders, with the columns that are written', () => {
    for (const { name, columns } of archiveTables) {
      const found = ofType(stageTemplate('paper'), 'AWS::Glue::Table').map(
        ([, { Properties }]) => Properties,
      );
      const inputs = found.map(({ TableInput }) => TableInput as { Name: string; [name: string]: unknown });
      expect(inputs.find((input) => input.Name === name)).toMatchObject({
        TableType: 'EXTERNAL_TABLE',
        Parameters: { 'projection.enabled': 'true', classification: 'parquet' },
        PartitionKeys: [{ Name: 'symbol' }, { Name: 'date' }],
        StorageDescriptor: {
          Columns: columns.map((column) => ({ Name: column.name, Type: column.glueType })),
        },
      });
    }
  });

  it('has none in the sandbox, where there is no Athena', () => {
    expect(ofType(stageTemplate('sandbox'), 'AWS::Glue::Table')).toEqual([]);
  });
});

describe('the streamer service', () => {
  it.each(stages)('of stage %s never runs two tasks', (stage) => {
    const { template } = stageTemplate(stage);
    template.resourceCountIs('AWS::ECS::Service', 1);
    template.hasResourceProperties('AWS::ECS::Service', {
      DesiredCount: 1,
      AvailabilityZoneRebalancing: 'DISABLED',
      DeploymentConfiguration: {
        MinimumHealthyPercent: 0,
        MaximumPercent: 100,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      LaunchType: 'FARGATE',
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } },
    });
  });

  it('gives the streamer 120 s to stop, restarts it in its task, and keeps the outbox on a volume of the task', () => {
    expect(container('streamer')).toMatchObject({
      StopTimeout: 120,
      RestartPolicy: { Enabled: true, RestartAttemptPeriod: 60 },
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/var/lib/evenkeel', ReadOnly: false, SourceVolume: 'outbox' }],
    });
    stageTemplate('paper').template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      Volumes: [{ Name: 'outbox' }],
      NetworkMode: 'awsvpc',
      Cpu: '1024',
      Memory: '3072',
      RuntimePlatform: { CpuArchitecture: 'X86_64', OperatingSystemFamily: 'LINUX' },
    });
  });

  it('starts the gateway only after the streamer is healthy', () => {
    expect(container('gateway')).toMatchObject({
      DependsOn: [{ ContainerName: 'streamer', Condition: 'HEALTHY' }],
      RestartPolicy: { Enabled: true },
    });
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('its health check, run as it stands, answers %i with exit code %i', async (status, code) => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { spawn } = await import('node:child_process');
    const [kind, command, ...args] = container('streamer').HealthCheck?.Command ?? [];
    expect([kind, command]).toEqual(['CMD', 'node']);
    const check = spawn(process.execPath, args, { env: { HEALTH_PORT: String(address.port) } });
    const [exitCode] = (await once(check, 'exit')) as [number];
    server.close();
    expect({ exitCode, paths }).toEqual({ exitCode: code, paths: ['/healthz'] });
  });

  it('its health check fails when nothing listens', () => {
    const [, , ...args] = container('streamer').HealthCheck?.Command ?? [];
    expect(spawnSync(process.execPath, args, { env: { HEALTH_PORT: '9' } }).status).toBe(1);
  });

  it('is told its stage, its name and where things are, and nothing more', () => {
    const ref = (type: string, name: string) => ({ Ref: namedOf(stageTemplate('paper'), type, name)[0] });
    expect(container('streamer').Environment).toEqual([
      { Name: 'STAGE', Value: 'paper' },
      { Name: 'STREAMER_NAME', Value: 'main' },
      { Name: 'EVENT_BUS_NAME', Value: ref('AWS::Events::EventBus', 'evenkeel-paper') },
      { Name: 'BOOK_QUEUE_URL', Value: ref('AWS::SQS::Queue', 'evenkeel-paper-book.fifo') },
      { Name: 'COMMAND_QUEUE_URL', Value: ref('AWS::SQS::Queue', 'evenkeel-paper-orders-main.fifo') },
      { Name: 'CONTROL_TABLE', Value: ref('AWS::DynamoDB::Table', 'evenkeel-paper-control') },
      { Name: 'SNAPSHOT_BUCKET', Value: { Ref: firstOf(stageTemplate('paper'), 'AWS::S3::Bucket')[0] } },
      { Name: 'BOOK_TABLE', Value: ref('AWS::DynamoDB::Table', 'evenkeel-paper-book') },
      { Name: 'AUDIT_TABLE', Value: ref('AWS::DynamoDB::Table', 'evenkeel-paper-audit') },
    ]);
    expect(container('streamer').Secrets).toBeUndefined();
  });

  it.each(stages)('of stage %s takes the login from Secrets Manager, never from its environment', (stage) => {
    const gateway = container('gateway', stage);
    expect(gateway.Secrets?.map(({ Name }) => Name)).toEqual(['TWS_USERID', 'TWS_PASSWORD']);
    for (const { Name, ValueFrom } of gateway.Secrets ?? []) {
      expect(JSON.stringify(ValueFrom)).toContain(`:secret:evenkeel-${stage}-gateway-main:${Name}::`);
    }
    const names = [...(gateway.Environment ?? []), ...(container('streamer', stage).Environment ?? [])].map(
      ({ Name }) => Name,
    );
    expect(names.filter((name) => /USER|PASS|SECRET|TOKEN|KEY|LOGIN(?!_AFTER)/.test(name))).toEqual([]);
  });

  it.each([
    ['sandbox', 'paper', 'no'],
    ['paper', 'paper', 'no'],
    ['live', 'live', 'no'],
  ] as const)(
    'of stage %s logs in for %s trading, its API read-only: %s, from a pinned image',
    (stage, mode, readOnly) => {
      const gateway = container('gateway', stage);
      expect(gateway.Environment).toEqual(
        expect.arrayContaining([
          { Name: 'TRADING_MODE', Value: mode },
          { Name: 'READ_ONLY_API', Value: readOnly },
        ]),
      );
      expect(gateway.Image).toMatch(/^ghcr\.io\/gnzsnz\/ib-gateway(:\d+\.\d+\.\d+\w*|@sha256:[0-9a-f]{64})$/);
    },
  );
});

describe('configuration in the stack', () => {
  const dir = mkdtempSync(join(tmpdir(), 'evenkeel-stack-config-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  const synth = (streamers: string) => {
    writeFileSync(join(dir, 'paper.yml'), `stage: paper\nstreamers:\n${streamers}`);
    return synthStage('paper', { configDir: dir });
  };

  it('makes one service, one task and one secret name for each streamer', () => {
    const made = synth(
      '  - { name: main, account: DU1234567, symbols: [GC] }\n  - { name: second, account: DU7654321, symbols: [ES], gateway: { clientId: 2 } }\n',
    );
    const services = ofType(made, 'AWS::ECS::Service').map(([, { Properties }]) => Properties.ServiceName);
    expect(services).toEqual(['evenkeel-paper-streamer-main', 'evenkeel-paper-streamer-second']);
    const tasks = JSON.stringify(ofType(made, 'AWS::ECS::TaskDefinition'));
    expect(tasks).toContain(':secret:evenkeel-paper-gateway-second:TWS_PASSWORD::');
  });

  it('leaves the gateway container out when the gateway runs elsewhere', () => {
    const made = synth(
      '  - { name: main, account: DU1234567, symbols: [GC], gateway: { host: gateway.example, port: 7497 } }\n',
    );
    const task = firstOf(made, 'AWS::ECS::TaskDefinition');
    const names = (task[1].Properties.ContainerDefinitions as ContainerDefinition[]).map(({ Name }) => Name);
    expect(names).toEqual(['streamer']);
  });

  it('refuses a port on the loopback that the gateway container does not have', () => {
    expect(() =>
      synth('  - { name: main, account: DU1234567, symbols: [GC], gateway: { port: 7497 } }\n'),
    ).toThrow(/STREAMER_GATEWAY_UNREACHABLE.*7497.*4002/s);
  });
});
