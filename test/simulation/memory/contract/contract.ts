/** What a store of DynamoDB is asked, and what it has to answer: for the one in memory and for a real engine. */
import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from '../attribute-values.ts';
import { type KeyNames, stageTables, type TableSchema } from '../table-schema.ts';

export const tables = stageTables('contract');
export const book = 'contract-book';
export const audit = 'contract-audit';
export const candles = 'contract-candles';

/** A command of the SDK, whichever. */
export interface Command {
  readonly input: object;
}

/** An answer without what no adapter reads, or the error. */
export type Outcome =
  | { readonly output: object }
  | {
      readonly error: string;
      /** Codes of a cancelled transaction, with the item where it came with one. */
      readonly reasons?: readonly (string | readonly [code: string, item: Attributes])[];
      readonly item?: Attributes;
    };

export interface Step {
  readonly send: Command;
  readonly gives: Outcome;
  /** Part of the error's message that an adapter goes by. */
  readonly saying?: RegExp;
  /** What dynoxide 1.2.1 gives where it is not as DynamoDB documents it. */
  readonly dynoxide?: Outcome;
}

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

export async function outcomeOf(
  client: DynamoDBClient,
  command: Command,
): Promise<{ outcome: Outcome; message: string }> {
  try {
    // The overloads of `send` are one for each command.
    const { $metadata: _none, ...output } = (await client.send(command as never)) as object & {
      readonly $metadata?: unknown;
    };
    return { outcome: { output: withoutDetails(output) }, message: '' };
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    return { outcome: errorOf(error), message: error.message };
  }
}

/** Without what no adapter reads: of a table all but its name and state, and how many items were looked at. */
function withoutDetails({ ScannedCount: _none, ...output }: { readonly ScannedCount?: unknown }): object {
  return Object.fromEntries(
    Object.entries(output as { readonly [name: string]: unknown }).map(([name, value]) => {
      if (name !== 'Table' && name !== 'TableDescription') return [name, value];
      const { TableName, TableStatus } = value as {
        readonly TableName?: string;
        readonly TableStatus?: string;
      };
      return [name, { TableName, TableStatus }];
    }),
  );
}

/** What makes a table of a real engine one of this schema. */
export function createCommand(TableName: string, { key: keys, indexes }: TableSchema): CreateTableCommand {
  const names = [keys, ...indexes].flatMap(({ partition, sort }) => [partition, sort]);
  const keySchema = ({ partition, sort }: KeyNames) => [
    { AttributeName: partition, KeyType: 'HASH' as const },
    { AttributeName: sort, KeyType: 'RANGE' as const },
  ];
  return new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keySchema(keys),
    ...(indexes.length === 0
      ? {}
      : {
          GlobalSecondaryIndexes: indexes.map((index) => ({
            IndexName: index.name,
            KeySchema: keySchema(index),
            Projection: { ProjectionType: index.projection },
          })),
        }),
  });
}

function errorOf(error: DynamoDBServiceException): Outcome {
  if (error instanceof TransactionCanceledException) {
    const reasons = (error.CancellationReasons ?? []).map(({ Code = '', Item }) =>
      Item === undefined ? Code : ([Code, Item] as const),
    );
    return { error: error.name, reasons };
  }
  if (error instanceof ConditionalCheckFailedException && error.Item !== undefined)
    return { error: error.name, item: error.Item };
  return { error: error.name };
}

export const S = (text: string) => ({ S: text });
export const N = (text: string | number) => ({ N: String(text) });
export const key = (pk: string, sk: string) => ({ pk: S(pk), sk: S(sk) });

export const done: Outcome = { output: {} };
export const refused: Outcome = { error: 'ValidationException' };
export const unmet: Outcome = { error: 'ConditionalCheckFailedException' };
export const cancelled = (...reasons: (string | readonly [string, Attributes])[]): Outcome => ({
  error: 'TransactionCanceledException',
  reasons,
});
export const item = (attributes: Attributes): Outcome => ({ output: { Item: attributes } });
export const page = (items: readonly Attributes[], last?: Attributes): Outcome => ({
  output: {
    Items: items,
    Count: items.length,
    ...(last === undefined ? {} : { LastEvaluatedKey: last }),
  },
});
