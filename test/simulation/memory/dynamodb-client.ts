/** A client of one caller: it takes the SDK's commands, and is one of its clients to the SDK's paginators. */
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { MemoryDynamoDbError } from './dynamodb-errors.ts';
import { wireClient } from './dynamodb-wire.ts';
import { getItem, transactGetItems } from './item-reads.ts';
import { batchWriteItem, deleteItem, putItem, updateItem } from './item-writes.ts';
import { query, scan } from './range-reads.ts';
import type { Store } from './store.ts';
import { createTable, deleteTable, describeTable, listTables } from './table-operations.ts';
import { transactWriteItems } from './transaction-writes.ts';

export const operations = {
  GetItem: getItem,
  TransactGetItems: transactGetItems,
  PutItem: putItem,
  UpdateItem: updateItem,
  DeleteItem: deleteItem,
  TransactWriteItems: transactWriteItems,
  BatchWriteItem: batchWriteItem,
  Query: query,
  Scan: scan,
  CreateTable: createTable,
  DescribeTable: describeTable,
  DeleteTable: deleteTable,
  ListTables: listTables,
} as const satisfies Record<string, (store: Store, input: never, by: string) => object>;

export type Operation = keyof typeof operations;

const operationOf = new Map<unknown, Operation>([
  [GetItemCommand, 'GetItem'],
  [TransactGetItemsCommand, 'TransactGetItems'],
  [PutItemCommand, 'PutItem'],
  [UpdateItemCommand, 'UpdateItem'],
  [DeleteItemCommand, 'DeleteItem'],
  [TransactWriteItemsCommand, 'TransactWriteItems'],
  [BatchWriteItemCommand, 'BatchWriteItem'],
  [QueryCommand, 'Query'],
  [ScanCommand, 'Scan'],
  [CreateTableCommand, 'CreateTable'],
  [DescribeTableCommand, 'DescribeTable'],
  [DeleteTableCommand, 'DeleteTable'],
  [ListTablesCommand, 'ListTables'],
]);

/** More about a request, for those who want to know. */
export interface Request {
  readonly by: string;
  readonly input: object;
  /** Of the caller's patience, where it gave one. */
  readonly abortSignal: AbortSignal | undefined;
}

/**
 * Stands between a caller and the store. `effect` does what was asked and gives the answer, or throws what DynamoDB
 * throws; called again it is the same request once more, as when the SDK tries again: a transaction has its token.
 */
export type Around = (
  operation: Operation,
  tables: readonly string[],
  effect: () => object,
  request: Request,
) => Promise<object>;

/** A command of the SDK, as far as it is looked at here. */
interface Sent {
  readonly input: object;
  readonly middlewareStack: { identify(): readonly string[] };
}

interface Executor {
  execute(operation: Operation, input: object, by: string): object;
  newToken(): string;
}

export class MemoryClient {
  readonly #executor: Executor;
  readonly #by: string;
  readonly #around: Around | undefined;
  #wire: DynamoDBClient | undefined;

  constructor(executor: Executor, by: string, around: Around | undefined) {
    this.#executor = executor;
    this.#by = by;
    this.#around = around;
  }

  async send(command: Sent, options?: { readonly abortSignal?: AbortSignal }): Promise<object> {
    const operation = operationOf.get(command.constructor);
    if (operation === undefined) throw new MemoryDynamoDbError(`the command ${command.constructor.name}`);
    if (command.middlewareStack.identify().length > 0) {
      // The adapter works on the bytes of the request or of the answer, so there have to be some.
      this.#wire ??= wireClient((name, input) => this.#request(name as Operation, input, undefined));
      return this.#wire.send(command as never);
    }
    return this.#request(operation, command.input, options?.abortSignal);
  }

  async #request(operation: Operation, asked: object, abortSignal: AbortSignal | undefined): Promise<object> {
    if (!Object.hasOwn(operations, operation)) throw new MemoryDynamoDbError(`the operation ${operation}`);
    const input = withToken(operation, asked, this.#executor);
    const effect = () => this.#executor.execute(operation, input, this.#by);
    if (this.#around === undefined) return effect();
    return this.#around(operation, tablesOf(input), effect, { by: this.#by, input, abortSignal });
  }

  destroy(): void {
    this.#wire?.destroy();
  }
}
// Paginators ask whether they have a client of the SDK. One of its own would cost a millisecond and a stack of middleware.
Object.setPrototypeOf(MemoryClient.prototype, DynamoDBClient.prototype);

/** The SDK gives a transaction a token when the caller does not, so that its own retries are the same transaction. */
function withToken(operation: Operation, input: object, executor: Executor): object {
  if (operation !== 'TransactWriteItems') return input;
  if ((input as { ClientRequestToken?: string }).ClientRequestToken !== undefined) return input;
  return { ...input, ClientRequestToken: executor.newToken() };
}

function tablesOf(input: object): readonly string[] {
  const { TableName, TransactItems, RequestItems } = input as {
    readonly TableName?: string;
    readonly TransactItems?: readonly Readonly<Record<string, { readonly TableName?: string } | undefined>>[];
    readonly RequestItems?: object;
  };
  if (TableName !== undefined) return [TableName];
  if (RequestItems !== undefined) return Object.keys(RequestItems);
  const all = (TransactItems ?? []).flatMap((action) =>
    Object.values(action).map((one) => one?.TableName ?? ''),
  );
  return [...new Set(all)];
}
