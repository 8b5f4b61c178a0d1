/** The memory of the watchdog in the control table: one row for each account, replaced under the version that was read. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { WatchdogRow, WatchdogStore } from '../ports/watchdog-store.ts';
import { controlKey } from './keys.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

export interface WatchdogTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export class WatchdogTable implements WatchdogStore {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor({ client, tableName }: WatchdogTableOptions) {
    this.#client = client;
    this.#tableName = tableName;
  }

  async read(account: string): Promise<WatchdogRow | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: keyOf(account), ConsistentRead: true }),
    );
    if (Item === undefined) return undefined;
    return { version: Number(Item.version?.N ?? 0), memory: Item.memory?.S ?? '' };
  }

  async write(account: string, expectedVersion: number, memory: string): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: { ...keyOf(account), version: { N: String(expectedVersion + 1) }, memory: { S: memory } },
          ...conditionOf(expectedVersion),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

/** The watchdog's rows of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openWatchdogTable(tableName: string): WatchdogStore {
  return new WatchdogTable({
    tableName,
    client: unlogged(new DynamoDBClient({ requestHandler: requestPatience })),
  });
}

function keyOf(account: string): Record<string, AttributeValue> {
  const { pk, sk } = controlKey(account, 'watchdog');
  return { pk: { S: pk }, sk: { S: sk } };
}

function conditionOf(expectedVersion: number) {
  if (expectedVersion === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': { N: String(expectedVersion) } },
  };
}
