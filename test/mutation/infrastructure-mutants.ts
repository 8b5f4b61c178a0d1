/**
 * Deliberate mistakes in the stacks, and who has to notice each: a test by file and title as it stands in the source
 * (`data: title` is of test/infrastructure/data.test.ts, `system/x: title` of test/system/x.test.ts), or a rule of
 * cdk-nag, which stops the synth.
 */

export interface InfrastructureMutant {
  /** What is wrong. */
  readonly name: string;
  /** Of lib/stacks, without its ending. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly caughtBy: string;
}

const mutant = (
  name: string,
  file: string,
  [find, replace]: readonly [string, string],
  caughtBy: string,
): InfrastructureMutant => ({ name, file, find, replace, caughtBy });

const cannotBeDeleted = 'data: of stage %s cannot be deleted by mistake';
const isWhereItWas = 'data: of stage %s is where it was: ids and names are those of pinned-ids.txt';
const bucketsAre = 'data: are private, versioned, encrypted, and locked in governance mode';
const neverTwoTasks = 'streamer: of stage %s never runs two tasks';
const queueKeeps = 'events: %s keeps a message for %i days, hidden for %s s while it is worked on';
const ruleTakes = 'events: %s takes %s %s to its function';
const variableIs = 'functions: %s is the %s named %s';
const scheduleIs = 'schedules: %s is %s, given up after %i s, and calls %s';
/** Of docs/security.md: every grant, as the template has it. */
const grantsAre =
  'permissions: is what the template says (after a change: vitest run test/infrastructure/permissions.test.ts --update)';
const queueFeeds =
  'functions: %s reads %s, %i messages at once, at most %i batches at a time, and reports single failures';

const dataMutants = [
  mutant(
    'a bucket may be made public',
    'private-bucket',
    ['BlockPublicAccess.BLOCK_ALL', 'BlockPublicAccess.BLOCK_ACLS_ONLY'],
    'cdk-nag: AwsSolutions-S2',
  ),
  mutant(
    'buckets answer without TLS',
    'private-bucket',
    ['    enforceSSL: true,\n    minimumTLSVersion: 1.2,\n', ''],
    'cdk-nag: AwsSolutions-S10',
  ),
  mutant(
    'buckets take any version of TLS',
    'private-bucket',
    ['    minimumTLSVersion: 1.2,\n', ''],
    'data: %s takes TLS 1.2 alone, and its policy allows nobody anything',
  ),
  mutant(
    'buckets keep no former versions',
    'private-bucket',
    ['versioned: true', 'versioned: false'],
    bucketsAre,
  ),
  mutant(
    'Object Lock without a retention',
    'private-bucket',
    ['          objectLockDefaultRetention: ObjectLockRetention.governance(props.lockedFor),\n', ''],
    bucketsAre,
  ),
  mutant(
    'snapshots are not locked',
    'snapshots',
    ['      lockedFor: Duration.days(lockedDays),\n', ''],
    bucketsAre,
  ),
  mutant(
    'the archive expires',
    'archive',
    ["id: 'former-versions',", "id: 'former-versions', expiration: Duration.days(30),"],
    'data: keep what they hold for as long as the documentation says',
  ),
  mutant(
    'a lifecycle rule deletes every backup',
    'backups',
    ['          tagFilters: expiredTag,\n', ''],
    'data: keep what they hold for as long as the documentation says',
  ),
  mutant(
    'the book has no point-in-time recovery',
    'book',
    ['pointInTimeRecoveryEnabled: true', 'pointInTimeRecoveryEnabled: false'],
    cannotBeDeleted,
  ),
  mutant(
    'tables may be deleted',
    'book',
    ['deletionProtection: isProtected', 'deletionProtection: false'],
    cannotBeDeleted,
  ),
  mutant(
    'data goes with the stack on paper',
    'evenkeel-stack',
    [
      'isProtected ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY',
      "config.stage === 'live' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY",
    ],
    cannotBeDeleted,
  ),
  mutant(
    'no termination protection',
    'evenkeel-stack',
    ['terminationProtection: isProtected', 'terminationProtection: false'],
    cannotBeDeleted,
  ),
  mutant(
    'the audit trail has no index by order',
    'book',
    ["indexName: 'by-order'", "indexName: 'by-orders'"],
    'data: of the book have the keys that the code writes, and the audit trail its index by order',
  ),
  mutant(
    'candles expire by another attribute',
    'candles',
    ["timeToLiveAttribute: 'expiresAt'", "timeToLiveAttribute: 'ttl'"],
    'data: the candles table has the keys and the time to live that the code writes',
  ),
  mutant(
    'the book gets another name, and is replaced',
    'book',
    [
      `this.#table('Table', \`\${prefix}-book\`, props)`,
      `this.#table('Table', \`\${prefix}-the-book\`, props)`,
    ],
    isWhereItWas,
  ),
  mutant(
    'the bus gets another logical id, and is replaced',
    'event-bus',
    ["new EventBus(this, 'Bus'", "new EventBus(this, 'TheBus'"],
    isWhereItWas,
  ),
];

const eventMutants = [
  mutant(
    'the archive keeps the events of another source',
    'event-bus',
    ['source: [streamerSource]', "source: ['evenkeel.gateway']"],
    'events: has an archive that keeps every event of the streamer, and of nobody else',
  ),
  mutant(
    'corrections of candles are not asked for',
    'candles',
    ["['candle.completed', 'candle.corrected']", "['candle.completed']"],
    ruleTakes,
  ),
  mutant(
    'no dead-letter queue of a rule',
    'candles',
    ['          deadLetterQueue: this.deadLetters,\n', ''],
    'cdk-nag: Serverless-EventBusDLQ',
  ),
  mutant(
    'no failure destination of a job',
    'job',
    ['    onFailure: failuresTo(deadLetters),\n', ''],
    'cdk-nag: Serverless-LambdaAsyncFailureDestination',
  ),
  mutant(
    'a replay of the archive runs reconcile',
    'reconcile',
    ['        ...notReplayed,\n', ''],
    'events: do nothing on a replay of the archive, except the one that stores candles: twice is harmless there',
  ),
  mutant(
    'a stale plan is not staged anew',
    'reconcile',
    ['[...endedPlanCodes]', "endedPlanCodes.filter((code) => code !== 'PLAN_STALE')"],
    ruleTakes,
  ),
  mutant(
    'reconcile does not follow the start of a streamer',
    'reconcile',
    ["['gateway.connected', 'instrument.resolved']", "['instrument.resolved']"],
    ruleTakes,
  ),
  mutant(
    'queues are not encrypted',
    'function-parts',
    ['QueueEncryption.SQS_MANAGED', 'QueueEncryption.UNENCRYPTED'],
    'cdk-nag: AwsSolutions-SQS2',
  ),
  mutant(
    'queues answer without TLS',
    'function-parts',
    ['    enforceSSL: true,\n', ''],
    'cdk-nag: AwsSolutions-SQS4',
  ),
  mutant(
    'dead letters are lost over a weekend',
    'function-parts',
    ['Duration.days(14)', 'Duration.days(1)'],
    queueKeeps,
  ),
  mutant(
    'a batch of the book is given twice while it is worked on',
    'book',
    ['keeperTimeout.toSeconds() * 6', 'keeperTimeout.toSeconds()'],
    queueKeeps,
  ),
  mutant(
    'a command that fails stays for ever',
    'streamer-service',
    ['      deadLetters: { queue: deadLetters, maxReceiveCount: 5 },\n', ''],
    queueKeeps,
  ),
];

const functionMutants = [
  mutant(
    'a handler that is not there',
    'watchdog',
    ["handler: 'index.handler'", "handler: 'handler.handler'"],
    'functions: %s runs on Node 24, ARM, with a role and a log group of its own',
  ),
  mutant(
    'audit rows go into the book',
    'book',
    ['AUDIT_TABLE: this.audit.tableName', 'AUDIT_TABLE: this.book.tableName'],
    variableIs,
  ),
  mutant(
    'the streamer takes the book for its lease',
    'streamer-service',
    ['CONTROL_TABLE: book.control.tableName', 'CONTROL_TABLE: book.book.tableName'],
    variableIs,
  ),
  mutant(
    'one bad message brings back its whole batch',
    'book',
    ['reportBatchItemFailures: true', 'reportBatchItemFailures: false'],
    queueFeeds,
  ),
  mutant(
    'the book-keeper may take all of the account',
    'book',
    ['      maxConcurrency: 20,\n', ''],
    queueFeeds,
  ),
  mutant(
    'logs of functions are kept for ever',
    'function-parts',
    ['retention: config.aws.logRetentionDays', 'retention: 3_653'],
    'functions: every log group forgets after the days of the configuration',
  ),
  mutant(
    'a job has three seconds',
    'job',
    ['    timeout: Duration.minutes(15),\n', ''],
    'cdk-nag: Serverless-LambdaDefaultTimeout',
  ),
  mutant(
    'a look of the watchdog is repeated',
    'watchdog',
    ['retryAttempts: 0', 'retryAttempts: 2'],
    'functions: %s is tried again a stated number of times, and then lies in a dead-letter queue',
  ),
  mutant(
    'rate(5 minute)',
    'reconcile',
    [`\${minutes === 1 ? '' : 's'}`, ''],
    'schedules: write the unit of a rate as AWS wants it: 1 minute, 5 minutes',
  ),
  mutant(
    'rate(1 minutes)',
    'reconcile',
    [`\${minutes === 1 ? '' : 's'}`, 's'],
    'configuration: makes one service, one task and one secret name for each streamer',
  ),
  mutant(
    'a late reconcile meets the next one',
    'schedule',
    ['(props.maxEventAge ?? Duration.hours(6))', 'Duration.hours(6)'],
    scheduleIs,
  ),
  mutant(
    'the drill runs each day',
    'backups',
    ['cronAt(config.backup.drillAtUtc, config.backup.drillDay)', 'cronAt(config.backup.drillAtUtc)'],
    scheduleIs,
  ),
  mutant(
    'no dead-letter queue of a schedule',
    'schedule',
    ['        deadLetterConfig: { arn: deadLetters.queueArn },\n', ''],
    'schedules: put what cannot be handed over into the dead-letter queue',
  ),
  mutant(
    'schedules are off',
    'schedule',
    [
      "      scheduleExpressionTimezone: 'UTC',\n",
      "      scheduleExpressionTimezone: 'UTC', state: 'DISABLED',\n",
    ],
    scheduleIs,
  ),
];

const permissionMutants = [
  mutant(
    'the streamer cannot hold a command for longer',
    'streamer-service',
    [
      "'sqs:ReceiveMessage', 'sqs:ChangeMessageVisibility', 'sqs:DeleteMessage'",
      "'sqs:ReceiveMessage', 'sqs:DeleteMessage'",
    ],
    grantsAre,
  ),
  mutant(
    'the streamer may delete rows of the audit trail',
    'streamer-service',
    [
      "actions: ['dynamodb:PutItem'],\n        resources: [book.audit.tableArn]",
      "actions: ['dynamodb:PutItem', 'dynamodb:DeleteItem'],\n        resources: [book.audit.tableArn]",
    ],
    'permissions: lets nobody change or delete a row of the audit trail, and only who changes the book add one',
  ),
  mutant(
    'a streamer may write the snapshots of every account',
    'streamer-service',
    [`\`snapshots/\${streamer.account}/*\``, "'snapshots/*'"],
    'cdk-nag: AwsSolutions-IAM5',
  ),
  mutant(
    'the candle keeper may do everything with its table',
    'candles',
    ["actions: ['dynamodb:PutItem']", "actions: ['dynamodb:*']"],
    'cdk-nag: AwsSolutions-IAM5',
  ),
  mutant(
    'the candle keeper may read its table',
    'candles',
    ["actions: ['dynamodb:PutItem']", "actions: ['dynamodb:PutItem', 'dynamodb:GetItem']"],
    grantsAre,
  ),
  mutant(
    'the book-keeper cannot read the book',
    'book',
    [
      "actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],\n        resources: [this.book.tableArn]",
      "actions: ['dynamodb:PutItem'],\n        resources: [this.book.tableArn]",
    ],
    'system/book-keeper: books what the queue brings, twice delivered or not, as one order with a whole chain',
  ),
];

const streamerMutants = [
  mutant(
    'a new task starts beside the old',
    'streamer-service',
    ['maxHealthyPercent: 100', 'maxHealthyPercent: 200'],
    neverTwoTasks,
  ),
  mutant(
    'the old task is not stopped first',
    'streamer-service',
    ['minHealthyPercent: 0', 'minHealthyPercent: 100'],
    neverTwoTasks,
  ),
  mutant(
    'availability-zone rebalancing is left to the default',
    'streamer-service',
    ['      availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,\n', ''],
    neverTwoTasks,
  ),
  mutant(
    'two tasks for one login',
    'streamer-service',
    ['desiredCount: 1', 'desiredCount: 2'],
    neverTwoTasks,
  ),
  mutant('no way out', 'streamer-service', ['assignPublicIp: true', 'assignPublicIp: false'], neverTwoTasks),
  mutant(
    'a stop time-out that Fargate does not have',
    'streamer-service',
    ['Duration.seconds(120);', 'Duration.seconds(121);'],
    'streamer: gives the streamer 120 s to stop, restarts it in its task, and keeps the outbox on a volume of the task',
  ),
  mutant(
    'a crash of the streamer ends its task',
    'streamer-service',
    [
      '      enableRestartPolicy: true,\n      restartAttemptPeriod: Duration.seconds(60),\n      readonly',
      '      readonly',
    ],
    'streamer: gives the streamer 120 s to stop, restarts it in its task, and keeps the outbox on a volume of the task',
  ),
  mutant(
    'the gateway logs in before the lease is held',
    'streamer-service',
    ['ContainerDependencyCondition.HEALTHY', 'ContainerDependencyCondition.START'],
    'streamer: starts the gateway only after the streamer is healthy',
  ),
  mutant(
    'healthy means connected, so that the gateway never starts',
    'streamer-service',
    ["'/healthz')", "'/readyz')"],
    'streamer: its health check, run as it stands, answers %i with exit code %i',
  ),
  mutant(
    'a login in the environment',
    'streamer-service',
    ["    ALLOW_BLIND_TRADING: 'no',\n", "    ALLOW_BLIND_TRADING: 'no',\n    TWS_PASSWORD: 'secret',\n"],
    'streamer: of stage %s takes the login from Secrets Manager, never from its environment',
  ),
  mutant(
    'paper logs in for live trading',
    'streamer-service',
    [
      "TRADING_MODE: stage === 'live' ? 'live' : 'paper'",
      "TRADING_MODE: stage === 'sandbox' ? 'paper' : 'live'",
    ],
    'streamer: of stage %s logs in for %s trading, its API read-only: %s, from a pinned image',
  ),
  mutant(
    'a shell in the task',
    'streamer-service',
    ['enableExecuteCommand: false', 'enableExecuteCommand: true'],
    'cdk-nag: AwsSolutions-IAM5',
  ),
  mutant(
    'a way in',
    'network',
    [
      "'Interactive Brokers and AWS');",
      "'Interactive Brokers and AWS');\n    this.taskSecurityGroup.addIngressRule(Peer.ipv4('10.0.0.0/8'), Port.tcp(4001));",
    ],
    'network: lets nothing in',
  ),
  mutant(
    'tables are reached over the internet',
    'network',
    ['        DynamoDB: { service: GatewayVpcEndpointAwsService.DYNAMODB },\n', ''],
    'network: reaches S3 and DynamoDB by gateway endpoints, from both subnets',
  ),
  mutant(
    'the image is built for another processor than the task has',
    'streamer-service',
    ['platform: Platform.LINUX_ARM64 }', 'platform: Platform.LINUX_AMD64 }'],
    'configuration: makes one service, one task and one secret name for each streamer',
  ),
  mutant(
    'a stack that is bound to an account needs credentials at synth',
    'evenkeel-stack',
    ['override get availabilityZones()', 'get otherZones()'],
    'configuration: binds the stack to account and region, and still asks AWS for nothing at synth',
  ),
  mutant(
    'credentials of another account are taken',
    'target',
    ['credentialsAccount === accountId) return []', 'credentialsAccount !== accountId) return []'],
    'configuration: is the account of the configuration: credentials of another are refused with what to do',
  ),
];

/** Where a test stands that `caughtBy` names; undefined for a rule of cdk-nag. */
export function testOf({ caughtBy }: InfrastructureMutant): { file: string; title: string } | undefined {
  const [, where = '', title = ''] = /^([\w/-]+): (.*)$/.exec(caughtBy) ?? [];
  if (where === 'cdk-nag') return undefined;
  return { file: `test/${where.includes('/') ? where : `infrastructure/${where}`}.test.ts`, title };
}

export const infrastructureMutants: readonly InfrastructureMutant[] = [
  ...dataMutants,
  ...eventMutants,
  ...functionMutants,
  ...permissionMutants,
  ...streamerMutants,
];
