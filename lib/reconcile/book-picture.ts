/**
 * The book of an account as the engine compares it. Its pages are read one after the other while others write; every
 * change that comes of it carries the versions that were read, so one that has moved meanwhile is refused.
 */
import type { BalanceBody, PositionBody } from '../domain/book/accounts.ts';
import type { FillBody } from '../domain/book/fills.ts';
import type { OrderBody } from '../domain/book/orders.ts';
import type { PointerBody } from '../domain/book/pointers.ts';
import { refText } from '../domain/book/seen.ts';
import type { Instrument } from '../domain/market/instrument.ts';
import { isDeleted } from '../domain/reconcile/plan-state.ts';
import type { BookPicture, Versioned } from '../domain/reconcile/types.ts';
import type { BookItem, BookReader } from '../ports/book.ts';
import type { DeletedVersions } from './judge.ts';

/** @param isFirstRun no run of the account has been COMPLETED yet: what is found is its initial state */
export async function readBookPicture(
  book: Pick<BookReader, 'all'>,
  account: string,
  isFirstRun: boolean,
): Promise<{ readonly picture: BookPicture; readonly deleted: DeletedVersions }> {
  const orders = new Map<string, Versioned<OrderBody>>();
  const fills = new Map<string, Versioned<FillBody>>();
  const positions = new Map<string, Versioned<PositionBody>>();
  const cash = new Map<string, Versioned<BalanceBody>>();
  const pointers = new Map<string, Versioned<PointerBody>>();
  const instruments = new Map<string, Instrument>();
  const deleted = new Map<string, number>();
  for await (const item of book.all(account)) {
    const { kind, id } = item.ref;
    if (isDeleted(item.body)) deleted.set(refText(item.ref), item.version);
    else if (kind === 'order') orders.set(id, versioned(item));
    else if (kind === 'fill') fills.set(id, versioned(item));
    else if (kind === 'position') positions.set(id, versioned(item));
    else if (kind === 'cash') cash.set(id, versioned(item));
    else if (kind === 'perm' || kind === 'ref' || kind === 'api')
      pointers.set(refText(item.ref), versioned(item));
    else if (kind === 'instrument') instruments.set(id, item.body as unknown as Instrument);
  }
  const picture = { orders, fills, positions, cash, pointers, instruments, isFirstRun };
  return { picture, deleted };
}

/** Only this project writes the items, each kind with its own body. */
function versioned<T>({ version, body }: BookItem): Versioned<T> {
  return { version, body: body as unknown as T };
}
