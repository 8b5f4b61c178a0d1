/** Last prices from the candles table: the newest row of an instrument's one-minute bars. */
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { Decimal } from 'decimal.js';
import type { LastPrices } from '../ports/last-price.ts';
import { candlePartition, candleSort } from './keys.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

const minuteMs = 60_000;

export interface LastPriceTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export class LastPriceTable implements LastPrices {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor({ client, tableName }: LastPriceTableOptions) {
    this.#client = client;
    this.#tableName = tableName;
  }

  async read(
    conId: number,
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  ): Promise<string | undefined> {
    // BETWEEN with from above to is an error of DynamoDB's.
    if (toMs < fromMs) return undefined;
    const { Items } = await this.#client.send(
      new QueryCommand({
        TableName: this.#tableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: candlePartition(conId, minuteMs) },
          ':from': { S: candleSort(fromMs) },
          ':to': { S: candleSort(toMs) },
        },
        ProjectionExpression: '#close',
        ExpressionAttributeNames: { '#close': 'close' },
        ScanIndexForward: false,
        Limit: 1,
      }),
    );
    const close = Items?.[0]?.close?.N;
    // The engine may answer with an exponent; `toFixed` without digits is exact and never does.
    return close === undefined ? undefined : new Decimal(close).toFixed();
  }
}

/** The candles table of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openLastPriceTable(tableName: string): LastPrices {
  return new LastPriceTable({
    tableName,
    client: unlogged(new DynamoDBClient({ requestHandler: requestPatience })),
  });
}
