/** Tables that a restore drill makes and removes. */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  type DynamoDBClient,
  paginateListTables,
  ResourceNotFoundException,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import type { ScratchTables } from '../ports/table-load.ts';
import { auditByOrder } from './keys.ts';

const waitSecondsMax = 300;

export interface DynamoScratchTablesOptions {
  readonly client: DynamoDBClient;
  /** `evenkeel-<stage>-drill-` */
  readonly prefix: string;
  /** Between two looks at whether a table is there, or gone. */
  readonly pollSeconds?: number;
}

/** A table was to be made or removed that is none of a drill. */
export class NotAScratchTableError extends Error {
  override readonly name = 'NotAScratchTableError';
  readonly code = 'DRILL_TABLE_REFUSED';

  constructor(name: string, prefix: string) {
    super(
      `DRILL_TABLE_REFUSED: ${name} is no table of a drill: their names begin with ${prefix}; nothing was done. ` +
        'This is a mistake in the calling code, or the drill is configured for another stage.',
    );
  }
}

export class DynamoScratchTables implements ScratchTables {
  readonly #client: DynamoDBClient;
  readonly #prefix: string;
  readonly #wait: { readonly minDelay: number; readonly maxDelay: number; readonly maxWaitTime: number };

  constructor({ client, prefix, pollSeconds = 2 }: DynamoScratchTablesOptions) {
    // Without a prefix every table of the AWS account would be one of a drill.
    if (!/^evenkeel-[a-z]+-drill-$/.test(prefix))
      throw new NotAScratchTableError(prefix, 'evenkeel-<stage>-drill-');
    this.#client = client;
    this.#prefix = prefix;
    this.#wait = { minDelay: pollSeconds, maxDelay: pollSeconds, maxWaitTime: waitSecondsMax };
  }

  async create(name: string, shape: 'book' | 'audit'): Promise<void> {
    this.#check(name);
    await this.#client.send(new CreateTableCommand(tableOf(name, shape)));
    await waitUntilTableExists({ client: this.#client, ...this.#wait }, { TableName: name });
  }

  async remove(name: string): Promise<void> {
    this.#check(name);
    try {
      await this.#client.send(new DeleteTableCommand({ TableName: name }));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return;
      throw error;
    }
    await waitUntilTableNotExists({ client: this.#client, ...this.#wait }, { TableName: name });
  }

  async list(): Promise<readonly string[]> {
    const names: string[] = [];
    // Names come in order, and what begins with the prefix comes right after it.
    const pages = paginateListTables({ client: this.#client }, { ExclusiveStartTableName: this.#prefix });
    for await (const { TableNames = [] } of pages) {
      const ours = TableNames.filter((name) => name.startsWith(this.#prefix));
      names.push(...ours);
      if (ours.length < TableNames.length) break;
    }
    return names;
  }

  #check(name: string): void {
    if (!name.startsWith(this.#prefix)) throw new NotAScratchTableError(name, this.#prefix);
  }
}

function tableOf(TableName: string, shape: 'book' | 'audit'): CreateTableCommandInput {
  const withIndex = shape === 'audit';
  const attributes = withIndex ? ['pk', 'sk', 'orderPk', 'orderSk'] : ['pk', 'sk'];
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keys('pk', 'sk'),
    ...(withIndex
      ? {
          GlobalSecondaryIndexes: [
            {
              IndexName: auditByOrder,
              KeySchema: keys('orderPk', 'orderSk'),
              Projection: { ProjectionType: 'KEYS_ONLY' },
            },
          ],
        }
      : {}),
  };
}

function keys(hash: string, range: string): CreateTableCommandInput['KeySchema'] {
  return [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ];
}
