/**
 * Puts stored items back as they are. Their text is in DynamoDB's own notation already, so the request is put together
 * from it: taking it apart and writing it again would cost more than all the rest of a restore.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AttributeValue, BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableLoad } from '../ports/table-load.ts';
import type { StoredLine } from '../ports/table-scan.ts';

/** DynamoDB's limits for one BatchWriteItem: items, and bytes of the request (16 MB). */
const itemsMax = 25;
const bytesMax = 12 * 1024 * 1024;
const attemptsMax = 12;
const pauseMs = 50;
const pauseMsMax = 5_000;

export interface DynamoTableLoadOptions {
  readonly client: DynamoDBClient;
  /** Requests that are under way at the same time. */
  readonly parallel?: number;
}

/** DynamoDB took only a part of the items, again and again. */
export class TableLoadError extends Error {
  override readonly name = 'TableLoadError';
  readonly code = 'TABLE_LOAD_THROTTLED';

  constructor(table: string, left: number) {
    super(
      `TABLE_LOAD_THROTTLED: DynamoDB did not take ${left} items of the table ${table} in ${attemptsMax} attempts. ` +
        'What was put stays; the same command goes on. Look at the limits of the table and of the AWS account.',
    );
  }
}

export class DynamoTableLoad implements TableLoad {
  readonly #client: DynamoDBClient;
  readonly #parallel: number;

  constructor({ client, parallel = 8 }: DynamoTableLoadOptions) {
    this.#client = client;
    this.#parallel = parallel;
  }

  async put(table: string, lines: readonly StoredLine[]): Promise<void> {
    const batches = batchesOf(lines);
    const work = async (): Promise<void> => {
      for (let batch = batches.next(); !batch.done; batch = batches.next()) {
        await this.#putAll(table, batch.value);
      }
    };
    await Promise.all(Array.from({ length: this.#parallel }, work));
  }

  async #putAll(table: string, batch: readonly StoredLine[]): Promise<void> {
    let left = batch;
    for (let attempt = 1; left.length > 0; attempt += 1) {
      if (attempt > attemptsMax) throw new TableLoadError(table, left.length);
      if (attempt > 1) await sleep(Math.random() * Math.min(pauseMsMax, pauseMs * 2 ** attempt));
      const { UnprocessedItems } = await this.#client.send(batchWrite(table, left));
      const refused = new Set(
        (UnprocessedItems?.[table] ?? []).map(({ PutRequest }) => keyOf(PutRequest?.Item ?? {})),
      );
      left = left.filter((line) => refused.has(`${line.pk}\n${line.sk}`));
    }
  }
}

function* batchesOf(lines: readonly StoredLine[]): Generator<readonly StoredLine[], void, undefined> {
  let batch: StoredLine[] = [];
  let bytes = 0;
  for (const line of lines) {
    // Characters of three bytes are rare, and the limit is far below DynamoDB's.
    if (batch.length === itemsMax || (batch.length > 0 && bytes + line.text.length > bytesMax)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += line.text.length;
  }
  if (batch.length > 0) yield batch;
}

function batchWrite(table: string, lines: readonly StoredLine[]): BatchWriteItemCommand {
  const command = new BatchWriteItemCommand({ RequestItems: { [table]: [] } });
  const requests = lines.map(({ text }) => `{"PutRequest":${text}}`).join(',');
  const body = `{"RequestItems":{${JSON.stringify(table)}:[${requests}]}}`;
  // Before the SDK measures and signs what it sends.
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { body: unknown }).body = body;
      return next(args);
    },
    { step: 'build', name: 'storedItems', priority: 'high' },
  );
  return command;
}

function keyOf({ pk, sk }: Readonly<Record<string, AttributeValue>>): string {
  return `${pk?.S}\n${sk?.S}`;
}
