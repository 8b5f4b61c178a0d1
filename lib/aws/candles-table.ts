/** Candles in DynamoDB: one conditional put decides which of two candles stays, so that deliveries may come in any order. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { Decimal } from 'decimal.js';
import { type Candle, candleRank } from '../domain/market/candle.ts';
import type { CandlePutResult, CandleRange, CandleStore } from '../ports/candle-store.ts';
import { candleKey, candlePartition, candleSort } from './keys.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

const daySeconds = 86_400;

/**
 * `supersedes` of the domain, as DynamoDB reads it: no row yet, or a lower rank, or the same rank and a lower epoch,
 * or both the same and a lower revision.
 */
const isBetter = [
  'attribute_not_exists(pk)',
  '#rank < :rank',
  '(#rank = :rank AND #epoch < :epoch)',
  '(#rank = :rank AND #epoch = :epoch AND #revision < :revision)',
].join(' OR ');

export interface CandlesTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Days that a bar is kept (time to live). */
  readonly retentionDays: number;
  /** The system clock, for tests. */
  readonly nowMs?: () => number;
}

/** The candles table. Prices and volumes are DynamoDB numbers, exact to 38 digits: they pass through as text. */
export class CandlesTable implements CandleStore {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;
  readonly #retentionDays: number;
  readonly #nowMs: () => number;

  constructor({ client, tableName, retentionDays, nowMs = Date.now }: CandlesTableOptions) {
    this.#nowMs = nowMs;
    this.#client = client;
    this.#tableName = tableName;
    this.#retentionDays = retentionDays;
  }

  async put(candle: Candle): Promise<CandlePutResult> {
    const item = toItem(candle, expirySeconds(candle, this.#retentionDays, this.#nowMs()));
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: item,
          ConditionExpression: isBetter,
          ExpressionAttributeNames: { '#rank': 'rank', '#epoch': 'epoch', '#revision': 'revision' },
          ExpressionAttributeValues: { ':rank': item.rank, ':epoch': item.epoch, ':revision': item.revision },
        }),
      );
      return 'stored';
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return 'superseded';
      throw error;
    }
  }

  async *query({ conId, intervalMs, fromMs, toMs }: CandleRange): AsyncGenerator<Candle, void, undefined> {
    // BETWEEN with from above to is an error of DynamoDB's, and means an empty range here.
    if (toMs <= fromMs) return;
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#tableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :last',
        ExpressionAttributeValues: {
          ':pk': { S: candlePartition(conId, intervalMs) },
          ':from': { S: candleSort(fromMs) },
          ':last': { S: candleSort(toMs - 1) },
        },
      },
    );
    for await (const page of pages) {
      for (const item of page.Items ?? []) yield fromItem(item);
    }
  }
}

/** The candles table of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openCandlesTable(options: { tableName: string; retentionDays: number }): CandleStore {
  return new CandlesTable({
    ...options,
    client: unlogged(new DynamoDBClient({ requestHandler: requestPatience })),
  });
}

/**
 * When a bar may go, in Unix seconds as time to live wants it. Counted from when it is stored where the bar is older:
 * a tape of past years, or a replayed archive, must not vanish as it arrives.
 */
function expirySeconds(candle: Candle, retentionDays: number, nowMs: number): number {
  return Math.floor(Math.max(candle.startMs, nowMs) / 1000) + retentionDays * daySeconds;
}

function toItem(candle: Candle, expiresAt: number) {
  const { pk, sk } = candleKey(candle);
  const number = (value: number) => ({ N: String(value) });
  return {
    pk: { S: pk },
    sk: { S: sk },
    conId: number(candle.conId),
    symbol: { S: candle.symbol },
    intervalMs: number(candle.intervalMs),
    startMs: number(candle.startMs),
    sessionDate: { S: candle.sessionDate },
    open: { N: candle.open },
    high: { N: candle.high },
    low: { N: candle.low },
    close: { N: candle.close },
    volume: { N: candle.volume },
    tickCount: number(candle.tickCount),
    source: { S: candle.source },
    volumeSource: { S: candle.volumeSource },
    partial: { BOOL: candle.partial },
    noTrades: { BOOL: candle.noTrades },
    rank: number(candleRank(candle)),
    epoch: number(candle.epoch),
    revision: number(candle.revision),
    expiresAt: number(expiresAt),
  } satisfies Record<string, AttributeValue>;
}

/** A row of the table is not a candle: something else wrote into it. */
export class CandleRowError extends Error {
  override readonly name = 'CandleRowError';
  readonly code = 'CANDLE_ROW_INVALID';

  constructor(key: string, attribute: string) {
    super(
      `CANDLE_ROW_INVALID: The row ${key} of the candles table has no usable ${attribute}, so nothing after it was read. ` +
        'Something else than the candle keeper wrote it; restore or delete that row.',
    );
  }
}

function fromItem(item: Readonly<Record<string, AttributeValue>>): Candle {
  const key = `${item.pk?.S}/${item.sk?.S}`;
  const need = <T>(attribute: string, value: T | undefined): T => {
    if (value === undefined) throw new CandleRowError(key, attribute);
    return value;
  };
  // The engine may answer with an exponent; `toFixed` without digits is exact and never does.
  const decimal = (attribute: string) => new Decimal(need(attribute, item[attribute]?.N)).toFixed();
  const int = (attribute: string) => Number(need(attribute, item[attribute]?.N));
  const text = (attribute: string) => need(attribute, item[attribute]?.S);
  const flag = (attribute: string) => need(attribute, item[attribute]?.BOOL);
  return {
    conId: int('conId'),
    symbol: text('symbol'),
    intervalMs: int('intervalMs'),
    startMs: int('startMs'),
    sessionDate: text('sessionDate'),
    open: decimal('open'),
    high: decimal('high'),
    low: decimal('low'),
    close: decimal('close'),
    volume: decimal('volume'),
    tickCount: int('tickCount'),
    // Only `put` writes these two, from the domain's own types.
    source: text('source') as Candle['source'],
    volumeSource: text('volumeSource') as Candle['volumeSource'],
    partial: flag('partial'),
    noTrades: flag('noTrades'),
    epoch: int('epoch'),
    revision: int('revision'),
  };
}
