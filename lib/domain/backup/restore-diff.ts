/** What a book has to become what a backup has, item by item, and the transactions that do it. Pure. */
import type { BookBody, BookWrite } from '../book/item.ts';

export interface ItemDifference {
  /** Sort key of the item in the book. */
  readonly item: string;
  readonly does: 'add' | 'change' | 'remove';
  /** Of the item in the book; 0 where there is none. */
  readonly bookVersion: number;
}

/** Compares by digests of the bodies, so that two books of any size fit. */
export class BookDiff {
  /** Items of the backup that were not seen in the book yet. */
  readonly #left: Map<string, string>;
  readonly #found: ItemDifference[] = [];

  /** @param backup digests of the bodies by sort key */
  constructor(backup: ReadonlyMap<string, string>) {
    this.#left = new Map(backup);
  }

  /** An item of the book; each comes once. */
  see(item: string, version: number, digest: string): void {
    const wanted = this.#left.get(item);
    this.#left.delete(item);
    if (wanted === digest) return;
    this.#found.push({ item, does: wanted === undefined ? 'remove' : 'change', bookVersion: version });
  }

  /** An item of the book that stays, whatever the backup says. */
  keep(item: string): void {
    this.#left.delete(item);
  }

  /** In order of their keys. */
  differences(): ItemDifference[] {
    const added = [...this.#left.keys()].map((item) => ({ item, does: 'add', bookVersion: 0 }) as const);
    return [...this.#found, ...added].sort((a, b) => (a.item < b.item ? -1 : 1));
  }
}

export interface DifferenceCount {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
}

export function countDifferences(differences: readonly ItemDifference[]): DifferenceCount {
  const count = { add: 0, change: 0, remove: 0 };
  for (const { does } of differences) count[does] += 1;
  return count;
}

/** What the book should say of one item; null where it should have none. */
export interface WantedItem {
  readonly write: BookWrite;
  /** Of its body as text. */
  readonly bytes: number;
}

/** A transaction takes 100 actions; its audit row has all of its bodies, and an item at most 400 KB. */
const writesMax = 90;
const bytesMax = 200_000;

/** The writes of an in-place restore, in transactions. A body that is too large for company goes alone. */
export function* transactionsOf(
  wanted: Iterable<WantedItem>,
): Generator<readonly BookWrite[], void, undefined> {
  let writes: BookWrite[] = [];
  let bytes = 0;
  for (const { write, bytes: more } of wanted) {
    if (writes.length === writesMax || (writes.length > 0 && bytes + more > bytesMax)) {
      yield writes;
      writes = [];
      bytes = 0;
    }
    writes.push(write);
    bytes += more;
  }
  if (writes.length > 0) yield writes;
}

/** The write that brings an item to this body. */
export function writeOf(ref: BookWrite['ref'], expectedVersion: number, body: BookBody | null): BookWrite {
  return { ref, expectedVersion, body };
}
