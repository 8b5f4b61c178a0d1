/**
 * What a restore leaves as it stands in a book in use: nothing that holds orders back may become laxer by it, nothing
 * may leave twice, and no loss be forgotten. Pure.
 */
import type { BookBody, BookItem, BookKind } from '../book/item.ts';
import { readDesk } from '../orders/desk-record.ts';

/**
 * Neither compared nor written as items. The heads of chains are the trail's own; flags and lock are set by the restore
 * itself; a plan that was taken back could be carried out twice, and with the plans goes the state of the runs, which
 * names the one that stands.
 */
const leftOut: ReadonlySet<BookKind> = new Set(['audit-head', 'flags', 'lock', 'plan', 'run']);

export function isLeftOut(kind: BookKind): boolean {
  return leftOut.has(kind);
}

/**
 * Whether an item of the book stays, whatever the backup says. An intent that was taken back could let an order be sent
 * twice; a trading state could end a halt, or begin one; the desk's record could give losses back, order ids twice, and
 * the rate of orders anew. The program never takes these away, so one that only the backup has was lost: it comes back.
 *
 * @param isInBackup whether the backup has the item too
 */
export function stays({ ref, body }: Pick<BookItem, 'ref' | 'body'>, isInBackup: boolean): boolean {
  if (ref.kind === 'intent' || ref.kind === 'trading') return true;
  // A record that nobody can read stops every order until the backup's is there.
  return ref.kind === 'desk' && (isReadable(body) || !isInBackup);
}

function isReadable(body: BookBody): boolean {
  try {
    readDesk(body);
    return true;
  } catch {
    return false;
  }
}
