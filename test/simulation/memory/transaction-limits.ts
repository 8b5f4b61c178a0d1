/** What a transaction may be: at most 100 actions on as many items, 4 MB in all. */
import { validation } from './dynamodb-errors.ts';
import type { MemoryTable } from './memory-table.ts';
import type { ItemKey } from './table-keys.ts';

const actionsMax = 100;
const bytesMax = 4 * 1024 * 1024;

export function checkActions(actions: number): void {
  if (actions < 1 || actions > actionsMax)
    throw validation(
      `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${actions < 1 ? 'greater than or equal to 1' : `less than or equal to ${actionsMax}`}`,
    );
}

export function checkDistinct(
  actions: readonly { readonly table: MemoryTable; readonly key: ItemKey }[],
): void {
  const seen = new Set<string>();
  for (const { table, key } of actions) seen.add(`${table.name}\0${key.pk}\0${key.sk}`);
  if (seen.size < actions.length)
    throw validation('Transaction request cannot include multiple operations on one item');
}

export function checkTransactionBytes(bytes: number): void {
  if (bytes > bytesMax)
    throw validation(
      'Collection size of items exceeded, which can also be caused by the aggregate size of the items in the transaction exceeding the 4MB limit',
    );
}
