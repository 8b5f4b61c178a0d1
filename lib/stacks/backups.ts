import { Duration, Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaCode } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeListTables, acknowledgeScratchTables, acknowledgeWildcard } from './acknowledgements.ts';
import type { Bundle } from './bundle.ts';
import type { Candles } from './candles.ts';
import { allow } from './function-parts.ts';
import { type Job, type JobProps, job } from './job.ts';
import { privateBucket } from './private-bucket.ts';
import { cronAt, JobSchedule } from './schedule.ts';
import type { Snapshots } from './snapshots.ts';

export interface BackupsProps extends Omit<JobProps, 'name' | 'description' | 'bundle' | 'environment'> {
  readonly candles: Candles;
  readonly snapshots: Snapshots;
  readonly bundles: { readonly backup: Bundle; readonly drill: Bundle };
  readonly programVersion: string;
}

/** What a lifecycle rule may delete; nothing in the program deletes a backup. */
const expiredTag = { 'evenkeel:expire': 'true' };

/** The bucket of backups, the daily backup, and the weekly drill that proves that they restore. */
export class Backups extends Construct {
  readonly bucket: Bucket;
  readonly backup: LambdaCode;
  readonly drill: LambdaCode;

  constructor(scope: Construct, id: string, props: BackupsProps) {
    super(scope, id);
    const { prefix, config } = props;
    this.bucket = privateBucket(this, 'Bucket', {
      name: `${prefix}-backups`,
      lockedFor: Duration.days(config.backup.retentionDays),
      lifecycleRules: [
        {
          id: 'expired-backups',
          tagFilters: expiredTag,
          expiration: Duration.days(1),
          noncurrentVersionExpiration: Duration.days(1),
        },
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: props.removalPolicy,
    });
    this.backup = this.#backup(props);
    this.drill = this.#drill(props);
  }

  /** Lets a role put parts and manifests, and read the manifests before it. */
  allowBackup(role: Role): void {
    this.#allowFolders(role, ['s3:PutObject'], ['parts', 'manifests']);
    this.#allowFolders(role, ['s3:GetObject'], ['manifests']);
    allow(role, ['s3:ListBucket'], this.bucket.bucketArn);
  }

  #backup(props: BackupsProps): LambdaCode {
    const { prefix, config, book, candles } = props;
    const made = this.#job('Backup', {
      ...props,
      name: 'backup',
      description: 'Backs up book and audit trail: parts with checksums, the manifest last',
      bundle: props.bundles.backup,
      environment: {
        STAGE: config.stage,
        BOOK_TABLE: book.book.tableName,
        AUDIT_TABLE: book.audit.tableName,
        CANDLES_TABLE: candles.table.tableName,
        BACKUP_BUCKET: this.bucket.bucketName,
        RETENTION_DAYS: String(config.backup.retentionDays),
        KEEP_AT_LEAST: String(config.backup.keepAtLeast),
        INCLUDE_CANDLES: String(config.backup.includeCandles),
        PROGRAM_VERSION: props.programVersion,
      },
    });
    const { role } = made;
    allow(role, ['dynamodb:Scan', 'dynamodb:Query', 'dynamodb:GetItem'], book.book.tableArn);
    allow(role, ['dynamodb:Scan'], book.audit.tableArn);
    allow(role, ['dynamodb:Scan'], candles.table.tableArn);
    this.allowBackup(role);
    // Those past their time are marked; the bucket's own rule deletes them.
    this.#allowFolders(role, ['s3:PutObjectTagging'], ['parts', 'manifests']);
    new JobSchedule(this, 'Daily', {
      name: `${prefix}-backup-daily`,
      description: 'The daily backup',
      expression: cronAt(config.backup.atUtc),
      target: made.code,
      input: { trigger: 'schedule', by: `${prefix}-backup-daily`, reason: 'daily' },
      deadLetters: props.deadLetters,
    });
    return made.code;
  }

  #drill(props: BackupsProps): LambdaCode {
    const { prefix, config, book, snapshots } = props;
    const made = this.#job('Drill', {
      ...props,
      name: 'drill',
      description: 'Restores the newest backup into tables of its own, checks it, and removes them',
      bundle: props.bundles.drill,
      environment: {
        STAGE: config.stage,
        DRILL_PREFIX: `${prefix}-drill-`,
        BOOK_TABLE: book.book.tableName,
        BACKUP_BUCKET: this.bucket.bucketName,
        SNAPSHOT_BUCKET: snapshots.bucket.bucketName,
        PROGRAM_VERSION: props.programVersion,
      },
    });
    const { role } = made;
    this.#allowFolders(role, ['s3:GetObject'], ['parts', 'manifests']);
    this.#allowFolders(role, ['s3:PutObject'], ['drills']);
    allow(role, ['s3:ListBucket', 's3:ListBucketVersions'], this.bucket.bucketArn);
    allow(role, ['s3:GetObject'], snapshots.bucket.arnForObjects('snapshots/*'));
    acknowledgeWildcard(
      role,
      { in: snapshots.bucket, path: '/snapshots/*' },
      'The drill reads the last snapshot of each account.',
    );
    allow(role, ['s3:ListBucket'], snapshots.bucket.bucketArn);
    allow(role, ['dynamodb:Query'], book.book.tableArn);
    const scratch = Stack.of(this).formatArn({
      service: 'dynamodb',
      resource: 'table',
      resourceName: `${prefix}-drill-*`,
    });
    allow(
      role,
      [
        'dynamodb:CreateTable',
        'dynamodb:DeleteTable',
        'dynamodb:DescribeTable',
        'dynamodb:BatchWriteItem',
        'dynamodb:PutItem',
        'dynamodb:DeleteItem',
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:Scan',
      ],
      scratch,
    );
    acknowledgeScratchTables(role, `table/${prefix}-drill-*`);
    allow(role, ['dynamodb:ListTables'], '*');
    acknowledgeListTables(role);
    new JobSchedule(this, 'Weekly', {
      name: `${prefix}-drill-weekly`,
      description: 'The weekly restore drill',
      expression: cronAt(config.backup.drillAtUtc, config.backup.drillDay),
      target: made.code,
      input: { trigger: 'schedule', by: `${prefix}-drill-weekly` },
      deadLetters: props.deadLetters,
    });
    return made.code;
  }

  #job(id: string, props: JobProps): Job {
    return job(new Construct(this, id), props);
  }

  #allowFolders(role: Role, actions: readonly string[], folders: readonly string[]): void {
    for (const folder of folders) {
      allow(role, actions, this.bucket.arnForObjects(`${folder}/*`));
      acknowledgeWildcard(
        role,
        { in: this.bucket, path: `/${folder}/*` },
        'Each part, manifest and report is an object of its own in this folder.',
      );
    }
  }
}
