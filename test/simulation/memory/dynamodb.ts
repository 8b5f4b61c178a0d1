/**
 * A DynamoDB in memory for the deterministic simulation: fast, on a clock that is given, and no kinder than the service.
 * What lib/aws sends is there; anything else is refused with MEMORY_DYNAMODB_UNKNOWN. The contract suite
 * (test/unit/simulation/dynamodb-contract.test.ts) asks it and the real engine the same questions.
 *
 *     const dynamodb = new MemoryDynamoDb({ tables: stageTables('evenkeel-sim'), nowMs: () => world.nowMs });
 *     const client = dynamodb.client('keeper-1', async (operation, tables, effect) => {
 *       await world.latency();
 *       if (world.chance(0.01)) throw throttled();
 *       const answer = effect();
 *       if (world.chance(0.01)) throw connectionLost(); // done, and the caller does not know
 *       return answer;
 *     });
 *     const book = new BookTable({ client, bookTable: 'evenkeel-sim-book', auditTable: 'evenkeel-sim-audit' });
 *     dynamodb.onCommit(({ by, changes }) => changes.forEach(({ table, pk, sk, before, after }) => …after?.value));
 *     for (const { value } of dynamodb.items('evenkeel-sim-book')) …
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Around, MemoryClient, type Operation, operations } from './dynamodb-client.ts';
import { tableNotFound, validation } from './dynamodb-errors.ts';
import type { MemoryItem } from './memory-item.ts';
import { MemoryTable } from './memory-table.ts';
import type { Store, Write } from './store.ts';
import type { TableSchema } from './table-schema.ts';
import { MemoryTransactionTokens } from './transaction-tokens.ts';

export interface MemoryDynamoDbOptions {
  readonly tables?: Readonly<Record<string, TableSchema>>;
  /** The clock of tokens and of stale reads, in milliseconds. */
  readonly nowMs: () => number;
  /** Whether an eventually consistent read misses the last change of what it reads. Never by default. */
  readonly staleness?: () => boolean;
  /** So long may a change be missed. */
  readonly staleMs?: number;
}

/** One request that changed something: a transaction's changes come together. */
export interface Commit {
  /** The name that the client was made with. */
  readonly by: string;
  readonly atMs: number;
  readonly changes: readonly Change[];
}

export interface Change {
  readonly table: string;
  readonly pk: string;
  readonly sk: string;
  readonly before: MemoryItem | undefined;
  readonly after: MemoryItem | undefined;
}

export class MemoryDynamoDb {
  readonly #store: MemoryStore;
  #tokens = 0;

  constructor(options: MemoryDynamoDbOptions) {
    this.#store = new MemoryStore(options);
    for (const [name, schema] of Object.entries(options.tables ?? {})) this.#store.createTable(name, schema);
  }

  /** A client of its own for each caller: `by` names it in commits, `around` stands between it and the store. */
  client(by = 'caller', around?: Around): DynamoDBClient {
    return new MemoryClient(this, by, around) as unknown as DynamoDBClient;
  }

  /** Does it at once. Throws what DynamoDB throws. */
  execute(operation: Operation, input: object, by: string): object {
    return operations[operation](this.#store, input as never, by);
  }

  /** For a transaction whose caller gave none. */
  newToken(): string {
    this.#tokens += 1;
    return `sdk-${this.#tokens}`;
  }

  /** Called right after each commit, within it; it must not send commands. */
  onCommit(listener: (commit: Commit) => void): void {
    this.#store.listeners.push(listener);
  }

  /** Every item of a table by partition and sort key; they are as they are, so nobody can change them. */
  *items(table: string): Generator<MemoryItem, void, undefined> {
    for (const { nodes } of this.#store.table(table).rows.partitions) {
      for (const { item } of nodes) if (item !== undefined) yield item;
    }
  }

  item(table: string, pk: string, sk: string): MemoryItem | undefined {
    return this.#store.table(table).get({ pk, sk });
  }

  /** All tables as they are now. */
  snapshot(): ReadonlyMap<string, readonly MemoryItem[]> {
    return new Map([...this.#store.tables.keys()].map((name) => [name, [...this.items(name)]]));
  }
}

class MemoryStore implements Store {
  readonly tables = new Map<string, MemoryTable>();
  readonly tokens: MemoryTransactionTokens;
  readonly listeners: ((commit: Commit) => void)[] = [];
  readonly nowMs: () => number;
  readonly isStale: () => boolean;
  readonly #staleMs: number;

  constructor({ nowMs, staleness, staleMs = 1_000 }: MemoryDynamoDbOptions) {
    this.nowMs = nowMs;
    this.isStale = staleness ?? (() => false);
    this.#staleMs = staleness === undefined ? 0 : staleMs;
    this.tokens = new MemoryTransactionTokens(nowMs);
  }

  table(name: string | undefined): MemoryTable {
    if (name === undefined)
      throw validation("Value null at 'tableName' failed to satisfy constraint: Member must not be null");
    const found = this.tables.get(name);
    if (found === undefined) throw tableNotFound();
    return found;
  }

  createTable(name: string, schema: TableSchema): void {
    this.tables.set(name, new MemoryTable(name, schema, this.#staleMs));
  }

  commit(writes: readonly Write[], by: string): void {
    const atMs = this.nowMs();
    const changes: Change[] = [];
    for (const { table, key, after } of writes) {
      const before = table.write(key, after, atMs);
      if (before === undefined && after === undefined) continue;
      changes.push({ table: table.name, pk: key.pk, sk: key.sk, before, after });
    }
    if (changes.length === 0) return;
    for (const listener of this.listeners) listener({ by, atMs, changes });
  }
}
