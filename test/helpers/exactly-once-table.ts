/** The book's table in memory, with what `lib/aws/book-table.ts` asks of DynamoDB: versions, checks, the lease, the chain's head. */
import { chainTools } from '../../lib/aws/audit-hash.ts';
import { bookSort } from '../../lib/aws/keys.ts';
import { type AuditRow, type ChainHead, headAfter, nextRow } from '../../lib/domain/audit/row.ts';
import type { ChainSource } from '../../lib/domain/audit/verify.ts';
import type { BookChange, BookItem, BookRef, CommitResult } from '../../lib/ports/book.ts';
import type { Lease } from '../../lib/ports/lease-store.ts';

export class Table implements ChainSource {
  readonly items = new Map<string, BookItem>();
  readonly trail: AuditRow[] = [];
  lease: Lease | undefined;
  /** Called with each change in the moment in which it takes effect, before it does. */
  readonly #watch: (change: BookChange, table: Table) => void;

  constructor(watch: (change: BookChange, table: Table) => void) {
    this.#watch = watch;
  }

  get(ref: BookRef): BookItem | undefined {
    return this.items.get(bookSort(ref));
  }

  head(writer: string): ChainHead | undefined {
    return this.get({ kind: 'audit-head', id: writer })?.body as ChainHead | undefined;
  }

  /** @param head of the change's chain, as its writer knew it when it began */
  write(change: BookChange, head: ChainHead | undefined): CommitResult {
    const { account, writes, checks = [], lease, writer } = change;
    const isAsRead = [...writes, ...checks].every(
      ({ ref, expectedVersion }) => (this.get(ref)?.version ?? 0) === expectedVersion,
    );
    const isHeld = lease === undefined || (this.lease?.token === lease && this.lease.released === false);
    if (!isAsRead || !isHeld || this.head(writer)?.hash !== head?.hash) return 'conflict';
    this.#watch(change, this);
    const row = nextRow(change, head, chainTools);
    this.trail.push(JSON.parse(JSON.stringify(row)) as AuditRow);
    const next = { ref: { kind: 'audit-head', id: writer } as const, expectedVersion: row.seq - 1 };
    for (const { ref, expectedVersion, body } of [
      ...writes,
      { ...next, body: { ...headAfter(row, head) } },
    ]) {
      const key = bookSort(ref);
      if (body === null) this.items.delete(key);
      else
        this.items.set(key, {
          account,
          ref,
          version: expectedVersion + 1,
          body: JSON.parse(JSON.stringify(body)) as BookItem['body'],
        });
    }
    return 'committed';
  }

  async chains(account: string) {
    return [...this.items.values()].flatMap(({ ref, body }) => {
      if (ref.kind !== 'audit-head') return [];
      const { seq, hash } = body as unknown as ChainHead;
      return [{ account, writer: ref.id, seq, hash }];
    });
  }

  async *rows(_account: string, writer: string): AsyncGenerator<AuditRow, void, undefined> {
    for (const row of this.trail) if (row.writer === writer) yield row;
  }

  takeLease(expected: Lease | undefined, next: Lease): boolean {
    const { lease } = this;
    if (lease?.token !== expected?.token || lease?.version !== expected?.version) return false;
    this.lease = next;
    return true;
  }
}
