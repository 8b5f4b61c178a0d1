/** Leases in the control table: one row for each account, replaced only under the version that was read. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Lease, LeaseStore } from '../ports/lease-store.ts';
import { controlKey } from './keys.ts';
import { unlogged } from './unlogged.ts';

export interface LeaseTableOptions {
  /** Must not retry by itself: whoever holds a lease has to know when its write was sent. */
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** After so long a call counts as failed. */
  readonly timeoutMs: number;
}

export class LeaseTable implements LeaseStore {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;
  readonly #timeoutMs: number;

  constructor({ client, tableName, timeoutMs }: LeaseTableOptions) {
    this.#client = client;
    this.#tableName = tableName;
    this.#timeoutMs = timeoutMs;
  }

  async read(account: string): Promise<Lease | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#tableName,
        Key: keyOf(account),
        ConsistentRead: true,
      }),
      this.#bound(),
    );
    return Item && fromItem(account, Item);
  }

  async replace(account: string, expected: Lease | undefined, next: Lease): Promise<boolean> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: toItem(account, next),
          ...conditionOf(expected),
        }),
        this.#bound(),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  #bound(): { abortSignal: AbortSignal } {
    return { abortSignal: AbortSignal.timeout(this.#timeoutMs) };
  }
}

/** The leases of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openLeaseTable(options: { tableName: string; timeoutMs: number }): LeaseStore {
  return new LeaseTable({ ...options, client: unlogged(new DynamoDBClient({ maxAttempts: 1 })) });
}

/** The row of the lease cannot be read. */
export class LeaseRowError extends Error {
  override readonly name = 'LeaseRowError';
  readonly code = 'LEASE_ROW_INVALID';

  constructor(account: string, attribute: string) {
    super(
      `LEASE_ROW_INVALID: The lease of account ${account} in the control table has no usable ${attribute}, so nobody can hold it. ` +
        'Something else than a streamer wrote it; stop every streamer of the account, delete the row, and start one.',
    );
  }
}

function keyOf(account: string): Record<string, AttributeValue> {
  const { pk, sk } = controlKey(account, 'lease');
  return { pk: { S: pk }, sk: { S: sk } };
}

function conditionOf(expected: Lease | undefined) {
  if (expected === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#token = :token AND #version = :version AND #holder = :holder',
    ExpressionAttributeNames: { '#token': 'token', '#version': 'version', '#holder': 'holder' },
    ExpressionAttributeValues: {
      ':token': { N: String(expected.token) },
      ':version': { N: String(expected.version) },
      ':holder': { S: expected.holder },
    },
  };
}

function toItem(account: string, lease: Lease): Record<string, AttributeValue> {
  return {
    ...keyOf(account),
    holder: { S: lease.holder },
    token: { N: String(lease.token) },
    version: { N: String(lease.version) },
    renewedAtMs: { N: String(lease.renewedAtMs) },
    released: { BOOL: lease.released },
  };
}

function fromItem(account: string, item: Readonly<Record<string, AttributeValue>>): Lease {
  const need = <T>(attribute: string, value: T | undefined): T => {
    if (value === undefined) throw new LeaseRowError(account, attribute);
    return value;
  };
  const int = (attribute: string) => Number(need(attribute, item[attribute]?.N));
  return {
    holder: need('holder', item.holder?.S),
    token: int('token'),
    version: int('version'),
    renewedAtMs: int('renewedAtMs'),
    released: need('released', item.released?.BOOL),
  };
}
