/** What the operations of DynamoDB work on. */
import type { MemoryItem } from './memory-item.ts';
import type { MemoryTable } from './memory-table.ts';
import type { ItemKey } from './table-keys.ts';
import type { TableSchema } from './table-schema.ts';

export interface Store {
  readonly tables: Map<string, MemoryTable>;
  nowMs(): number;
  /** Whether an eventually consistent read comes too early to see what was changed last. */
  isStale(): boolean;
  /** @throws ResourceNotFoundException */
  table(name: string | undefined): MemoryTable;
  createTable(name: string, schema: TableSchema): void;
  /** All of them at once. They have been checked: nothing is refused any more. */
  commit(writes: readonly Write[], by: string): void;
  /** Tokens of transactions of the last ten minutes. */
  readonly tokens: TransactionTokens;
}

export interface Write {
  readonly table: MemoryTable;
  readonly key: ItemKey;
  /** Undefined deletes it. */
  readonly after: MemoryItem | undefined;
}

export interface TransactionTokens {
  /** Whether a transaction of this token is done. Throws IdempotentParameterMismatchException when it was another. */
  isDone(token: string, actions: unknown): boolean;
  done(token: string, actions: unknown): void;
}

/** DynamoDB's answers say nothing here that an adapter reads. */
export const answered = Object.freeze({
  httpStatusCode: 200,
  requestId: 'in-memory',
  attempts: 1,
  totalRetryDelay: 0,
});
