/** The book in DynamoDB: items with versions, changed only together with their audit row and the head of its chain. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  TransactGetItemsCommand,
  type TransactGetItemsCommandOutput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { readFence } from '../domain/audit/fence.ts';
import { type AuditRow, type ChainHead, headAfter, nextRow } from '../domain/audit/row.ts';
import type {
  Book,
  BookChange,
  BookItem,
  BookKind,
  BookRef,
  BookWrite,
  CommitResult,
} from '../ports/book.ts';
import { chainTools, digest } from './audit-hash.ts';
import { auditItem } from './audit-item.ts';
import { isConflict } from './book-conflict.ts';
import { BookError } from './book-error.ts';
import { accountPartition, bookRefOf, bookSort, bookSortPrefix, controlKey } from './keys.ts';
import { checkStorable, fromAttributes, toAttributes, UnstorableItemError } from './marshalling.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** DynamoDB takes 100 actions; some are kept for the audit row, the head and checks. */
const writesMax = 90;
const actionsMax = 100;
const sortKeyBytesMax = 1_024;
const clientTokenLength = 36;
const readAttemptsMax = 8;
const readPauseMs = 25;

export interface BookTableOptions {
  readonly client: DynamoDBClient;
  readonly bookTable: string;
  readonly auditTable: string;
  /** Where the leases are; needed for changes that are made under one. */
  readonly controlTable?: string | undefined;
}

/**
 * The book of every account. Several processes may write it: versions decide who was first. The heads of the chains
 * that this object has written are kept in memory, which saves a read; a head that has moved since shows as a conflict.
 */
export class BookTable implements Book {
  readonly #client: DynamoDBClient;
  readonly #bookTable: string;
  readonly #auditTable: string;
  readonly #controlTable: string | undefined;
  readonly #heads = new Map<string, ChainHead>();

  constructor({ client, bookTable, auditTable, controlTable }: BookTableOptions) {
    this.#client = client;
    this.#bookTable = bookTable;
    this.#auditTable = auditTable;
    this.#controlTable = controlTable;
  }

  async read(account: string, refs: readonly BookRef[]): Promise<readonly (BookItem | undefined)[]> {
    if (refs.length === 0) return [];
    const keys = refs.map((ref) => this.#key(account, ref));
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) {
      const { Item } = await this.#client.send(
        new GetItemCommand({ TableName: this.#bookTable, Key: only, ConsistentRead: true }),
      );
      return [Item && toItem(account, Item)];
    }
    const { Responses } = await this.#readTogether(keys);
    return keys.map((_, index) => {
      const item = Responses?.[index]?.Item;
      return item && toItem(account, item);
    });
  }

  list(account: string, kind: BookKind, prefix = ''): AsyncGenerator<BookItem, void, undefined> {
    return this.#query(account, bookSortPrefix(kind, prefix));
  }

  all(account: string): AsyncGenerator<BookItem, void, undefined> {
    return this.#query(account, '');
  }

  async commit(change: BookChange): Promise<CommitResult> {
    checkShape(change);
    checkStorable(`change by ${change.cause.name}`, {
      cause: { ...change.cause },
      orderKey: change.orderKey,
      bodies: Object.fromEntries(change.writes.map(({ ref, body }) => [bookSort(ref), body])),
    });
    const chain = `${change.account} ${change.writer}`;
    const head = this.#heads.get(chain) ?? (await this.#readHead(change));
    const row = nextRow(change, head, chainTools);
    const next = headAfter(row, head);
    const transaction = new TransactWriteItemsCommand({
      TransactItems: this.#actions(change, row, head),
      // Sent again by the SDK after a lost answer, the same row is the same transaction and not a conflict. Tokens are
      // those of the whole AWS account, so the table is in it.
      ClientRequestToken: digest([this.#bookTable, row.hash]).slice(0, clientTokenLength),
    });
    try {
      await this.#client.send(transaction);
    } catch (error) {
      // Whatever happened, what is known of the chain may be wrong now.
      this.#heads.delete(chain);
      if (isConflict(error)) return 'conflict';
      throw BookError.of(error, change);
    }
    this.#heads.set(chain, next);
    return 'committed';
  }

  /** A picture is refused while a transaction is at work on one of its items: milliseconds, so it is asked for again. */
  async #readTogether(
    keys: readonly Record<string, AttributeValue>[],
  ): Promise<TransactGetItemsCommandOutput> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#client.send(
          new TransactGetItemsCommand({
            TransactItems: keys.map((Key) => ({ Get: { TableName: this.#bookTable, Key } })),
          }),
        );
      } catch (error) {
        if (attempt === readAttemptsMax || !isConflict(error)) throw error;
        await sleep(Math.random() * readPauseMs * attempt);
      }
    }
  }

  #actions(change: BookChange, row: AuditRow, head: ChainHead | undefined): TransactWriteItem[] {
    const { account, writes, checks = [] } = change;
    return [
      ...writes.map((write) => this.#write(account, write)),
      this.#headWrite(row, head),
      ...checks.map(({ ref, expectedVersion }) => ({
        ConditionCheck: {
          TableName: this.#bookTable,
          Key: this.#key(account, ref),
          ...condition(expectedVersion),
        },
      })),
      ...this.#leaseCheck(change),
      {
        Put: {
          TableName: this.#auditTable,
          Item: auditItem(row),
          // A put could overwrite: the trail is only ever added to.
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      },
    ];
  }

  #leaseCheck({ account, lease }: BookChange): TransactWriteItem[] {
    if (lease === undefined) return [];
    if (this.#controlTable === undefined)
      throw new TypeError('a change under a lease needs the control table');
    return [
      {
        ConditionCheck: {
          TableName: this.#controlTable,
          Key: toAttributes(controlKey(account, 'lease')),
          ConditionExpression: '#token = :token AND released = :no',
          ExpressionAttributeNames: { '#token': 'token' },
          ExpressionAttributeValues: { ':token': { N: String(lease) }, ':no': { BOOL: false } },
        },
      },
    ];
  }

  #headWrite(row: AuditRow, head: ChainHead | undefined): TransactWriteItem {
    const ref = { kind: 'audit-head', id: row.writer } as const;
    const body = { ...headAfter(row, head) };
    const write = this.#write(row.account, { ref, expectedVersion: row.seq - 1, body });
    if (head === undefined || write.Put === undefined) return write;
    // A restore sets chains back: the head that is known here may have its number again, and be another.
    return {
      Put: {
        ...write.Put,
        ConditionExpression: `${write.Put.ConditionExpression} AND body.#hash = :hash`,
        ExpressionAttributeNames: { '#hash': 'hash' },
        ExpressionAttributeValues: {
          ...write.Put.ExpressionAttributeValues,
          ':hash': { S: head.hash },
        },
      },
    };
  }

  #write(account: string, { ref, expectedVersion, body }: BookWrite): TransactWriteItem {
    const target = { TableName: this.#bookTable, ...condition(expectedVersion) };
    const key = this.#key(account, ref);
    if (body === null) return { Delete: { ...target, Key: key } };
    const version = { N: String(expectedVersion + 1) };
    return { Put: { ...target, Item: { ...key, version, body: { M: toAttributes(body) } } } };
  }

  #key(account: string, ref: BookRef): Record<'pk' | 'sk', AttributeValue> {
    const sk = bookSort(ref);
    if (Buffer.byteLength(sk) > sortKeyBytesMax)
      throw new UnstorableItemError(`the key ${sk.slice(0, 60)}… is longer than ${sortKeyBytesMax} bytes`);
    return { pk: { S: accountPartition(account) }, sk: { S: sk } };
  }

  async #readHead(change: BookChange): Promise<ChainHead | undefined> {
    const { account, writer, cause } = change;
    const [head] = await this.read(account, [{ kind: 'audit-head', id: writer }]);
    const fence = readFence(head?.body);
    if (fence) {
      throw new BookError(
        'BOOK_RESTORING',
        `The change of account ${account} by ${cause.name} (${cause.id}) has to wait: since ${fence.startedAt} the book is being restored from ${fence.restoring}`,
      );
    }
    return head?.body as ChainHead | undefined;
  }

  async *#query(account: string, prefix: string): AsyncGenerator<BookItem, void, undefined> {
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#bookTable,
        ConsistentRead: true,
        KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: {
          ':pk': { S: accountPartition(account) },
          ...(prefix === '' ? {} : { ':prefix': { S: prefix } }),
        },
      },
    );
    for await (const page of pages) {
      for (const item of page.Items ?? []) yield toItem(account, item);
    }
  }
}

/** The book of this process's AWS account: region, credentials and endpoint come from the environment. */
export function openBookTable(tables: {
  bookTable: string;
  auditTable: string;
  controlTable?: string;
}): Book {
  return new BookTable({
    ...tables,
    client: unlogged(new DynamoDBClient({ requestHandler: requestPatience })),
  });
}

function toItem(account: string, item: Readonly<Record<string, AttributeValue>>): BookItem {
  const sk = item.sk?.S ?? '';
  const ref = bookRefOf(sk);
  const version = Number(item.version?.N);
  if (ref === undefined || item.body?.M === undefined || !Number.isSafeInteger(version)) {
    throw new BookError(
      'BOOK_ITEM_INVALID',
      `The item ${sk} of account ${account} is none that this project writes`,
    );
  }
  return { account, ref, version, body: fromAttributes(item.body.M) };
}

function condition(expectedVersion: number) {
  if (expectedVersion === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: 'version = :former',
    ExpressionAttributeValues: { ':former': { N: String(expectedVersion) } },
  };
}

function checkShape({ account, writes, checks = [] }: BookChange): void {
  const keys = [...writes, ...checks].map(({ ref }) => bookSort(ref));
  const fits = writes.length > 0 && writes.length <= writesMax && keys.length + 2 <= actionsMax;
  if (fits && new Set(keys).size === keys.length) return;
  throw new BookError(
    'BOOK_CHANGE_INVALID',
    `A change of account ${account} has ${writes.length} writes and ${checks.length} checks, or two on one item (${keys.slice(0, 5).join(', ')})`,
  );
}
