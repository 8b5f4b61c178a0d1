import { CreateTableCommand, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { type BookItem, stateOf } from '../../lib/domain/book/item.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { collect, type DynamoEngine } from './dynamo-engine.ts';

export interface BookTables {
  readonly bookTable: string;
  readonly auditTable: string;
  readonly book: BookTable;
  readonly audit: AuditTable;
  /** Another process's view: its own memory of the chains. */
  another(): BookTable;
  deleteRow(pk: string, sk: string): Promise<void>;
}

/** Book and audit tables on an engine, with the keys and the index that the stack gives them. */
export async function createBookTables(engine: DynamoEngine, prefix = 'test'): Promise<BookTables> {
  const { client } = engine;
  const bookTable = `${prefix}-book`;
  const auditTable = `${prefix}-audit`;
  await engine.createTable(bookTable);
  await client.send(
    new CreateTableCommand({
      TableName: auditTable,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', 'orderPk', 'orderSk'].map((name) => ({
        AttributeName: name,
        AttributeType: 'S',
      })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-order',
          KeySchema: [
            { AttributeName: 'orderPk', KeyType: 'HASH' },
            { AttributeName: 'orderSk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
  const another = (): BookTable => new BookTable({ client, bookTable, auditTable });
  const book = another();
  return {
    bookTable,
    auditTable,
    book,
    audit: new AuditTable({ client, auditTable, book }),
    another,
    async deleteRow(pk, sk) {
      await client.send(
        new DeleteItemCommand({ TableName: auditTable, Key: { pk: { S: pk }, sk: { S: sk } } }),
      );
    },
  };
}

/** What the book of an account says, as text: without versions, without the account's name, without chain heads. */
export async function stateText(book: BookReader, account: string): Promise<string> {
  const items = await collect(book.all(account));
  return stateTextOf(items);
}

export function stateTextOf(items: readonly BookItem[]): string {
  return items
    .filter(({ ref }) => ref.kind !== 'audit-head')
    .map((item) => canonicalJson({ ...stateOf({ ...item, account: '' }), ref: { ...item.ref } }))
    .sort()
    .join('\n');
}
