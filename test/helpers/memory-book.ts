import type { Book, BookChange, BookItem, BookKind, BookRef, CommitResult } from '../../lib/ports/book.ts';

/** The book in memory, for property tests of the rules: versions are checked as the table checks them. It knows no leases. */
export class MemoryBook implements Book {
  readonly items = new Map<string, BookItem>();
  readonly changes: BookChange[] = [];

  async read(account: string, refs: readonly BookRef[]): Promise<readonly (BookItem | undefined)[]> {
    return refs.map((ref) => this.items.get(keyOf(account, ref)));
  }

  async *list(account: string, kind: BookKind): AsyncGenerator<BookItem, void, undefined> {
    for await (const item of this.all(account)) if (item.ref.kind === kind) yield item;
  }

  async *all(account: string): AsyncGenerator<BookItem, void, undefined> {
    for (const item of this.items.values()) if (item.account === account) yield item;
  }

  async commit(change: BookChange): Promise<CommitResult> {
    const { account, writes, checks = [] } = change;
    const isCurrent = [...writes, ...checks].every(
      ({ ref, expectedVersion }) => (this.items.get(keyOf(account, ref))?.version ?? 0) === expectedVersion,
    );
    if (!isCurrent) return 'conflict';
    for (const { ref, expectedVersion, body } of writes) {
      // As a table does it: what comes back is a copy.
      const stored = JSON.parse(JSON.stringify(body)) as BookItem['body'] | null;
      if (stored === null) this.items.delete(keyOf(account, ref));
      else this.items.set(keyOf(account, ref), { account, ref, version: expectedVersion + 1, body: stored });
    }
    this.changes.push(change);
    return 'committed';
  }
}

function keyOf(account: string, { kind, id }: BookRef): string {
  return `${account} ${kind} ${id}`;
}
