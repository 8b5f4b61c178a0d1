import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../../config/schema.ts';
import { watchdogSource as source } from '../../../lib/events/sources.ts';
import { Book } from '../../../lib/stacks/book.ts';
import { StageEventBus } from '../../../lib/stacks/event-bus.ts';
import { stageQueue } from '../../../lib/stacks/function-parts.ts';
import { Watchdog, watchdogSource } from '../../../lib/stacks/watchdog.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchdog-'));
writeFileSync(join(folder, 'index.mjs'), 'export const handler = () => {};');
afterAll(() => rmSync(folder, { recursive: true }));

const config = configSchema.parse({
  stage: 'paper',
  streamers: [
    { name: 'main', account: 'DU1234567', symbols: ['GC'], gateway: { port: 4002 }, dbPath: 'main.db' },
    { name: 'second', account: 'DU7654321', symbols: ['ES'], gateway: { port: 4003 }, dbPath: 'second.db' },
  ],
  reconcile: { noStopNeeded: ['SPY'] },
});

function template(): Template {
  const prefix = 'evenkeel-paper';
  const removalPolicy = RemovalPolicy.DESTROY;
  const stack = new Stack(
    new App({ analyticsReporting: false, builtinCloudFormationValidation: false }),
    'test',
  );
  const bundle = { folder, bytes: 1 };
  const { bus } = new StageEventBus(stack, 'Events', { name: prefix, archiveDays: 1, removalPolicy });
  const book = new Book(stack, 'Book', { prefix, config, bus, bundle, removalPolicy, isProtected: false });
  const deadLetters = stageQueue(stack, 'Jobs', { name: `${prefix}-jobs-dlq`, removalPolicy });
  new Watchdog(stack, 'Watchdog', { prefix, config, bus, book, bundle, deadLetters, removalPolicy });
  return Template.fromStack(stack);
}

describe('the watchdog of a stage', () => {
  const made = template();

  it('is called each minute, and a call that failed is not repeated', () => {
    made.hasResourceProperties('AWS::Scheduler::Schedule', {
      Name: 'evenkeel-paper-watchdog',
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
    });
    made.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
  });

  it('gets what it needs to know, and ends before the next call', () => {
    made.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'evenkeel-paper-watchdog',
      Timeout: 50,
      Environment: {
        Variables: Match.objectLike({
          STAGE: 'paper',
          ACCOUNTS: JSON.stringify([
            { account: 'DU1234567', streamer: 'main' },
            { account: 'DU7654321', streamer: 'second' },
          ]),
          NO_STOP_NEEDED: '["SPY"]',
          RECONCILE_LATE_MS: '4500000',
          LISTS_LATE_MS: '480000',
          RESET_WINDOWS: JSON.stringify(config.resetWindows),
        }),
      },
    });
  });

  it('may read the book, keep its row, speak on the bus and write its log, and nothing else', () => {
    const policies = Object.entries(made.findResources('AWS::IAM::Policy')).filter(([id]) =>
      id.startsWith('WatchdogRole'),
    );
    expect(policies).toHaveLength(1);
    const { Statement } = (
      policies[0]![1] as {
        Properties: { PolicyDocument: { Statement: { Action: unknown; Resource: unknown }[] } };
      }
    ).Properties.PolicyDocument;
    const of = (table: string) =>
      JSON.stringify(
        Statement.filter(({ Resource }) => JSON.stringify(Resource).includes(table)).map(
          ({ Action }) => Action,
        ),
      );
    expect(of('BookTable')).toBe('[["dynamodb:GetItem","dynamodb:Query"]]');
    expect(of('BookControl')).toBe('[["dynamodb:GetItem","dynamodb:PutItem"]]');
    expect(of('BookAudit')).toBe('[]');
    const actions = Statement.flatMap(({ Action }) => Action as string | string[]).toSorted();
    expect(actions).toEqual([
      'dynamodb:GetItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'events:PutEvents',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:SendMessage',
    ]);
    expect(JSON.stringify(Statement.map(({ Resource }) => Resource))).not.toContain('"*"');
  });

  it('speaks under the Source of the catalogue', () => {
    expect(watchdogSource).toBe(source);
  });
});
