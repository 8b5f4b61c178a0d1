import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadAssembly } from '../../sandbox/cloud/assembly.ts';
import type { NewDelivery } from '../../sandbox/cloud/delivery-store.ts';
import type { CloudModel, ScheduleModel } from '../../sandbox/cloud/model.ts';
import { Scheduler } from '../../sandbox/cloud/scheduler.ts';
import { StatsCollector } from '../../sandbox/cloud/stats.ts';
import { readTemplate } from '../../sandbox/cloud/template.ts';
import { STACK, type Template, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { schedules, schedulesTemplate } from '../helpers/cloud-templates.ts';

const { folder, remove } = temporaryFolder();
afterEach(remove);

async function read(change: (template: Template) => void = () => undefined): Promise<CloudModel> {
  const template = schedulesTemplate();
  change(template);
  return readTemplate(await loadAssembly(writeAssembly(folder, template), STACK), 'http://127.0.0.1:1');
}

const GROUP = 'arn:aws:scheduler:eu-west-1:000000000000:schedule/fixture-jobs';

describe('schedules of the template', () => {
  it('are read with target, role, retries and dead-letter queue', async () => {
    const model = await read();
    expect(model.schedules).toMatchObject([
      {
        name: schedules.daily,
        arn: `${GROUP}/${schedules.daily}`,
        group: 'fixture-jobs',
        enabled: true,
        role: { logicalId: 'ScheduleRole' },
        target: {
          kind: 'lambda',
          retry: { attemptsMax: 2, ageSecondsMax: 3_600 },
          deadLetterArn: 'arn:aws:sqs:eu-west-1:000000000000:fixture-dlq',
        },
      },
      { name: schedules.queued, target: { kind: 'sqs', input: undefined } },
      { name: schedules.forbidden, role: { logicalId: 'NoScheduleRole' } },
    ]);
  });

  const daily = (t: Template): Template => t.Resources.Daily.Properties;
  it.each<[string, (t: Template) => void, string, string]>([
    [
      'a flexible time window',
      (t) => (daily(t).FlexibleTimeWindow = { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 }),
      'TEMPLATE_UNSUPPORTED',
      'the flexible time window FLEXIBLE',
    ],
    [
      'a target of another service',
      (t) => (daily(t).Target.Arn = 'arn:aws:scheduler:::aws-sdk:sqs:sendMessage'),
      'TEMPLATE_INVALID',
      'aws-sdk:sqs:sendMessage is no AWS::Lambda::Function',
    ],
    [
      'a target property that it does not know',
      (t) => (daily(t).Target.EcsParameters = {}),
      'TEMPLATE_UNSUPPORTED',
      'the target property EcsParameters',
    ],
    [
      'a context attribute that AWS does not have',
      (t) => (daily(t).Target.Input = '{"x":"<aws.scheduler.schedule-name>"}'),
      'TEMPLATE_UNSUPPORTED',
      'the context attribute <aws.scheduler.schedule-name>',
    ],
    ['an input that is no JSON', (t) => (daily(t).Target.Input = '{'), 'TEMPLATE_INVALID', 'is not JSON'],
    [
      'an expression that is none',
      (t) => (daily(t).ScheduleExpression = 'cron(15 3 * * *)'),
      'TEMPLATE_INVALID',
      'Daily.ScheduleExpression',
    ],
    [
      'a group that is not there',
      (t) => (daily(t).GroupName = 'other'),
      'TEMPLATE_INVALID',
      'other is no AWS::Scheduler::ScheduleGroup',
    ],
    [
      'a role that trusts another service',
      (t) => (daily(t).Target.RoleArn = { 'Fn::GetAtt': ['WorkerRole', 'Arn'] }),
      'TEMPLATE_INVALID',
      'WorkerRole does not let scheduler.amazonaws.com assume it',
    ],
    [
      'a role whose trust names the schedule in place of its group',
      (t) =>
        (t.Resources.ScheduleRole.Properties.AssumeRolePolicyDocument.Statement[0].Condition = {
          StringEquals: { 'aws:SourceArn': `${GROUP}/${schedules.daily}` },
        }),
      'TEMPLATE_INVALID',
      'name the group, not the schedule',
    ],
    [
      'a FIFO queue without a message group',
      (t) => {
        t.Resources.Fifo = { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } };
        t.Resources.Queued.Properties.Target.Arn = { 'Fn::GetAtt': ['Fifo', 'Arn'] };
      },
      'TEMPLATE_INVALID',
      'needs a MessageGroupId',
    ],
  ])('refused: %s', async (_what, change, code, message) => {
    const reading = read(change);
    await expect(reading).rejects.toMatchObject({ code });
    await expect(reading).rejects.toThrow(message);
  });
});

describe('what the stack of backups needs', () => {
  it('a function of 15 minutes and 3 GB with a file system of its own, no retries and destinations', async () => {
    const { functions } = await read((t) => {
      Object.assign(t.Resources.Worker.Properties, {
        Timeout: 900,
        MemorySize: 3_008,
        EphemeralStorage: { Size: 2_048 },
      });
      delete t.Resources.JobsMapping;
      const to = { Destination: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] } };
      Object.assign(t.Resources.WorkerAsync.Properties, {
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure: to, OnSuccess: to },
      });
    });
    const queue = 'arn:aws:sqs:eu-west-1:000000000000:fixture-dlq';
    expect(functions).toMatchObject([
      {
        timeoutSeconds: 900,
        memoryMb: 3_008,
        asynchronous: { attemptsMax: 0, onFailureArn: queue, onSuccessArn: queue },
      },
    ]);
  });

  it.each([
    ['Timeout', 901],
    ['MemorySize', 64],
  ])('a function with %s %i is none that Lambda takes', async (property, value) => {
    await expect(read((t) => (t.Resources.Worker.Properties[property] = value))).rejects.toThrow(
      `${value} is not within`,
    );
  });

  it('a bucket with versions, a lock and lifecycle rules by tag; Glue and Athena without a meaning', async () => {
    const { buckets } = await read((t) => {
      t.Resources.Backups = {
        Type: 'AWS::S3::Bucket',
        Properties: {
          BucketName: 'fixture-backups',
          VersioningConfiguration: { Status: 'Enabled' },
          ObjectLockEnabled: true,
          ObjectLockConfiguration: {
            ObjectLockEnabled: 'Enabled',
            Rule: { DefaultRetention: { Days: 30, Mode: 'GOVERNANCE' } },
          },
          OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
          LifecycleConfiguration: {
            Rules: [
              {
                Id: 'expired',
                ExpirationInDays: 1,
                NoncurrentVersionExpiration: { NoncurrentDays: 1 },
                Status: 'Enabled',
                TagFilters: [{ Key: 'evenkeel:expire', Value: 'true' }],
              },
            ],
          },
        },
      };
      t.Resources.Database = { Type: 'AWS::Glue::Database', Properties: { CatalogId: 'x' } };
      t.Resources.Table = {
        Type: 'AWS::Glue::Table',
        Properties: { DatabaseName: { Ref: 'Database' } },
      };
      t.Resources.WorkGroup = { Type: 'AWS::Athena::WorkGroup', Properties: { Name: 'x' } };
    });
    expect(buckets).toMatchObject([
      {
        name: 'fixture-backups',
        versioned: true,
        objectLock: true,
        defaultRetention: { mode: 'GOVERNANCE', days: 30 },
      },
    ]);
  });
});

describe('the clock of the schedules', () => {
  let deliveries: NewDelivery[];
  let stats: StatsCollector;
  let scheduler: Scheduler;

  beforeEach(() => {
    vi.useFakeTimers();
    deliveries = [];
    stats = new StatsCollector(() => undefined);
  });
  afterEach(() => {
    scheduler.stop();
    vi.useRealTimers();
  });

  const run = (all: readonly ScheduleModel[]): Scheduler => {
    scheduler = new Scheduler({
      schedules: all,
      accept: (more) => deliveries.push(...more),
      stats,
    });
    scheduler.start();
    return scheduler;
  };
  const called = (): string[] => deliveries.map(({ target }) => target.split(' ')[1] ?? '');
  const dailyOf = async (enabled = true): Promise<ScheduleModel[]> => {
    const { schedules: all } = await read();
    return all.filter(({ name }) => name === schedules.daily).map((one) => ({ ...one, enabled }));
  };

  it('calls at its time, each time once', async () => {
    vi.setSystemTime('2026-11-21T03:14:59.500Z');
    run(await dailyOf());
    await vi.advanceTimersByTimeAsync(499);
    expect(called()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(called()).toEqual(['2026-11-21T03:15:00Z']);
    await vi.advanceTimersByTimeAsync(2 * 86_400_000);
    expect(called()).toEqual(['2026-11-21T03:15:00Z', '2026-11-22T03:15:00Z', '2026-11-23T03:15:00Z']);
    expect(stats.scheduler).toMatchObject({ fired: 3, missed: 0 });
    const [first, second] = deliveries.map(({ payload }) => JSON.parse(payload) as { pk: string });
    expect(first?.pk).toMatch(/^[0-9a-f]{16}$/);
    expect(second?.pk).not.toBe(first?.pk);
  });

  it('what was due while nothing ran, or while the machine slept, is not made up for', async () => {
    vi.setSystemTime('2026-11-21T03:15:00.001Z');
    run(await dailyOf());
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(called()).toEqual([]);
    vi.setSystemTime('2026-11-23T09:00:00Z');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(called()).toEqual([]);
    expect(stats.scheduler).toMatchObject({ fired: 0, missed: 1 });
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(called()).toEqual(['2026-11-24T03:15:00Z']);
  });

  it('a clock that is set back does not call a second time', async () => {
    vi.setSystemTime('2026-11-21T03:14:59Z');
    run(await dailyOf());
    await vi.advanceTimersByTimeAsync(1_000);
    vi.setSystemTime('2026-11-21T03:10:00Z');
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(called()).toEqual(['2026-11-21T03:15:00Z']);
  });

  it('a disabled one calls only when it is asked to; one that is not there says so', async () => {
    vi.setSystemTime('2026-11-21T03:14:59Z');
    const one = run(await dailyOf(false));
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(called()).toEqual([]);
    one.fire(schedules.daily);
    one.fire(`fixture-jobs/${schedules.daily}`);
    expect(called()).toEqual(['2026-11-22T03:14:59Z', '2026-11-22T03:14:59Z']);
    expect(() => one.fire('other')).toThrowError(
      `the template has no schedule other; it has: ${schedules.daily}`,
    );
  });
});
