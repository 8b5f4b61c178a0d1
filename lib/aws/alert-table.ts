/** The memory of the desk of alerts in the control table: one row for the stage, replaced under the version that was read. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DeskMemory } from '../domain/alerts/memory.ts';
import type { AlertMemoryRow, AlertMemoryStore } from '../ports/alert-memory.ts';
import { alertsKey } from './keys.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

export interface AlertTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export class AlertTable implements AlertMemoryStore {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor({ client, tableName }: AlertTableOptions) {
    this.#client = client;
    this.#tableName = tableName;
  }

  async read(): Promise<AlertMemoryRow> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    if (Item === undefined) return { version: 0, memory: undefined };
    return { version: Number(Item.version?.N ?? 0), memory: parse(Item.memory?.S ?? '') };
  }

  async write(expectedVersion: number, memory: DeskMemory): Promise<boolean> {
    const condition =
      expectedVersion === 0
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: '#version = :version',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': { N: String(expectedVersion) } },
          };
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...key,
            version: { N: String(expectedVersion + 1) },
            memory: { S: JSON.stringify(memory) },
          },
          ...condition,
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

const { pk, sk } = alertsKey;
const key = { pk: { S: pk }, sk: { S: sk } };

/** Another form than this program's is nothing remembered. */
function parse(text: string): DeskMemory | undefined {
  try {
    const memory = JSON.parse(text) as DeskMemory;
    return (memory.form as number) === 2 ? memory : undefined;
  } catch {
    return undefined;
  }
}

/** Of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openAlertTable(tableName: string): AlertMemoryStore {
  return new AlertTable({
    tableName,
    client: unlogged(new DynamoDBClient({ requestHandler: requestPatience })),
  });
}
