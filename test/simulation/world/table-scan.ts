/** Whole tables of a run, in DynamoDB's own notation: what backups read. */
import type { ItemSpan } from '../../../lib/domain/backup/item-text.ts';
import type { StoredLine, StoredPage, TableScan } from '../../../lib/ports/table-scan.ts';
import type { MemoryDynamoDb } from '../memory/dynamodb.ts';

const pageItems = 50;

export class MemoryTableScan implements TableScan {
  readonly #tables: MemoryDynamoDb;

  constructor(tables: MemoryDynamoDb) {
    this.#tables = tables;
  }

  async *segment(
    table: string,
    segment: { readonly index: number; readonly of: number },
  ): AsyncGenerator<readonly StoredLine[], void, undefined> {
    for (const items of this.#pages(table, segment))
      yield items.map((item) => ({
        pk: item.pk?.S ?? '',
        sk: item.sk?.S ?? '',
        text: JSON.stringify({ Item: item }),
      }));
  }

  async *pages<Span extends ItemSpan>(
    table: string,
    segment: { readonly index: number; readonly of: number },
    read: (bytes: Uint8Array, start: number) => Span,
  ): AsyncGenerator<StoredPage<Span>, void, undefined> {
    for (const items of this.#pages(table, segment)) {
      const bytes = Buffer.from(JSON.stringify(items));
      const spans: Span[] = [];
      for (let at = 1; at < bytes.length - 1; at += 1) {
        const span = read(bytes, at);
        spans.push(span);
        at = span.end;
      }
      yield { bytes, items: spans };
    }
  }

  async *partitions(table: string): AsyncGenerator<string, void, undefined> {
    yield* new Set([...this.#tables.items(table)].map(({ attributes }) => attributes.pk?.S ?? ''));
  }

  /** The first segment has everything; the others are empty, as they may be. */
  *#pages(table: string, { index }: { readonly index: number }) {
    if (index > 0) return;
    const all = [...this.#tables.items(table)].map(({ attributes }) => attributes);
    for (let from = 0; from < all.length; from += pageItems) yield all.slice(from, from + pageItems);
  }
}
