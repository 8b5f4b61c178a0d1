/** Everything of one stage that an operator reads or changes, over one set of clients. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import type { BackupStore } from '../ports/backup-store.ts';
import type { CommandSender } from '../ports/command-queue.ts';
import type { IdentityProof, ProofPurpose } from '../ports/identity-proof.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { AlertTable } from './alert-table.ts';
import { AuditTable } from './audit-table.ts';
import { S3BackupStore } from './backup-store.ts';
import { BookTable } from './book-table.ts';
import { CandlesTable } from './candles-table.ts';
import { SqsCommandSender } from './command-queue.ts';
import { BootstrapProbe } from './deployment-probe.ts';
import { callPatience, LambdaCaller } from './function-caller.ts';
import { HeartbeatTable } from './heartbeat-table.ts';
import { StsIdentity } from './identity.ts';
import { proveIdentity } from './identity-proof.ts';
import { LeaseTable } from './lease-table.ts';
import { CloudWatchLogReader } from './log-reader.ts';
import { S3ObjectStore } from './object-store.ts';
import { queueUrl, SqsQueueDepths } from './queue-depths.ts';
import { requestPatience } from './request-patience.ts';
import { openRestoreTarget, type RestoreTables } from './restore-target.ts';
import { DynamoScratchTables } from './scratch-tables.ts';
import { SecretsManagerStore } from './secret-store.ts';
import { DynamoTableStatus } from './table-status.ts';
import { unlogged } from './unlogged.ts';

export interface StageAccessOptions {
  readonly names: {
    readonly bookTable: string;
    readonly auditTable: string;
    readonly controlTable: string;
    readonly candlesTable: string;
    readonly commandQueue: (streamer: string) => string;
    readonly snapshotBucket: (awsAccount: string, region: string) => string;
    readonly backupBucket: (awsAccount: string, region: string) => string;
    readonly reconcileBucket: (awsAccount: string, region: string) => string;
    readonly drillPrefix: string;
    readonly archiveBucket: (awsAccount: string, region: string) => string;
  };
  readonly retentionDays: number;
  /** Without it, that of the environment. */
  readonly region?: string | undefined;
  /** Without it, AWS's own. */
  readonly endpoint?: string | undefined;
  /** Without them, what every AWS tool would take. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** The stage has no such queue: it is not deployed, or the streamer is not of this stage. */
export class QueueMissingError extends Error {
  // The name that SQS gives it, so that it is explained like every missing part of a stage.
  override readonly name = 'QueueDoesNotExist';
  readonly code = 'QUEUE_MISSING';

  constructor(queue: string) {
    super(`There is no queue ${queue}`);
  }
}

export function openStage({ names, retentionDays, region, endpoint, credentials }: StageAccessOptions) {
  const common = {
    maxAttempts: 3,
    requestHandler: requestPatience,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const dynamodb = unlogged(new DynamoDBClient(common));
  const sqs = unlogged(new SQSClient(common));
  const sts = unlogged(new STSClient(common));
  const identity = new StsIdentity(sts);
  // A restore rides out what a command that shows something would report.
  const patient = unlogged(
    new DynamoDBClient({
      ...common,
      maxAttempts: 8,
      requestHandler: { ...requestPatience, requestTimeout: 30_000 },
    }),
  );
  const book = new BookTable({ client: dynamodb, bookTable: names.bookTable, auditTable: names.auditTable });
  /** The names of buckets hold the AWS account and the region. */
  const bucketOf = async (client: S3Client, nameOf: (awsAccount: string, region: string) => string) => {
    const [{ account: awsAccount }, where] = await Promise.all([identity.whoAmI(), client.config.region()]);
    return { bucket: nameOf(awsAccount, where), awsAccount, region: where };
  };
  const objects = async (nameOf: (awsAccount: string, region: string) => string): Promise<ObjectStore> => {
    const client = unlogged(new S3Client(common));
    return new S3ObjectStore({ client, bucket: (await bucketOf(client, nameOf)).bucket });
  };
  return {
    identity,
    deployment: new BootstrapProbe(unlogged(new S3Client(common))),
    secrets: new SecretsManagerStore(unlogged(new SecretsManagerClient(common))),
    book,
    audit: new AuditTable({ client: dynamodb, auditTable: names.auditTable, book }),
    leases: new LeaseTable({
      client: dynamodb,
      tableName: names.controlTable,
      timeoutMs: requestPatience.requestTimeout,
    }),
    heartbeats: new HeartbeatTable({ client: dynamodb, tableName: names.controlTable }),
    candles: new CandlesTable({ client: dynamodb, tableName: names.candlesTable, retentionDays }),
    alerts: new AlertTable({ client: dynamodb, tableName: names.controlTable }),
    logs: new CloudWatchLogReader(unlogged(new CloudWatchLogsClient(common))),
    queues: new SqsQueueDepths(sqs),
    tables: new DynamoTableStatus(dynamodb),
    commands: async (streamer: string): Promise<CommandSender> => {
      const name = names.commandQueue(streamer);
      const url = await queueUrl(sqs, name);
      if (url === undefined) throw new QueueMissingError(name);
      return new SqsCommandSender({ client: sqs, queueUrl: url });
    },
    archive: () => objects(names.archiveBucket),
    snapshots: () => objects(names.snapshotBucket),
    reconcile: () => objects(names.reconcileBucket),
    backups: async (): Promise<{ store: BackupStore; awsAccount: string; region: string }> => {
      const client = unlogged(
        new S3Client({
          ...common,
          // A part is some megabytes; its SHA-256 is checked by whoever reads it.
          requestHandler: { ...requestPatience, requestTimeout: 60_000 },
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
      );
      const { bucket, ...where } = await bucketOf(client, names.backupBucket);
      return { store: new S3BackupStore({ client, bucket }), ...where };
    },
    functions: new LambdaCaller(
      unlogged(new LambdaClient({ ...common, maxAttempts: 1, requestHandler: callPatience })),
    ),
    proveIdentity: (purpose: ProofPurpose, planHash: string): Promise<IdentityProof> =>
      proveIdentity(sts, purpose, planHash, { endpoint }),
    restoreTarget: (tables: RestoreTables) => openRestoreTarget(patient, tables),
    scratch: new DynamoScratchTables({ client: patient, prefix: names.drillPrefix }),
  };
}
