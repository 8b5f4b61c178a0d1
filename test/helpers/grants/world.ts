/**
 * A stage in the local cloud in which each role can be made to use what it may: the template as synthesised, its rules
 * and schedules off, so that nobody calls a function but the exercise that is to.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { S3BackupStore } from '../../../lib/aws/backup-store.ts';
import { BookTable } from '../../../lib/aws/book-table.ts';
import { CandlesTable } from '../../../lib/aws/candles-table.ts';
import { SafetyStore } from '../../../lib/aws/safety-store.ts';
import { type LocalCloud, startCloud } from '../../../sandbox/cloud/cloud.ts';
import { synth } from '../../../sandbox/cloud/synth.ts';
import { editedAssembly, type Template, temporaryFolder } from '../cloud-fixture.ts';
import { collect } from '../dynamo-engine.ts';
import { type Grant, grantsOf } from './grants.ts';
import { prefix, stage, WatchedCloud, waitMs } from './watched-cloud.ts';

export { account, prefix, stage } from './watched-cloud.ts';

export class GrantWorld extends WatchedCloud {
  readonly clients: {
    readonly dynamodb: DynamoDBClient;
    readonly lambda: LambdaClient;
    readonly s3: S3Client;
    readonly sqs: SQSClient;
    readonly sts: STSClient;
  };

  private constructor(cloud: LocalCloud, grants: readonly Grant[], assembly: string, temporary: Temporary) {
    super({ cloud, grants, assembly, ...temporary });
    const config = {
      endpoint: cloud.endpoint,
      region: cloud.region,
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    };
    this.clients = {
      dynamodb: new DynamoDBClient(config),
      lambda: new LambdaClient(config),
      s3: new S3Client({ ...config, forcePathStyle: true, responseChecksumValidation: 'WHEN_REQUIRED' }),
      sqs: new SQSClient(config),
      sts: new STSClient(config),
    };
  }

  static async open(): Promise<GrantWorld> {
    const temporary = temporaryFolder();
    const { assembly, stack } = await synth({ stage, progress: () => undefined });
    const grants = await grantsOf(assembly, stack);
    const quiet = path.join(temporary.folder, 'quiet');
    await mkdir(quiet);
    const own = editedAssembly(assembly, quiet, stack, quietTemplate(assembly, stack), readdirSync(assembly));
    const dataDir = path.join(temporary.folder, 'cloud');
    await mkdir(dataDir);
    const login = JSON.stringify({ TWS_USERID: 'desk', TWS_PASSWORD: 'secret' });
    writeFileSync(path.join(dataDir, 'secrets.json'), JSON.stringify({ [`${prefix}-gateway-main`]: login }));
    const cloud = await startCloud({ assembly: own, stack, dataDir, schedules: false, timeScale: 0.0005 });
    return new GrantWorld(cloud, grants, own, temporary);
  }

  async close(): Promise<void> {
    for (const client of Object.values(this.clients)) client.destroy();
    await this.cloud.stop();
    this.remove();
  }

  /** Calls a function, by its name without the prefix, and gives its answer. An error of the function is thrown. */
  async invoke<T = unknown>(name: string, payload: unknown): Promise<T> {
    const { FunctionError, Payload } = await this.clients.lambda.send(
      new InvokeCommand({ FunctionName: `${prefix}-${name}`, Payload: JSON.stringify(payload) }),
    );
    const text = new TextDecoder().decode(Payload);
    if (FunctionError !== undefined) throw new Error(`${name} failed: ${text}`);
    return JSON.parse(text) as T;
  }

  /** Calls a function as the bus or the clock does, and waits until it is over, dead letter and all. */
  async deliver(name: string, payload: unknown): Promise<void> {
    await this.clients.lambda.send(
      new InvokeCommand({
        FunctionName: `${prefix}-${name}`,
        InvocationType: 'Event',
        Payload: JSON.stringify(payload),
      }),
    );
    await this.cloud.idle(waitMs);
  }

  /** A call that fails each time ends in the dead-letter queue, where Lambda puts it under the function's own role. */
  async failForGood(name: string, payload: unknown, deadLetters = `${prefix}-jobs-dlq`): Promise<void> {
    const before = await this.cloud.queueDepth(deadLetters);
    await this.deliver(name, payload);
    await this.until(
      `the dead letter of ${name}`,
      async () => (await this.cloud.queueDepth(deadLetters)) > before,
    );
  }

  /** What the operator sends to a queue, by its name without the prefix. */
  async send(queue: string, body: unknown, fifo: { group: string; id: string }): Promise<void> {
    await this.clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: `${this.cloud.endpoint}/000000000000/${prefix}-${queue}`,
        MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
        MessageGroupId: fifo.group,
        MessageDeduplicationId: fifo.id,
      }),
    );
  }

  /** The book, as a process that has seen nothing of it yet. */
  book(): BookTable {
    const tables = { bookTable: `${prefix}-book`, auditTable: `${prefix}-audit` };
    return new BookTable({ client: this.clients.dynamodb, ...tables });
  }

  safety(): SafetyStore {
    return new SafetyStore({ book: this.book() });
  }

  candles(): CandlesTable {
    return new CandlesTable({
      client: this.clients.dynamodb,
      tableName: `${prefix}-candles`,
      retentionDays: 400,
    });
  }

  /** A bucket, by its name without prefix, account and region. */
  bucket(name: string): S3BackupStore {
    const bucket = `${prefix}-${name}-000000000000-${this.cloud.region}`;
    return new S3BackupStore({ client: this.clients.s3, bucket });
  }

  /** Puts a delete marker over an object. */
  async hide(bucket: string, key: string): Promise<void> {
    const Bucket = `${prefix}-${bucket}-000000000000-${this.cloud.region}`;
    await this.clients.s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
  }

  async put(table: string, item: Record<string, AttributeValue>): Promise<void> {
    await this.clients.dynamodb.send(new PutItemCommand({ TableName: `${prefix}-${table}`, Item: item }));
  }

  /** Empties tables, by their names without the prefix. */
  async clear(...tables: readonly string[]): Promise<void> {
    const { dynamodb } = this.clients;
    for (const name of tables.map((table) => `${prefix}-${table}`)) {
      const pages = await collect(
        paginateScan({ client: dynamodb }, { TableName: name, ProjectionExpression: 'pk, sk' }),
      );
      const keys = pages.flatMap(({ Items = [] }) => Items);
      for (let from = 0; from < keys.length; from += 25) {
        const requests = keys.slice(from, from + 25).map((Key) => ({ DeleteRequest: { Key } }));
        await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
      }
    }
  }
}

type Temporary = ReturnType<typeof temporaryFolder>;

/** No rule is on, and no hour of the wall clock is one in which the broker is reset. */
function quietTemplate(assembly: string, stack: string): Template {
  const template = JSON.parse(
    readFileSync(path.join(assembly, `${stack}.template.json`), 'utf8'),
  ) as Template;
  for (const { Type, Properties } of Object.values<Template>(template.Resources)) {
    if (Type === 'AWS::Events::Rule') Properties.State = 'DISABLED';
    if (Type !== 'AWS::Lambda::Function') continue;
    const variables = Properties.Environment?.Variables ?? {};
    if (variables.RESET_WINDOWS !== undefined) variables.RESET_WINDOWS = '[]';
    if (typeof variables.RECONCILE_RULES === 'string')
      variables.RECONCILE_RULES = JSON.stringify({
        ...JSON.parse(variables.RECONCILE_RULES),
        resetWindows: [],
      });
  }
  return template;
}
