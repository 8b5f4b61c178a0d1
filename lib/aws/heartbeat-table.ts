/** Heartbeats in the control table: one row for each account, the last word of its streamer. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Heartbeat, HeartbeatStore } from '../ports/lease-store.ts';
import { controlKey } from './keys.ts';
import { fromAttributes, toAttributes } from './marshalling.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

export interface HeartbeatTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export class HeartbeatTable implements HeartbeatStore {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor({ client, tableName }: HeartbeatTableOptions) {
    this.#client = client;
    this.#tableName = tableName;
  }

  async read(account: string): Promise<Heartbeat | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: toAttributes(controlKey(account, 'heartbeat')),
        ConsistentRead: true,
      }),
    );
    if (!Item) return undefined;
    const { pk: _pk, sk: _sk, ...heartbeat } = fromAttributes(Item);
    // Only `write` makes these rows, from the port's own type.
    return heartbeat as unknown as Heartbeat;
  }

  /** A word of an older epoch than the last one is left out: a holder that was paused must not look alive. */
  async write(account: string, heartbeat: Heartbeat): Promise<void> {
    const { feeds, orders, ...rest } = heartbeat;
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: toAttributes({
            ...controlKey(account, 'heartbeat'),
            ...rest,
            feeds: feeds.map((feed) => ({ ...feed })),
            orders: { ...orders },
          }),
          ConditionExpression: 'attribute_not_exists(pk) OR #epoch <= :epoch',
          ExpressionAttributeNames: { '#epoch': 'epoch' },
          ExpressionAttributeValues: { ':epoch': { N: String(heartbeat.epoch) } },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}

/** The heartbeats of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openHeartbeatTable(options: { tableName: string }): HeartbeatStore {
  // The next heartbeat is worth more than a late one.
  const client = unlogged(new DynamoDBClient({ maxAttempts: 1, requestHandler: requestPatience }));
  return new HeartbeatTable({ ...options, client });
}
