/** The run lock in the control table: one row for each account, taken by one conditional update. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { RunLockRow, RunLockStore, RunLockTaken } from '../ports/run-lock.ts';
import { controlKey } from './keys.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

export interface RunLockTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export class RunLockTable implements RunLockStore {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;

  constructor({ client, tableName }: RunLockTableOptions) {
    this.#client = client;
    this.#tableName = tableName;
  }

  async read(account: string): Promise<RunLockRow | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: keyOf(account), ConsistentRead: true }),
    );
    return Item && rowOf(Item);
  }

  async take(
    account: string,
    { runId, nowMs, untilMs }: { readonly runId: string; readonly nowMs: number; readonly untilMs: number },
  ): Promise<RunLockTaken> {
    try {
      const { Attributes } = await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#tableName,
          Key: keyOf(account),
          UpdateExpression: 'SET runId = :run, untilMs = :until ADD #token :one',
          // The SDK may send it again after a lost answer, and the first one may come after it: each run takes it once.
          ConditionExpression: 'attribute_not_exists(pk) OR (untilMs <= :now AND runId <> :run)',
          ExpressionAttributeNames: { '#token': 'token' },
          ExpressionAttributeValues: {
            ':run': { S: runId },
            ':until': { N: String(untilMs) },
            ':now': { N: String(nowMs) },
            ':one': { N: '1' },
          },
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { taken: true, token: rowOf(Attributes ?? {}).token };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const heldBy = rowOf(error.Item ?? {});
      const isOurs = heldBy.runId === runId && heldBy.untilMs > nowMs;
      return isOurs ? { taken: true, token: heldBy.token } : { taken: false, heldBy };
    }
  }

  async release(account: string, token: number): Promise<void> {
    try {
      await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#tableName,
          Key: keyOf(account),
          UpdateExpression: 'SET untilMs = :zero',
          ConditionExpression: '#token = :token',
          ExpressionAttributeNames: { '#token': 'token' },
          ExpressionAttributeValues: { ':zero': { N: '0' }, ':token': { N: String(token) } },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
}

/** The run locks of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openRunLockTable(tableName: string): RunLockStore {
  return new RunLockTable({
    tableName,
    client: unlogged(new DynamoDBClient({ requestHandler: requestPatience })),
  });
}

function keyOf(account: string): Record<string, AttributeValue> {
  const { pk, sk } = controlKey(account, 'reconcile');
  return { pk: { S: pk }, sk: { S: sk } };
}

function rowOf(item: Readonly<Record<string, AttributeValue>>): RunLockRow {
  return {
    runId: item.runId?.S ?? '',
    token: Number(item.token?.N ?? 0),
    untilMs: Number(item.untilMs?.N ?? 0),
  };
}
