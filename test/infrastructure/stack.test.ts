import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { candleKey } from '../../lib/aws/keys.ts';
import { catalogue } from '../../lib/events/catalogue.ts';
import { streamerSource } from '../../lib/events/envelope.ts';
import { stages } from '../../lib/events/stage.ts';
import {
  firstOf,
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
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(1);
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
      'CandleKeeperDeadLetters',
      'CandleKeeperName',
      'CandlesTableName',
      'ClusterName',
      'EventBusName',
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
    const queue = firstOf(made(), 'AWS::SQS::Queue');
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

  const environment = () => {
    const keeper = firstOf(stageTemplate('paper'), 'AWS::Lambda::Function');
    return (keeper[1].Properties.Environment as { Variables: Record<string, unknown> }).Variables;
  };

  function stub(leaveOut?: string): void {
    vi.resetModules();
    for (const [name, value] of Object.entries(environment())) {
      vi.stubEnv(name, name === leaveOut ? undefined : typeof value === 'string' ? value : 'a-reference');
    }
    vi.stubEnv('NODE_OPTIONS', undefined);
  }

  it('it starts with the variables of the template', async () => {
    stub();
    const { handler } = await import('../../functions/candle-keeper/handler.ts');
    expect(handler).toBeTypeOf('function');
  });

  it.each(['CANDLES_TABLE', 'RETENTION_DAYS'])('it does not start without %s', async (name) => {
    expect(Object.keys(environment())).toContain(name);
    stub(name);
    await expect(import('../../functions/candle-keeper/handler.ts')).rejects.toThrow(`${name} is missing`);
  });
});

/** The statements of every policy that is attached to a role. */
function statementsOf(made: StageTemplate, roleId: string): Statement[] {
  return ofType(made, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${roleId}"`))
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}

describe('permissions', () => {
  /** Every `*` or `?` in an Allow statement of a role, by what is allowed; each with the reason that it is there. */
  const wildcards = new Map([
    ['ecr:GetAuthorizationToken', 'has no resource of its own: IAM accepts only *'],
    [
      'secretsmanager:DescribeSecret,secretsmanager:GetSecretValue',
      'six characters that Secrets Manager puts after the name of one secret',
    ],
  ]);

  const statements = (stage: (typeof stages)[number]): Statement[] =>
    ofType(stageTemplate(stage), 'AWS::IAM::Policy').flatMap(
      ([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
    );

  it.each(stages)('of stage %s have no wildcard beyond the listed ones', (stage) => {
    const found = statements(stage).filter(({ Action, Resource }) =>
      /[*?]/.test(JSON.stringify([Action, Resource])),
    );
    expect(found.map(({ Action }) => [Action].flat().join())).toEqual([...wildcards.keys()]);
    expect(found.filter(({ Action }) => /[*?]/.test(JSON.stringify(Action)))).toEqual([]);
    const secret = JSON.stringify(found[1]?.Resource);
    expect(secret).toContain(`:secret:evenkeel-${stage}-gateway-main-??????`);
    expect(secret.replace('??????', '')).not.toMatch(/[*?]/);
  });

  it('come from no managed policy', () => {
    for (const stage of stages) {
      for (const [id, { Properties }] of ofType(stageTemplate(stage), 'AWS::IAM::Role')) {
        expect([id, Properties.ManagedPolicyArns]).toEqual([id, undefined]);
      }
    }
  });

  it('let the streamer put events on the bus of its stage, and nothing else', () => {
    const made = stageTemplate('paper');
    const bus = firstOf(made, 'AWS::Events::EventBus');
    const task = firstOf(made, 'AWS::ECS::TaskDefinition');
    const role = task[1].Properties.TaskRoleArn as { 'Fn::GetAtt': [string, string] };
    expect(statementsOf(made, role['Fn::GetAtt'][0])).toEqual([
      { Effect: 'Allow', Action: 'events:PutEvents', Resource: { 'Fn::GetAtt': [bus[0], 'Arn'] } },
    ]);
  });

  it('let the candle keeper put items into its table, write its log and its dead letters, and nothing else', () => {
    const made = stageTemplate('paper');
    const keeper = firstOf(made, 'AWS::Lambda::Function');
    const role = keeper[1].Properties.Role as { 'Fn::GetAtt': [string, string] };
    const allowed = statementsOf(made, role['Fn::GetAtt'][0]);
    expect(allowed.flatMap(({ Action }) => Action)).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'dynamodb:PutItem',
      'sqs:SendMessage',
    ]);
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
    expect({ exitCode, paths }).toEqual({ exitCode: code, paths: ['/livez'] });
  });

  it('its health check fails when nothing listens', () => {
    const [, , ...args] = container('streamer').HealthCheck?.Command ?? [];
    expect(spawnSync(process.execPath, args, { env: { HEALTH_PORT: '9' } }).status).toBe(1);
  });

  it('is told its stage, its name and its bus, and nothing more', () => {
    const bus = firstOf(stageTemplate('paper'), 'AWS::Events::EventBus');
    expect(container('streamer').Environment).toEqual([
      { Name: 'STAGE', Value: 'paper' },
      { Name: 'STREAMER_NAME', Value: 'main' },
      { Name: 'EVENT_BUS_NAME', Value: { Ref: bus[0] } },
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
    ['paper', 'paper', 'yes'],
    ['live', 'live', 'yes'],
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
