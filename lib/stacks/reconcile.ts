import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaCode } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { StreamerConfig } from '../../config/schema.ts';
import { endedPlanCodes } from '../domain/reconcile/plan-state.ts';
import { acknowledgeWildcard } from './acknowledgements.ts';
import type { Backups } from './backups.ts';
import type { Bundle } from './bundle.ts';
import type { Candles } from './candles.ts';
import { streamerSource } from './event-bus.ts';
import { allow } from './function-parts.ts';
import { type Job, type JobProps, job } from './job.ts';
import { privateBucket } from './private-bucket.ts';
import { JobSchedule } from './schedule.ts';
import type { Snapshots } from './snapshots.ts';
import type { StreamerService } from './streamer-service.ts';

export interface ReconcileProps extends Omit<JobProps, 'name' | 'description' | 'bundle' | 'environment'> {
  readonly candles: Candles;
  readonly snapshots: Snapshots;
  readonly backups: Backups;
  readonly streamers: readonly { readonly config: StreamerConfig; readonly service: StreamerService }[];
  readonly bundles: { readonly reconcile: Bundle; readonly 'apply-plan': Bundle };
  readonly programVersion: string;
}

/** Sources of the functions here; a test keeps them equal to those of the events. */
export const reconcileSources = { reconcile: 'evenkeel.reconcile', applyPlan: 'evenkeel.apply-plan' };

/** What a run was judged on is kept so long. */
const evidenceDays = 90;

/** A call by the clock that comes later than this meets the next one. (The Scheduler takes no less than a minute.) */
const maxLate = (everyMinutes: number) => Duration.minutes(Math.min(4, Math.max(1, everyMinutes - 1)));

/** Broker against book: by the clock, at each start of a streamer, after a plan, and by hand. */
export class Reconcile extends Construct {
  /** Evidence of runs, and the plans that are reviewed. */
  readonly bucket: Bucket;
  readonly reconcile: LambdaCode;
  readonly applyPlan: LambdaCode;

  constructor(scope: Construct, id: string, props: ReconcileProps) {
    super(scope, id);
    const { prefix, config, removalPolicy } = props;
    this.bucket = privateBucket(this, 'Bucket', {
      name: `${prefix}-reconcile`,
      lockedFor: Duration.days(config.backup.retentionDays),
      lifecycleRules: [
        {
          id: 'old-runs',
          prefix: 'runs/',
          expiration: Duration.days(evidenceDays),
          noncurrentVersionExpiration: Duration.days(1),
        },
        // Each run writes them anew.
        { id: 'former-latest', prefix: 'latest/', noncurrentVersionExpiration: Duration.days(1) },
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy,
    });
    this.reconcile = this.#reconcile(props);
    this.applyPlan = this.#applyPlan(props);
  }

  #reconcile(props: ReconcileProps): LambdaCode {
    const { prefix, config, book, candles, snapshots } = props;
    const { code, role } = this.#job('Run', {
      ...props,
      name: 'reconcile',
      description: 'Compares the broker with the book, and stages what should change',
      bundle: props.bundles.reconcile,
      environment: {
        ...this.#environment(props),
        CONTROL_TABLE: book.control.tableName,
        CANDLES_TABLE: candles.table.tableName,
        SNAPSHOT_BUCKET: snapshots.bucket.bucketName,
      },
    });
    allowBook(role, props);
    allow(role, ['dynamodb:UpdateItem'], book.control.tableArn);
    allow(role, ['dynamodb:Query'], candles.table.tableArn);
    allow(role, ['s3:GetObject'], snapshots.bucket.arnForObjects('snapshots/*'));
    acknowledgeWildcard(
      role,
      { in: snapshots.bucket, path: '/snapshots/*' },
      'A run reads the snapshot that it asked for, of whichever account.',
    );
    allow(role, ['s3:ListBucket'], snapshots.bucket.bucketArn);
    this.#allowFolder(role, ['s3:GetObject', 's3:PutObject'], 'runs');
    this.#allowFolder(role, ['s3:PutObject'], 'latest');
    // What is not there is told from what may not be read.
    allow(role, ['s3:ListBucket'], this.bucket.bucketArn);
    for (const { config: streamer } of props.streamers) {
      const name = `${prefix}-reconcile-${streamer.name}`;
      new JobSchedule(this, `Schedule-${streamer.name}`, {
        name,
        description: `Broker against book, every few minutes, account ${streamer.account}`,
        expression: everyMinutes(config.reconcile.everyMinutes),
        target: code,
        input: { trigger: 'schedule', account: streamer.account, by: name },
        deadLetters: props.deadLetters,
        maxEventAge: maxLate(config.reconcile.everyMinutes),
      });
    }
    this.#rule('AtStart', props, {
      ruleName: `${prefix}-reconcile-start`,
      description: 'A streamer has begun its term: trading is locked until a reconcile has completed',
      source: [streamerSource],
      // What is resolved is kept as an instrument: its trading hours say when there is nothing to compare.
      detailType: ['gateway.connected', 'instrument.resolved'],
      target: code,
    });
    this.#rule('AfterPlan', props, {
      ruleName: `${prefix}-reconcile-applied`,
      description: 'A plan was carried out: see what the book is now',
      source: [reconcileSources.applyPlan],
      detailType: ['plan.applied'],
      target: code,
    });
    this.#rule('AfterRefusal', props, {
      ruleName: `${prefix}-reconcile-refused`,
      description: 'A plan can never be carried out: stage anew what the book is now',
      source: [reconcileSources.applyPlan],
      detailType: ['plan.refused'],
      detail: { data: { code: [...endedPlanCodes] } },
      target: code,
    });
    return code;
  }

  #applyPlan(props: ReconcileProps): LambdaCode {
    const { prefix, config, book, backups } = props;
    const { code, role } = this.#job('ApplyPlan', {
      ...props,
      name: 'apply-plan',
      description: 'Approves, rejects and carries out plans: exactly what was reviewed, by its hash',
      bundle: props.bundles['apply-plan'],
      environment: {
        ...this.#environment(props),
        BACKUP_BUCKET: backups.bucket.bucketName,
        APPROVERS: JSON.stringify(config.reconcile.approvers),
      },
    });
    allowBook(role, props);
    allow(role, ['dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem', 'dynamodb:Scan'], book.book.tableArn);
    allow(role, ['dynamodb:Scan'], book.audit.tableArn);
    this.#allowFolder(role, ['s3:GetObject', 's3:PutObject'], 'runs');
    allow(role, ['s3:ListBucket'], this.bucket.bucketArn);
    backups.allowBackup(role);
    this.#rule('Approved', props, {
      ruleName: `${prefix}-apply-plan`,
      description: 'A plan was approved by the policy, or is to be gone on with',
      source: [reconcileSources.reconcile, reconcileSources.applyPlan],
      detailType: ['plan.approved'],
      // What a person approves is carried out by the call that approves it.
      detail: { data: { start: ['asked'] } },
      target: code,
    });
    return code;
  }

  #environment({ config, book, streamers, programVersion }: ReconcileProps): Record<string, string> {
    const { everyMinutes: _, approvers: __, ...rules } = config.reconcile;
    return {
      STAGE: config.stage,
      BOOK_TABLE: book.book.tableName,
      AUDIT_TABLE: book.audit.tableName,
      RECONCILE_BUCKET: this.bucket.bucketName,
      STREAMERS: JSON.stringify(
        streamers.map(({ config: { account, name, gateway }, service }) => ({
          account,
          streamer: name,
          commandQueueUrl: service.commands.queueUrl,
          timeZone: gateway.timeZone,
          clientId: gateway.clientId,
        })),
      ),
      RECONCILE_RULES: JSON.stringify({ ...rules, resetWindows: config.resetWindows }),
      PROGRAM_VERSION: programVersion,
    };
  }

  #allowFolder(role: Role, actions: readonly string[], folder: 'runs' | 'latest'): void {
    allow(role, actions, this.bucket.arnForObjects(`${folder}/*`));
    acknowledgeWildcard(
      role,
      { in: this.bucket, path: `/${folder}/*` },
      'The evidence of each run, and the newest plan of each account, are objects of their own.',
    );
  }

  #job(id: string, props: JobProps): Job {
    return job(new Construct(this, id), props);
  }

  #rule(id: string, { bus, deadLetters }: ReconcileProps, rule: RuleOf): void {
    const { ruleName, description, source, detailType, detail, target } = rule;
    // Not on a replay: what was true then is no reason to look now. CDK has no name for this field, and passes it on.
    const notReplayed: object = { 'replay-name': [{ exists: false }] };
    new Rule(this, id, {
      ruleName,
      description,
      eventBus: bus,
      eventPattern: {
        source: [...source],
        detailType: [...detailType],
        ...(detail && { detail }),
        ...notReplayed,
      },
      targets: [
        new LambdaFunction(target, {
          retryAttempts: 20,
          maxEventAge: Duration.minutes(30),
          deadLetterQueue: deadLetters,
        }),
      ],
    });
  }
}

interface RuleOf {
  readonly ruleName: string;
  readonly description: string;
  readonly source: readonly string[];
  readonly detailType: readonly string[];
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly target: LambdaCode;
}

function everyMinutes(minutes: number): string {
  return `rate(${minutes} minute${minutes === 1 ? '' : 's'})`;
}

/** Transactions of the book with their audit row, and commands to the streamers. */
function allowBook(role: Role, { book, streamers }: ReconcileProps): void {
  allow(role, ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'], book.book.tableArn);
  allow(role, ['dynamodb:PutItem'], book.audit.tableArn);
  for (const { service } of streamers) allow(role, ['sqs:SendMessage'], service.commands.queueArn);
}
