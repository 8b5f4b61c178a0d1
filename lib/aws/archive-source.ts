/**
 * What there is to archive. The partitions of a table are found by steps: one item is asked for, then the first one
 * beyond its partition. That reads one item of each partition instead of the whole table.
 */
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { ArchiveSource, CandleSeries } from '../ports/archive-source.ts';
import { AuditTable } from './audit-table.ts';
import { BookTable } from './book-table.ts';
import { CandlesTable } from './candles-table.ts';
import { accountOfPartition, candleSeriesOf } from './keys.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** After every sort key: the last character of Unicode, and UTF-8 sorts as the characters do. */
const beyondAllSortKeys = '\u{10FFFF}';

export interface DynamoArchiveSourceOptions {
  readonly client: DynamoDBClient;
  readonly candlesTable: string;
  readonly bookTable: string;
}

/** The engine gave the same partition again. Going on would never end. */
export class PartitionStepError extends Error {
  override readonly name = 'PartitionStepError';
  readonly code = 'PARTITION_STEP_STUCK';

  constructor(table: string, pk: string) {
    super(
      `PARTITION_STEP_STUCK: The table ${table} gives the partition ${pk} again when asked for the one after it; ` +
        'nothing was archived. A DynamoDB that does this is not one that Evenkeel knows.',
    );
  }
}

export class DynamoArchiveSource implements ArchiveSource {
  readonly #client: DynamoDBClient;
  readonly #candlesTable: string;
  readonly #bookTable: string;

  constructor({ client, candlesTable, bookTable }: DynamoArchiveSourceOptions) {
    this.#client = client;
    this.#candlesTable = candlesTable;
    this.#bookTable = bookTable;
  }

  async *series(): AsyncGenerator<CandleSeries, void, undefined> {
    for await (const pk of this.#partitions(this.#candlesTable)) {
      const series = candleSeriesOf(pk);
      if (series !== undefined) yield series;
    }
  }

  async *accounts(): AsyncGenerator<string, void, undefined> {
    for await (const pk of this.#partitions(this.#bookTable)) {
      const account = accountOfPartition(pk);
      if (account !== undefined) yield account;
    }
  }

  async *#partitions(table: string): AsyncGenerator<string, void, undefined> {
    let start: Record<string, AttributeValue> | undefined;
    let last: string | undefined;
    for (;;) {
      const { Items, LastEvaluatedKey } = await this.#client.send(
        new ScanCommand({
          TableName: table,
          Limit: 1,
          ProjectionExpression: 'pk',
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
      );
      const pk = Items?.[0]?.pk?.S;
      // A page may be empty and not the last one.
      if (pk === undefined && LastEvaluatedKey === undefined) return;
      if (pk === undefined) {
        start = LastEvaluatedKey;
        continue;
      }
      if (pk === last) throw new PartitionStepError(table, pk);
      yield pk;
      last = pk;
      start = { pk: { S: pk }, sk: { S: beyondAllSortKeys } };
    }
  }
}

/** The tables that are archived, over one client: region, credentials and endpoint come from the environment. */
export function openArchiveTables(tables: {
  readonly bookTable: string;
  readonly auditTable: string;
  readonly candlesTable: string;
}) {
  const client = unlogged(
    new DynamoDBClient({ requestHandler: { ...requestPatience, requestTimeout: 30_000 } }),
  );
  const book = new BookTable({ client, ...tables });
  return {
    book,
    audit: new AuditTable({ client, auditTable: tables.auditTable, book }),
    // It is only read here, so nothing expires by this.
    candles: new CandlesTable({ client, tableName: tables.candlesTable, retentionDays: 0 }),
    source: new DynamoArchiveSource({ client, ...tables }),
  };
}
