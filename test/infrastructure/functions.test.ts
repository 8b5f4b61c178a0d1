import { afterEach, describe, expect, it, vi } from 'vitest';
import { functionNames } from '../../lib/stacks/bundle.ts';
import { namedOf, ofType, type Resource, stageTemplate } from '../helpers/stage-template.ts';

const made = await stageTemplate('paper');

const functionOf = (name: string) => namedOf(made, 'AWS::Lambda::Function', `evenkeel-paper-${name}`);
const queueArn = (name: string) => ({
  'Fn::GetAtt': [namedOf(made, 'AWS::SQS::Queue', `evenkeel-paper-${name}`)[0], 'Arn'],
});

/** Functions that something else than a queue calls. */
const called = functionNames.filter((name) => name !== 'book-keeper');

describe('functions', () => {
  it.each(functionNames)('%s runs on Node 24, ARM, with a role and a log group of its own', (name) => {
    const [id, { Properties }] = functionOf(name);
    expect(Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
    });
    // No share of the account's concurrency is kept aside: small accounts refuse that.
    expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
    const others = ofType(made, 'AWS::Lambda::Function').filter(([other]) => other !== id);
    const own = (one: Resource) => JSON.stringify([one.Properties.Role, one.Properties.LoggingConfig]);
    const [role, logging] = JSON.parse(own({ Properties, Type: '' })) as [
      unknown,
      { LogGroup: { Ref: string } },
    ];
    const shared = others.filter(
      ([, { Properties: other }]) =>
        JSON.stringify(other.Role) === JSON.stringify(role) ||
        JSON.stringify(other.LoggingConfig) === JSON.stringify(logging),
    );
    expect(shared).toEqual([]);
    expect(made.resources[logging.LogGroup.Ref]?.Properties.LogGroupName).toBe(`/evenkeel-paper/${name}`);
  });

  it.each([
    ['alerts', 512, 50],
    ['apply-plan', 1_769, 900],
    ['archive', 1_769, 900],
    ['backup', 1_769, 900],
    ['book-keeper', 512, 30],
    ['candle-keeper', 256, 10],
    ['drill', 1_769, 900],
    ['reconcile', 1_769, 900],
    ['watchdog', 512, 50],
  ])('%s has %i MiB and %i s', (name, memory, seconds) => {
    expect(functionOf(name)[1].Properties).toMatchObject({ MemorySize: memory, Timeout: seconds });
  });

  it.each(called)(
    '%s is tried again a stated number of times, and then lies in a dead-letter queue',
    (name) => {
      const [id] = functionOf(name);
      const configs = ofType(made, 'AWS::Lambda::EventInvokeConfig').filter(
        ([, { Properties }]) => (Properties.FunctionName as { Ref: string }).Ref === id,
      );
      const stated =
        name === 'candle-keeper'
          ? { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 21_600 }
          : name === 'watchdog' || name === 'alerts'
            ? { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }
            : { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 21_600 };
      const queue = name === 'candle-keeper' ? 'candle-keeper-dlq' : 'jobs-dlq';
      expect(configs.map(([, { Properties }]) => Properties)).toEqual([
        {
          FunctionName: { Ref: id },
          Qualifier: '$LATEST',
          ...stated,
          DestinationConfig: { OnFailure: { Destination: queueArn(queue) } },
        },
      ]);
    },
  );

  it('no more than two functions are fed from a queue', () => {
    made.template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2);
  });

  it.each([
    ['book-keeper', 'book.fifo', 10, 20],
    ['alerts', 'alerts', 100, 2],
  ])(
    '%s reads %s, %i messages at once, at most %i batches at a time, and reports single failures',
    (name, queue, size, batches) => {
      made.template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        EventSourceArn: queueArn(queue),
        FunctionName: { Ref: functionOf(name)[0] },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BatchSize: size,
        ScalingConfig: { MaximumConcurrency: batches },
      });
    },
  );

  it.each([
    ['book-keeper', 'book.fifo'],
    ['alerts', 'alerts'],
  ])('the queue of %s hides what is worked on for six times the time-out, as Lambda asks', (name, queue) => {
    const { VisibilityTimeout } = namedOf(made, 'AWS::SQS::Queue', `evenkeel-paper-${queue}`)[1].Properties;
    expect(VisibilityTimeout).toBe(6 * (functionOf(name)[1].Properties.Timeout as number));
  });

  it('every log group forgets after the days of the configuration', () => {
    expect(ofType(made, 'AWS::Logs::LogGroup').length).toBeGreaterThan(functionNames.length);
    made.template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });
});

describe('what a function or the streamer is told', () => {
  /** Each name stands for one thing, whoever is told it. */
  const things: Readonly<Record<string, readonly [type: string, name: string | RegExp]>> = {
    BOOK_TABLE: ['AWS::DynamoDB::Table', 'evenkeel-paper-book'],
    AUDIT_TABLE: ['AWS::DynamoDB::Table', 'evenkeel-paper-audit'],
    CONTROL_TABLE: ['AWS::DynamoDB::Table', 'evenkeel-paper-control'],
    CANDLES_TABLE: ['AWS::DynamoDB::Table', 'evenkeel-paper-candles'],
    EVENT_BUS_NAME: ['AWS::Events::EventBus', 'evenkeel-paper'],
    BOOK_QUEUE_URL: ['AWS::SQS::Queue', 'evenkeel-paper-book.fifo'],
    TOPIC_ARN: ['AWS::SNS::Topic', 'evenkeel-paper-alerts'],
    DEAD_LETTER_QUEUE_URL: ['AWS::SQS::Queue', /^"evenkeel-paper-(book-dlq\.fifo|alerts-dlq)"$/],
    COMMAND_QUEUE_URL: ['AWS::SQS::Queue', 'evenkeel-paper-orders-main.fifo'],
    SNAPSHOT_BUCKET: ['AWS::S3::Bucket', /"evenkeel-paper-snapshots-"/],
    BACKUP_BUCKET: ['AWS::S3::Bucket', /"evenkeel-paper-backups-"/],
    ARCHIVE_BUCKET: ['AWS::S3::Bucket', /"evenkeel-paper-archive-"/],
    RECONCILE_BUCKET: ['AWS::S3::Bucket', /"evenkeel-paper-reconcile-"/],
  };
  const told = [
    ...ofType(made, 'AWS::Lambda::Function').flatMap(([, { Properties }]) =>
      Object.entries((Properties.Environment as { Variables: Record<string, unknown> }).Variables),
    ),
    ...ofType(made, 'AWS::ECS::TaskDefinition')
      .flatMap(([, { Properties }]) => Properties.ContainerDefinitions as { Environment: object[] }[])
      .flatMap(({ Environment }) => Environment as { Name: string; Value: unknown }[])
      .map(({ Name, Value }): [string, unknown] => [Name, Value]),
  ];

  it.each(Object.entries(things))('%s is the %s named %s', (variable, [type, wanted]) => {
    const values = told.filter(([name]) => name === variable).map(([, value]) => value as { Ref: string });
    expect(values.length).toBeGreaterThan(0);
    for (const { Ref } of values) {
      const { Type, Properties } = made.resources[Ref]!;
      const name = Object.entries(Properties).find(([key]) =>
        /^(Table|Queue|Bucket|Topic)?Name$/.test(key),
      )?.[1];
      expect(Type).toBe(type);
      if (typeof wanted === 'string') expect(name).toBe(wanted);
      else expect(JSON.stringify(name)).toMatch(wanted);
    }
  });

  it('is nothing else that only a deployment knows', () => {
    const others = told.filter(([name, value]) => typeof value !== 'string' && !(name in things));
    expect(others.map(([name]) => name)).toEqual(['STREAMERS', 'STREAMERS']);
  });
});

describe('the function and its environment', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  const environment = (name: string) => {
    return (functionOf(name)[1].Properties.Environment as { Variables: Record<string, unknown> }).Variables;
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
    alerts: ['STAGE', 'CONTROL_TABLE', 'TOPIC_ARN', 'CHANNEL_SECRET', 'CHANNELS', 'DEAD_LETTER_QUEUE_URL'],
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
