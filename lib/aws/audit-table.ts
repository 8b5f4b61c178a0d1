/** The audit trail in DynamoDB, to be read. Rows are written by the book alone, in the transaction of their change. */
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandOutput,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { readFence } from '../domain/audit/fence.ts';
import { type ChainHead, dayOf } from '../domain/audit/row.ts';
import type { AuditChain, AuditRow, AuditTrail } from '../ports/audit-trail.ts';
import type { BookItem, BookReader } from '../ports/book.ts';
import { auditRow } from './audit-item.ts';
import { auditByOrder, auditOrderPartition, auditPartition, auditSortPrefix } from './keys.ts';

const dayMs = 86_400_000;
/** Rows of one order that are fetched at the same time. */
const fetchMax = 10;

export interface AuditTableOptions {
  readonly client: DynamoDBClient;
  readonly auditTable: string;
  /** Where the heads of the chains are. */
  readonly book: Pick<BookReader, 'list' | 'read'>;
}

export class AuditTable implements AuditTrail {
  readonly #client: DynamoDBClient;
  readonly #auditTable: string;
  readonly #book: Pick<BookReader, 'list' | 'read'>;

  constructor({ client, auditTable, book }: AuditTableOptions) {
    this.#client = client;
    this.#auditTable = auditTable;
    this.#book = book;
  }

  async chains(account: string): Promise<readonly AuditChain[]> {
    const chains: AuditChain[] = [];
    for await (const item of this.#book.list(account, 'audit-head')) {
      const head = headOf(item);
      if (head) chains.push({ account, writer: item.ref.id, seq: head.seq, hash: head.hash });
    }
    return chains;
  }

  /** Day by day from the chain's first; the days that begin while this walks are walked too. */
  async *rows(account: string, writer: string, fromDay = ''): AsyncGenerator<AuditRow, void, undefined> {
    let head = await this.#head(account, writer);
    if (head === undefined) return;
    const first = fromDay > head.since ? fromDay : head.since;
    for (let day = first; ; day = dayAfter(day)) {
      if (day > dayOf(head.at)) head = (await this.#head(account, writer)) ?? head;
      if (day > dayOf(head.at)) return;
      const pages = paginateQuery(
        { client: this.#client },
        {
          TableName: this.#auditTable,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :writer)',
          ExpressionAttributeValues: {
            ':pk': { S: auditPartition(account, day) },
            ':writer': { S: auditSortPrefix(writer) },
          },
        },
      );
      for await (const page of pages) {
        for (const item of page.Items ?? []) yield auditRow(account, item);
      }
    }
  }

  async *rowsOfOrder(account: string, orderKey: string): AsyncGenerator<AuditRow, void, undefined> {
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#auditTable,
        IndexName: auditByOrder,
        KeyConditionExpression: 'orderPk = :pk',
        ExpressionAttributeValues: { ':pk': { S: auditOrderPartition(account, orderKey) } },
      },
    );
    for await (const page of pages) {
      const keys = page.Items ?? [];
      for (let from = 0; from < keys.length; from += fetchMax) {
        const answers = await Promise.all(keys.slice(from, from + fetchMax).map((key) => this.#get(key)));
        for (const { Item } of answers) if (Item) yield auditRow(account, Item);
      }
    }
  }

  #get({ pk, sk }: Readonly<Record<string, AttributeValue>>): Promise<GetItemCommandOutput> {
    const key: Record<string, AttributeValue> = { pk: pk ?? { S: '' }, sk: sk ?? { S: '' } };
    return this.#client.send(new GetItemCommand({ TableName: this.#auditTable, Key: key }));
  }

  async #head(account: string, writer: string): Promise<ChainHead | undefined> {
    const [item] = await this.#book.read(account, [{ kind: 'audit-head', id: writer }]);
    return headOf(item);
  }
}

/** While an account is restored its chains have no heads: a fence stands in their place. */
function headOf(item: BookItem | undefined): ChainHead | undefined {
  return readFence(item?.body) ? undefined : (item?.body as ChainHead | undefined);
}

function dayAfter(day: string): string {
  return dayOf(new Date(Date.parse(day) + dayMs).toISOString());
}
