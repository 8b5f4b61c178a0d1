import type { PointerBody } from '../../lib/domain/book/pointers.ts';
import type { LegName } from '../../lib/domain/orders/order-wish.ts';
import type { BookRef } from '../../lib/ports/book.ts';
import { CliError } from './exit.ts';
import { readIntents } from './order-answer.ts';
import { isOpen, type OrderBody, type OrderRow, rowOf } from './order-rows.ts';
import type { Session } from './session.ts';
import { plain } from './view.ts';

/** An order of ours or of others, as a person names it. */
export interface Target {
  readonly row: OrderRow;
  /** Leg of the intent; null where it was named by itself. */
  readonly leg: LegName | null;
}

/**
 * The orders behind a key that was ordered under, a permId, an orderRef, or a key of `orders`.
 *
 * @throws CliError ORDER_UNKNOWN, ORDER_AMBIGUOUS, or ORDER_NOT_IN_BOOK for an intent whose orders the book has not seen
 */
export async function findTargets(session: Session, given: string): Promise<readonly Target[]> {
  const { account } = session;
  const [intents, direct] = await Promise.all([
    readIntents(session.ports.book, account, [given]),
    ordersBehind(session, [
      { kind: 'order', id: given },
      { kind: 'ref', id: given },
      ...(/^\d+$/.test(given) ? [{ kind: 'perm', id: given } as const] : []),
    ]),
  ]);
  const [intent] = intents;
  if (intent === undefined || intent.legs.length === 0) {
    if (direct.length > 1) throw ambiguous(given, direct);
    if (direct[0] !== undefined) return [{ row: direct[0], leg: null }];
    const what =
      intent === undefined ? 'no order of' : `an intent that is ${intent.state}, without orders, of`;
    throw new CliError(
      'ORDER_UNKNOWN',
      `${given.trim() === '' ? `"${given}"` : given} is ${what} ${account}: neither a key that was ordered under, nor a permId, nor a reference. evenkeel orders lists the open ones. Nothing was sent.`,
    );
  }
  const found = await Promise.all(
    intent.legs.map(async ({ leg, orderRef }): Promise<readonly Target[]> => {
      const rows = await ordersBehind(session, [
        { kind: 'ref', id: orderRef },
        { kind: 'order', id: orderRef },
      ]);
      return rows.map((row) => ({ row, leg }));
    }),
  );
  const targets = found.flat();
  // A number may be the key of one order and IB's id of another.
  const others = direct.filter(({ orderKey }) => targets.every(({ row }) => row.orderKey !== orderKey));
  if (targets.length > 0 && others.length > 0)
    throw ambiguous(given, [...targets.map(({ row }) => row), ...others]);
  if (targets.length > 0) return targets;
  throw new CliError(
    'ORDER_NOT_IN_BOOK',
    `The intent ${given} is ${intent.state}, and the book has none of its orders (${intent.legs.map(({ orderRef }) => orderRef).join(', ')}). ${intent.state === 'denied' || intent.state === 'would-send' ? 'It never left.' : 'Wait until IB has told of them (orders), or look in TWS.'} Nothing was sent.`,
  );
}

/** The orders that keys and pointers lead to, each once. */
async function ordersBehind(
  { ports, account }: Session,
  refs: readonly BookRef[],
): Promise<readonly OrderRow[]> {
  const items = await ports.book.read(account, refs);
  const rows = new Map<string, OrderRow>();
  const keys: string[] = [];
  for (const item of items) {
    if (item === undefined) continue;
    if (item.ref.kind === 'order') {
      const row = rowOf(item.body as unknown as OrderBody);
      rows.set(row.orderKey, row);
    } else keys.push((item.body as unknown as PointerBody).orderKey);
  }
  const pointed = await ports.book.read(
    account,
    [...new Set(keys)].filter((key) => !rows.has(key)).map((id): BookRef => ({ kind: 'order', id })),
  );
  for (const item of pointed) {
    if (item === undefined) continue;
    const row = rowOf(item.body as unknown as OrderBody);
    rows.set(row.orderKey, row);
  }
  return [...rows.values()];
}

function ambiguous(given: string, rows: readonly OrderRow[]): CliError {
  const names = rows.map(({ orderKey, permId }) => `${orderKey} (permId ${permId})`).join(', ');
  return new CliError(
    'ORDER_AMBIGUOUS',
    `${given} may be ${names}. Name one by its key in orders. Nothing was sent.`,
  );
}

/** Who placed it, for a person. */
export function placedBy({ origin, clientId }: OrderRow): string {
  return origin === 'manual' ? 'typed into TWS' : `placed by API client ${clientId}`;
}

/**
 * Orders of the streamer's own client: IB lets nobody else change or cancel one.
 *
 * @throws CliError ORDER_FOREIGN
 */
export function refuseForeign({ streamer }: Session, targets: readonly Target[]): void {
  const { clientId } = streamer.gateway;
  const foreign = targets.find(({ row }) => row.origin === 'manual' || row.clientId !== clientId);
  if (foreign === undefined) return;
  throw new CliError(
    'ORDER_FOREIGN',
    `The order ${plain(foreign.row.orderKey)} was ${placedBy(foreign.row)}, and this streamer is API client ${clientId}: IB lets nobody else touch it. Cancel it in TWS, or where it was placed. Nothing was sent.`,
  );
}

/**
 * Those that the broker may still fill.
 *
 * @throws CliError ORDER_ENDED when none does
 */
export function openTargets(targets: readonly Target[]): readonly [Target, ...Target[]] {
  const [first, ...more] = targets.filter(({ row }) => isOpen(row) || row.status === 'Inactive');
  if (first !== undefined) return [first, ...more];
  const ends = targets.map(({ row }) => `${row.orderKey} is ${row.status}`).join(', ');
  throw new CliError('ORDER_ENDED', `There is nothing left of it: ${plain(ends)}. Nothing was sent.`);
}
