import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { Function as LambdaCode } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import {
  type ArchiveTable,
  archiveTables,
  parquetFormat,
  partitionKeys,
  tableLocation,
  tableParameters,
} from '../domain/archive/athena.ts';
import { acknowledgeWildcard } from './acknowledgements.ts';
import type { Candles } from './candles.ts';
import { allow } from './function-parts.ts';
import { type JobProps, job } from './job.ts';
import { privateBucket } from './private-bucket.ts';
import { cronAt, JobSchedule } from './schedule.ts';

export interface ArchiveProps extends Omit<JobProps, 'name' | 'description' | 'environment'> {
  readonly candles: Candles;
}

/** Former versions of a day that was written again are kept so long. */
const formerVersionDays = 30;

/** Candles and changes of positions as daily Parquet, with tables over them that Athena reads. */
export class Archive extends Construct {
  readonly bucket: Bucket;
  readonly archive: LambdaCode;

  constructor(scope: Construct, id: string, props: ArchiveProps) {
    super(scope, id);
    const { prefix } = props;
    this.bucket = privateBucket(this, 'Bucket', {
      name: `${prefix}-archive`,
      // A day that is written again is a new version; the former one can neither be deleted nor expire before this.
      lockedFor: Duration.days(formerVersionDays),
      lifecycleRules: [
        {
          id: 'former-versions',
          noncurrentVersionExpiration: Duration.days(formerVersionDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: props.removalPolicy,
    });
    if (props.config.aws.athenaTables) this.#tables(prefix);
    this.archive = this.#function(props);
  }

  #tables(prefix: string): void {
    // Glue takes small letters, digits and underscores.
    const databaseName = prefix.replaceAll('-', '_');
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Stack.of(this).account,
      databaseInput: { name: databaseName, description: 'The archive of Evenkeel (docs/archive.md)' },
    });
    for (const table of archiveTables) this.#table(table, databaseName, database);
    new CfnOutput(Stack.of(this), 'ArchiveDatabaseName', { value: databaseName });
  }

  #table(table: ArchiveTable, databaseName: string, database: CfnDatabase): void {
    const { bucketName } = this.bucket;
    const made = new CfnTable(this, `Table-${table.name}`, {
      catalogId: Stack.of(this).account,
      databaseName,
      tableInput: {
        name: table.name,
        description: table.description,
        tableType: 'EXTERNAL_TABLE',
        parameters: tableParameters(bucketName, table.name),
        partitionKeys: partitionKeys.map((key) => ({ ...key })),
        storageDescriptor: {
          location: tableLocation(bucketName, table.name),
          inputFormat: parquetFormat.inputFormat,
          outputFormat: parquetFormat.outputFormat,
          serdeInfo: { serializationLibrary: parquetFormat.serializationLibrary },
          columns: table.columns.map(({ name, glueType, comment }) => ({ name, type: glueType, comment })),
        },
      },
    });
    made.addResourceDependency(database);
  }

  #function(props: ArchiveProps): LambdaCode {
    const { prefix, config, book, candles } = props;
    const { code, role } = job(new Construct(this, 'Daily'), {
      ...props,
      name: 'archive',
      description: 'Writes the candles and changes of positions of the days before as Parquet',
      environment: {
        STAGE: config.stage,
        BOOK_TABLE: book.book.tableName,
        AUDIT_TABLE: book.audit.tableName,
        CANDLES_TABLE: candles.table.tableName,
        ARCHIVE_BUCKET: this.bucket.bucketName,
      },
    });
    allow(role, ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'], book.book.tableArn);
    allow(role, ['dynamodb:Query'], book.audit.tableArn);
    allow(role, ['dynamodb:Query', 'dynamodb:Scan'], candles.table.tableArn);
    for (const folder of ['candles', 'positions', 'days']) {
      allow(role, ['s3:GetObject', 's3:PutObject'], this.bucket.arnForObjects(`${folder}/*`));
      acknowledgeWildcard(
        role,
        { in: this.bucket, path: `/${folder}/*` },
        'Each symbol and day is an object of its own in this folder.',
      );
    }
    allow(role, ['s3:ListBucket'], this.bucket.bucketArn);
    new JobSchedule(this, 'Schedule', {
      name: `${prefix}-archive-daily`,
      description: 'The days before, into the archive',
      expression: cronAt(config.backup.archiveAtUtc),
      target: code,
      input: {},
      deadLetters: props.deadLetters,
    });
    return code;
  }
}
