/**
 * The rows that were written while a book was read, folded: what each item that they touch is after the last of them.
 * The book as it was before is not known: the rows themselves say what they were made on. Pure.
 */
import type { AuditImage, AuditRow } from '../audit/row.ts';
import { rowsInOrder } from '../audit/row-order.ts';

/** Items by their sort key; null where the last row deleted it. */
export type Tail = ReadonlyMap<string, AuditImage | null>;

/**
 * @param chains the rows of each chain, in order of their seq, from one consistent moment to another
 * @param versionBefore the version of an item at the first of those moments, 0 for none; needed only for an item that
 * ends at the version at which it began
 * @throws AuditFoldError where no order of the rows fits
 */
export function foldTail(
  chains: Iterable<readonly AuditRow[]>,
  versionBefore?: (item: string) => number,
): Tail {
  const tail = new Map<string, AuditImage | null>();
  for (const row of rowsInOrder([...chains], versionBefore)) {
    for (const { item, image } of row.changes) tail.set(item, image);
  }
  return tail;
}
