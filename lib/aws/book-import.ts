/** The fence around a book that is being restored, and the transaction that takes it away. */
import {
  type AttributeValue,
  type DynamoDBClient,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { fenceBody, fenceVersion, type RestoreFence, readFence } from '../domain/audit/fence.ts';
import { type ChainHead, headAfter, nextRow } from '../domain/audit/row.ts';
import type { ChainSource } from '../domain/audit/verify.ts';
import type { BookItem, BookReader, BookRef } from '../ports/book.ts';
import type { BookImport, FenceEnd, OpenedFence } from '../ports/book-import.ts';
import { chainTools } from './audit-hash.ts';
import { auditItem } from './audit-item.ts';
import { AuditTable } from './audit-table.ts';
import { isConflict } from './book-conflict.ts';
import { accountPartition, bookSort } from './keys.ts';
import { toAttributes } from './marshalling.ts';

export interface BookImportTableOptions {
  readonly client: DynamoDBClient;
  readonly bookTable: string;
  readonly auditTable: string;
  readonly book: BookReader;
}

export class BookImportTable implements BookImport {
  readonly #client: DynamoDBClient;
  readonly #bookTable: string;
  readonly #auditTable: string;
  readonly #book: BookReader;

  constructor({ client, bookTable, auditTable, book }: BookImportTableOptions) {
    this.#client = client;
    this.#bookTable = bookTable;
    this.#auditTable = auditTable;
    this.#book = book;
  }

  async fence(account: string): Promise<OpenedFence | undefined> {
    let fence: RestoreFence | undefined;
    const writers: string[] = [];
    for await (const { ref, body } of this.#book.list(account, 'audit-head')) {
      const found = readFence(body);
      if (found === undefined) continue;
      fence = found;
      writers.push(ref.id);
    }
    return fence && { fence, writers };
  }

  raise(account: string, writers: readonly string[], fence: RestoreFence): Promise<'raised' | 'conflict'> {
    const version = { N: String(fenceVersion) };
    const body = { M: toAttributes(fenceBody(fence)) };
    const actions = writers.map(
      (writer): TransactWriteItem => ({
        Put: {
          TableName: this.#bookTable,
          Item: { ...headKey(account, writer), version, body },
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      }),
    );
    return this.#transact(actions, 'raised');
  }

  async lift(account: string, { fence, writers }: OpenedFence): Promise<void> {
    await this.#transact(
      writers.map((writer) => this.#open(account, writer, fence, undefined)),
      'lifted',
    );
  }

  async finish({ account, fence, writers, heads, change }: FenceEnd): Promise<'committed' | 'conflict'> {
    const before = heads.get(change.writer);
    const row = nextRow(change, before, chainTools);
    const after = new Map(heads).set(change.writer, headAfter(row, before));
    const actions: TransactWriteItem[] = [
      ...writers.map((writer) => this.#open(account, writer, fence, after.get(writer))),
      ...change.writes.map(({ ref, expectedVersion, body }): TransactWriteItem => {
        if (body === null) throw new TypeError('the row of a restore deletes nothing');
        const version = { N: String(expectedVersion + 1) };
        return {
          Put: {
            TableName: this.#bookTable,
            Item: { ...keyOf(account, ref), version, body: { M: toAttributes(body) } },
            ...(expectedVersion === 0
              ? { ConditionExpression: 'attribute_not_exists(pk)' }
              : {
                  ConditionExpression: 'version = :former',
                  ExpressionAttributeValues: { ':former': { N: String(expectedVersion) } },
                }),
          },
        };
      }),
      {
        Put: {
          TableName: this.#auditTable,
          Item: auditItem(row),
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      },
    ];
    return this.#transact(actions, 'committed');
  }

  trail(account: string, heads: ReadonlyMap<string, ChainHead>): ChainSource {
    return new AuditTable({
      client: this.#client,
      auditTable: this.#auditTable,
      book: new HeadsInHand(account, heads),
    });
  }

  /** The head in place of the fence, or nothing where the chain has no row. */
  #open(
    account: string,
    writer: string,
    { restoring, manifestHash }: RestoreFence,
    head: ChainHead | undefined,
  ): TransactWriteItem {
    const target = {
      TableName: this.#bookTable,
      ConditionExpression: 'version = :fence AND body.restoring = :backup AND body.manifestHash = :manifest',
      ExpressionAttributeValues: {
        ':fence': { N: String(fenceVersion) },
        ':backup': { S: restoring },
        ':manifest': { S: manifestHash },
      },
    };
    const key = headKey(account, writer);
    if (head === undefined) return { Delete: { ...target, Key: key } };
    const item = { ...key, version: { N: String(head.seq) }, body: { M: toAttributes({ ...head }) } };
    return { Put: { ...target, Item: item } };
  }

  async #transact<T>(TransactItems: TransactWriteItem[], done: T): Promise<T | 'conflict'> {
    try {
      // The SDK gives each its own token, so that one which is sent again after a lost answer is no conflict.
      await this.#client.send(new TransactWriteItemsCommand({ TransactItems }));
      return done;
    } catch (error) {
      if (isConflict(error)) return 'conflict';
      throw error;
    }
  }
}

/** Heads that are known, and not in the book yet. */
class HeadsInHand implements Pick<BookReader, 'list' | 'read'> {
  readonly #items: ReadonlyMap<string, BookItem>;

  constructor(account: string, heads: ReadonlyMap<string, ChainHead>) {
    this.#items = new Map(
      [...heads].map(([id, head]) => {
        const ref: BookRef = { kind: 'audit-head', id };
        return [id, { account, ref, version: head.seq, body: { ...head } }];
      }),
    );
  }

  async read(_account: string, refs: readonly BookRef[]): Promise<readonly (BookItem | undefined)[]> {
    return refs.map(({ kind, id }) => (kind === 'audit-head' ? this.#items.get(id) : undefined));
  }

  async *list(): AsyncGenerator<BookItem, void, undefined> {
    yield* this.#items.values();
  }
}

function headKey(account: string, writer: string): Record<'pk' | 'sk', AttributeValue> {
  return keyOf(account, { kind: 'audit-head', id: writer });
}

function keyOf(account: string, ref: BookRef): Record<'pk' | 'sk', AttributeValue> {
  return { pk: { S: accountPartition(account) }, sk: { S: bookSort(ref) } };
}
