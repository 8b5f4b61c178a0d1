import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { heardEvents } from '../../lib/domain/alerts/heard-events.ts';
import { catalogue } from '../../lib/events/catalogue.ts';
import { streamerSource } from '../../lib/events/envelope.ts';
import { applyPlanSource, reconcileSource } from '../../lib/events/sources.ts';
import { firstOf, namedOf, ofType, stageTemplate } from '../helpers/stage-template.ts';

const made = await stageTemplate('paper');

interface Pattern {
  readonly source: readonly string[];
  readonly 'detail-type': readonly string[];
  readonly detail?: unknown;
  readonly 'replay-name'?: unknown;
}

interface Target {
  readonly Arn: unknown;
  readonly DeadLetterConfig?: { readonly Arn: unknown };
  readonly RetryPolicy?: unknown;
}

const rules = ofType(made, 'AWS::Events::Rule').map(([, { Properties }]) => ({
  name: Properties.Name as string,
  bus: Properties.EventBusName,
  state: Properties.State,
  pattern: Properties.EventPattern as Pattern,
  targets: Properties.Targets as readonly Target[],
}));
const rule = (name: string) => {
  const found = rules.find((one) => one.name === `evenkeel-paper-${name}`);
  if (found === undefined) throw new Error(`no rule ${name}`);
  return found;
};
const arnOf = (type: string, name: string) => ({ 'Fn::GetAtt': [namedOf(made, type, name)[0], 'Arn'] });
const functionArn = (name: string) => arnOf('AWS::Lambda::Function', `evenkeel-paper-${name}`);

describe('the bus', () => {
  it('has an archive that keeps every event of the streamer, and of nobody else', () => {
    const [bus] = firstOf(made, 'AWS::Events::EventBus');
    made.template.resourceCountIs('AWS::Events::EventBus', 1);
    const [, { Properties }] = firstOf(made, 'AWS::Events::Archive');
    expect(Properties).toMatchObject({
      ArchiveName: 'evenkeel-paper-archive',
      EventPattern: { source: [streamerSource] },
      RetentionDays: 90,
      SourceArn: { 'Fn::GetAtt': [bus, 'Arn'] },
    });
    // Its whole pattern, but for what keeps a replay from being archived again.
    const { 'replay-name': _, ...pattern } = Properties.EventPattern as Pattern;
    expect(pattern).toEqual({ source: [streamerSource] });
  });
});

describe('rules', () => {
  const notReplayed = [{ exists: false }];

  it.each([
    ['candle-keeper', [streamerSource], ['candle.completed', 'candle.corrected'], undefined, 'candle-keeper'],
    [
      'reconcile-start',
      [streamerSource],
      ['gateway.connected', 'instrument.resolved'],
      undefined,
      'reconcile',
    ],
    ['reconcile-applied', [applyPlanSource], ['plan.applied'], undefined, 'reconcile'],
    [
      'reconcile-refused',
      [applyPlanSource],
      ['plan.refused'],
      {
        data: {
          code: [
            'PLAN_STALE',
            'PLAN_EXPIRED',
            'PLAN_HASH_MISMATCH',
            'PLAN_MASS_CHANGE',
            'ACTION_FAILED',
            'DRY_RUN_ON',
            'SAFE_MODE',
          ],
        },
      },
      'reconcile',
    ],
    [
      'apply-plan',
      [reconcileSource, applyPlanSource],
      ['plan.approved'],
      { data: { start: ['asked'] } },
      'apply-plan',
    ],
  ] as const)('%s takes %s %s to its function', (name, source, detailType, detail, target) => {
    const { pattern, targets } = rule(name);
    expect({ ...pattern, 'replay-name': undefined }).toEqual({
      source,
      'detail-type': detailType,
      ...(detail && { detail }),
    });
    expect(targets.map(({ Arn }) => Arn)).toEqual([functionArn(target)]);
  });

  it('alerts takes what is heard, of every source of ours, to its queue', () => {
    const { pattern, targets } = rule('alerts');
    expect({ ...pattern, 'replay-name': undefined }).toEqual({
      source: [{ prefix: 'evenkeel.' }],
      'detail-type': [...heardEvents],
    });
    expect(targets.map(({ Arn }) => Arn)).toEqual([arnOf('AWS::SQS::Queue', 'evenkeel-paper-alerts')]);
  });

  it('ask only for events of the catalogue, and are on', () => {
    expect(rules.length).toBeGreaterThan(4);
    const asked = rules.flatMap(({ pattern }) => pattern['detail-type'] ?? []);
    expect(asked.filter((type) => !(type in catalogue))).toEqual([]);
    const [bus] = firstOf(made, 'AWS::Events::EventBus');
    for (const { name, bus: on, state } of rules)
      expect([name, on, state]).toEqual([name, { Ref: bus }, 'ENABLED']);
  });

  it('do nothing on a replay of the archive, except the one that stores candles: twice is harmless there', () => {
    const replayed = rules.filter(
      ({ pattern }) => JSON.stringify(pattern['replay-name']) !== JSON.stringify(notReplayed),
    );
    expect(replayed.map(({ name }) => name)).toEqual(['evenkeel-paper-candle-keeper']);
  });

  it('put what cannot be handed over into a dead-letter queue, after retries that have an end', () => {
    for (const { name, targets } of rules) {
      const own = /-(candle-keeper|alerts)$/.exec(name)?.[1];
      const queue = `${own ?? 'jobs'}-dlq`;
      const retry = own
        ? { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 }
        : { MaximumEventAgeInSeconds: 1_800, MaximumRetryAttempts: 20 };
      for (const { DeadLetterConfig, RetryPolicy } of targets) {
        expect({ name, DeadLetterConfig, RetryPolicy }).toEqual({
          name,
          DeadLetterConfig: { Arn: arnOf('AWS::SQS::Queue', `evenkeel-paper-${queue}`) },
          RetryPolicy: retry,
        });
      }
    }
  });

  it('may call their function and write their dead letters, and nobody else may', () => {
    const ruleIds = ofType(made, 'AWS::Events::Rule').map(([id]) => id);
    const permissions = ofType(made, 'AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
    for (const { Principal, SourceArn } of permissions) {
      expect([Principal, ruleIds]).toEqual([
        'events.amazonaws.com',
        expect.arrayContaining([(SourceArn as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0]]),
      ]);
    }
    // The one of the alerts has a queue as its target.
    expect(permissions).toHaveLength(ruleIds.length - 1);
  });
});

describe('queues', () => {
  it('are encrypted and refuse plain HTTP', () => {
    made.template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
    for (const [id] of ofType(made, 'AWS::SQS::Queue')) {
      made.template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: id }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Effect: 'Deny',
              Action: 'sqs:*',
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
          ]),
        },
      });
    }
  });

  it.each([
    ['candle-keeper-dlq', 14, undefined, undefined],
    ['jobs-dlq', 14, undefined, undefined],
    ['book-dlq.fifo', 14, undefined, undefined],
    ['orders-main-dlq.fifo', 14, undefined, undefined],
    ['book.fifo', 14, 180, { to: 'book-dlq.fifo', after: 100 }],
    ['orders-main.fifo', 1, 20, { to: 'orders-main-dlq.fifo', after: 5 }],
  ])(
    '%s keeps a message for %i days, hidden for %s s while it is worked on',
    (name, days, visibility, redrive) => {
      const [, { Properties }] = namedOf(made, 'AWS::SQS::Queue', `evenkeel-paper-${name}`);
      const { FifoQueue, MessageRetentionPeriod, VisibilityTimeout, RedrivePolicy } = Properties;
      expect({ FifoQueue, MessageRetentionPeriod, VisibilityTimeout, RedrivePolicy }).toEqual({
        FifoQueue: name.endsWith('.fifo') ? true : undefined,
        MessageRetentionPeriod: days * 86_400,
        VisibilityTimeout: visibility,
        RedrivePolicy: redrive && {
          deadLetterTargetArn: arnOf('AWS::SQS::Queue', `evenkeel-paper-${redrive.to}`),
          maxReceiveCount: redrive.after,
        },
      });
    },
  );

  it('of dead letters take from their own rules alone', () => {
    const ruleArns = (queue: string) =>
      ofType(made, 'AWS::Events::Rule').flatMap(([id, { Properties }]) =>
        (Properties.Targets as Target[]).some(
          ({ DeadLetterConfig }) =>
            JSON.stringify(DeadLetterConfig?.Arn) === JSON.stringify(arnOf('AWS::SQS::Queue', queue)),
        )
          ? [{ 'Fn::GetAtt': [id, 'Arn'] }]
          : [],
      );
    for (const queue of ['evenkeel-paper-candle-keeper-dlq', 'evenkeel-paper-jobs-dlq']) {
      const [id] = namedOf(made, 'AWS::SQS::Queue', queue);
      const [policy] = ofType(made, 'AWS::SQS::QueuePolicy').filter(([, { Properties }]) =>
        JSON.stringify(Properties.Queues).includes(`"${id}"`),
      );
      const { Statement } = policy![1].Properties.PolicyDocument as {
        Statement: { Effect: string; Action: string; Principal: unknown; Condition: unknown }[];
      };
      const allowed = Statement.filter(({ Effect }) => Effect === 'Allow');
      expect(allowed).toEqual(
        ruleArns(queue).map(
          (arn) =>
            expect.objectContaining({
              Action: 'sqs:SendMessage',
              Principal: { Service: 'events.amazonaws.com' },
              Condition: { ArnEquals: { 'aws:SourceArn': arn } },
            }) as unknown,
        ),
      );
      expect(allowed.length, queue).toBeGreaterThan(0);
    }
  });
});
