/** Everything of one stage that an operator reads or changes, over one set of clients. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import type { CommandSender } from '../ports/command-queue.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { AuditTable } from './audit-table.ts';
import { BookTable } from './book-table.ts';
import { CandlesTable } from './candles-table.ts';
import { SqsCommandSender } from './command-queue.ts';
import { HeartbeatTable } from './heartbeat-table.ts';
import { StsIdentity } from './identity.ts';
import { LeaseTable } from './lease-table.ts';
import { CloudWatchLogReader } from './log-reader.ts';
import { S3ObjectStore } from './object-store.ts';
import { queueUrl, SqsQueueDepths } from './queue-depths.ts';
import { requestPatience } from './request-patience.ts';
import { DynamoTableStatus } from './table-status.ts';

export interface StageAccessOptions {
  readonly names: {
    readonly bookTable: string;
    readonly auditTable: string;
    readonly controlTable: string;
    readonly candlesTable: string;
    readonly commandQueue: (streamer: string) => string;
    readonly snapshotBucket: (awsAccount: string, region: string) => string;
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
  const dynamodb = new DynamoDBClient(common);
  const sqs = new SQSClient(common);
  const identity = new StsIdentity(new STSClient(common));
  const book = new BookTable({ client: dynamodb, bookTable: names.bookTable, auditTable: names.auditTable });
  return {
    book,
    identity,
    audit: new AuditTable({ client: dynamodb, auditTable: names.auditTable, book }),
    leases: new LeaseTable({
      client: dynamodb,
      tableName: names.controlTable,
      timeoutMs: requestPatience.requestTimeout,
    }),
    heartbeats: new HeartbeatTable({ client: dynamodb, tableName: names.controlTable }),
    candles: new CandlesTable({ client: dynamodb, tableName: names.candlesTable, retentionDays }),
    logs: new CloudWatchLogReader(new CloudWatchLogsClient(common)),
    queues: new SqsQueueDepths(sqs),
    tables: new DynamoTableStatus(dynamodb),
    commands: async (streamer: string): Promise<CommandSender> => {
      const name = names.commandQueue(streamer);
      const url = await queueUrl(sqs, name);
      if (url === undefined) throw new QueueMissingError(name);
      return new SqsCommandSender({ client: sqs, queueUrl: url });
    },
    snapshots: async (): Promise<ObjectStore> => {
      const client = new S3Client(common);
      const [{ account }, where] = await Promise.all([identity.whoAmI(), client.config.region()]);
      return new S3ObjectStore({ client, bucket: names.snapshotBucket(account, where) });
    },
  };
}
