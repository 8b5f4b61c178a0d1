import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, describe, expect, it } from 'vitest';
import { crossChecks } from '../../../config/cross-checks.ts';
import { configSchema } from '../../../config/schema.ts';
import { parseChannels, parseWindows } from '../../../functions/alerts/channels.ts';
import { AlertTopic } from '../../../lib/stacks/alert-topic.ts';
import { Alerts } from '../../../lib/stacks/alerts.ts';
import { Book } from '../../../lib/stacks/book.ts';
import { StageEventBus } from '../../../lib/stacks/event-bus.ts';
import { stageQueue } from '../../../lib/stacks/function-parts.ts';

const folder = mkdtempSync(join(tmpdir(), 'alerts-'));
writeFileSync(join(folder, 'index.mjs'), 'export const handler = () => {};');
afterAll(() => rmSync(folder, { recursive: true }));

function configOf(channels?: readonly object[]) {
  return configSchema.parse({
    stage: 'paper',
    streamers: [
      { name: 'main', account: 'DU1234567', symbols: ['GC'], gateway: { port: 4002 }, dbPath: 'main.db' },
    ],
    alerts: { emails: ['desk@example.com'], ...(channels === undefined ? {} : { channels }) },
  });
}

function templateOf(channels?: readonly object[]): Template {
  const prefix = 'evenkeel-paper';
  const config = configOf(channels);
  const removalPolicy = RemovalPolicy.DESTROY;
  const stack = new Stack(
    new App({ analyticsReporting: false, builtinCloudFormationValidation: false }),
    'test',
  );
  const bundle = { folder, bytes: 1 };
  const { bus } = new StageEventBus(stack, 'Events', { name: prefix, archiveDays: 1, removalPolicy });
  const book = new Book(stack, 'Book', { prefix, config, bus, bundle, removalPolicy, isProtected: false });
  const { topic } = new AlertTopic(stack, 'AlertTopic', { prefix, emails: config.alerts.emails });
  const jobDeadLetters = stageQueue(stack, 'Jobs', { name: `${prefix}-jobs-dlq`, removalPolicy });
  new Alerts(stack, 'Alerts', { prefix, config, bus, book, topic, bundle, jobDeadLetters, removalPolicy });
  return Template.fromStack(stack);
}

describe('the alerts of a stage', () => {
  const channels = [
    { type: 'sns', name: 'email', minSeverity: 'high' },
    { type: 'slack', name: 'desk', quietHours: { timeZone: 'UTC', from: '22:00', to: '06:00' } },
  ];
  const made = templateOf(channels);

  it('are fed by the bus through a queue, never by a replay', () => {
    made.hasResourceProperties('AWS::Events::Rule', {
      Name: 'evenkeel-paper-alerts',
      EventPattern: {
        source: [{ prefix: 'evenkeel.' }],
        'detail-type': Match.arrayWith(['alert.raised', 'safe-mode.entered']),
        'replay-name': [{ exists: false }],
      },
      Targets: [
        Match.objectLike({
          DeadLetterConfig: Match.anyValue(),
          RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 },
        }),
      ],
    });
    made.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'evenkeel-paper-alerts',
      VisibilityTimeout: 300,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 20 }),
    });
    made.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
  });

  it('look at the clock each minute', () => {
    made.hasResourceProperties('AWS::Scheduler::Schedule', {
      Name: 'evenkeel-paper-alerts',
      ScheduleExpression: 'rate(1 minute)',
      Target: Match.objectLike({ Input: '{"action":"tick"}' }),
    });
  });

  it('may do what they must and nothing else: no book, no audit trail', () => {
    const policies = Object.values(made.findResources('AWS::IAM::Policy')) as {
      Properties: {
        PolicyName: string;
        PolicyDocument: { Statement: { Action: string | string[]; Resource: unknown }[] };
      };
    }[];
    const own = policies.find(({ Properties }) => Properties.PolicyName.startsWith('AlertsRole'))!.Properties
      .PolicyDocument.Statement;
    expect([...new Set(own.flatMap(({ Action }) => Action))].toSorted()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'sns:Publish',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
    ]);
    expect(JSON.stringify(own)).toContain('secret:evenkeel-paper-alert-channels-??????');
    expect(JSON.stringify(own)).toContain('BookControl');
    expect(JSON.stringify(own)).not.toMatch(/BookTable|BookAudit/);
  });

  it('read no secret where e-mail is the only channel', () => {
    expect(JSON.stringify(templateOf().toJSON())).not.toContain('secretsmanager:GetSecretValue');
  });

  it('get channels and windows as the function reads them', () => {
    const functions = made.findResources('AWS::Lambda::Function', {
      Properties: { FunctionName: 'evenkeel-paper-alerts' },
    });
    const [{ Properties }] = Object.values(functions) as [
      { Properties: { Timeout: number; Environment: { Variables: Record<string, string> } } },
    ];
    const {
      CHANNELS = '',
      RESET_WINDOWS = '',
      DEDUP_MINUTES,
      ESCALATE_MINUTES,
    } = Properties.Environment.Variables;
    expect(parseChannels(CHANNELS)).toMatchObject([
      { name: 'email', minSeverity: 'high', receives: 'all', rateMs: 1_000 },
      {
        name: 'desk',
        minSeverity: 'info',
        quietHours: { timeZone: 'UTC', days: expect.arrayContaining(['mon', 'sun']) },
      },
    ]);
    expect(parseWindows(RESET_WINDOWS).map(({ name }) => name)).toEqual(['north-america', 'weekend']);
    expect([DEDUP_MINUTES, ESCALATE_MINUTES, Properties.Timeout]).toEqual(['10', '15', 50]);
    expect(parseChannels(JSON.stringify(configOf().alerts.channels))).toMatchObject([
      { type: 'sns', name: 'email', minSeverity: 'info' },
    ]);
  });

  it('two channels of one name, an unknown type and an eleventh channel are refused', () => {
    const twice = configOf([
      { type: 'slack', name: 'desk' },
      { type: 'discord', name: 'desk' },
    ]);
    expect(crossChecks(twice)).toMatchObject([{ path: 'alerts.channels.1.name', value: '"desk"' }]);
    expect(crossChecks(configOf(channels))).toEqual([]);
    expect(() => configOf([{ type: 'pigeon', name: 'desk' }])).toThrow('sns, slack, discord, webhook');
    const many = Array.from({ length: 11 }, (_, n) => ({ type: 'slack', name: `desk-${n}` }));
    expect(() => configOf(many)).toThrow('at most 10 channels');
  });

  it('an e-mail subscription for each address', () => {
    made.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'desk@example.com' });
  });
});
