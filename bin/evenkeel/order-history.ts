import type { FillBody } from '../../lib/domain/book/fills.ts';
import type { OrderBody } from '../../lib/domain/book/orders.ts';
import type { PointerBody } from '../../lib/domain/book/pointers.ts';
import type { AuditRow, AuditTrail } from '../../lib/ports/audit-trail.ts';
import type { BookReader, BookRef } from '../../lib/ports/book.ts';
import { CliError } from './exit.ts';
import { type FillRow, readFills, showFills } from './fills.ts';
import {
  notesOf,
  type OrderRow,
  orderCells,
  orderColumns,
  priceOf,
  readOrderRows,
  rowOf,
  statusOf,
  symbolOf,
} from './order-rows.ts';
import { unknownName } from './valid-names.ts';
import { count, facts, grouped, plain, shortened, table, time, type View } from './view.ts';

/** Keys that are listed where none fits. */
const keysListed = 10;

/** Everything about one order. */
export interface OrderShown {
  readonly account: string;
  readonly order: OrderRow;
  readonly fills: readonly FillRow[];
  readonly bracket: Bracket;
  /** What changed it, oldest first, from the audit trail. */
  readonly events: readonly OrderEvent[];
}

export interface Bracket {
  readonly parent: OrderRow | null;
  readonly children: readonly OrderRow[];
  /** The other orders of its OCA group. */
  readonly oca: readonly OrderRow[];
}

export interface OrderEvent {
  /** ISO-8601, UTC: when it was booked. */
  readonly at: string;
  readonly event: string;
  readonly id: string;
  readonly reason: string;
  /** Place in the audit trail. */
  readonly writer: string;
  readonly seq: number;
  /** What it said and what the order was after it, in words. */
  readonly what: string;
}

/** @throws CliError ORDER_UNKNOWN, or ORDER_AMBIGUOUS where a reference leads to several orders */
export async function readOrder(
  { book, audit }: { readonly book: BookReader; readonly audit: AuditTrail },
  account: string,
  ref: string,
): Promise<OrderShown> {
  const orders = await readOrderRows(book, account);
  const order = await findOrder(book, account, ref, orders);
  const { fills } = await readFills(book, account, { orderKey: order.orderKey });
  const events: OrderEvent[] = [];
  for await (const row of audit.rowsOfOrder(account, order.orderKey)) events.push(eventOf(row));
  return { account, order, fills, bracket: bracketOf(order, orders), events };
}

export async function findOrder(
  book: BookReader,
  account: string,
  ref: string,
  orders: readonly OrderRow[],
): Promise<OrderRow> {
  const refs: BookRef[] = [
    { kind: 'order', id: ref },
    ...(/^\d+$/.test(ref) ? [{ kind: 'perm', id: ref } as const] : []),
    { kind: 'ref', id: ref },
  ];
  const [direct, ...pointers] = await book.read(account, refs);
  if (direct !== undefined) return rowOf(direct.body as unknown as OrderBody);
  const keys = new Set(
    pointers.flatMap((item) => (item ? [(item.body as unknown as PointerBody).orderKey] : [])),
  );
  // Other programs use one reference for many orders: the pointer has only the latest of them.
  for (const row of orders) if (row.orderRef === ref) keys.add(row.orderKey);
  const found = orders.filter(({ orderKey }) => keys.has(orderKey));
  if (found.length > 1) {
    throw new CliError(
      'ORDER_AMBIGUOUS',
      `${found.length} orders have the reference ${ref}: ${found.map(({ orderKey }) => orderKey).join(', ')}. Name one by its key.`,
    );
  }
  if (found[0] !== undefined) return found[0];
  const known = orders.flatMap(({ orderKey, orderRef }) =>
    orderRef === '' ? [orderKey] : [orderKey, orderRef],
  );
  const error = unknownName('order', ref, known);
  if (known.length <= keysListed) throw error;
  const shortened = unknownName(
    'order',
    ref,
    orders.slice(-keysListed).map(({ orderKey }) => orderKey),
  );
  const meant = / Did you mean .*$/.exec(error.message)?.[0] ?? '';
  throw new CliError(
    'ORDER_UNKNOWN',
    shortened.message.replace(/ Did you mean .*$/, '').replace('valid:', 'the latest:') + meant,
  );
}

function bracketOf(order: OrderRow, orders: readonly OrderRow[]): Bracket {
  const parentKey = order.terms?.parentKey ?? null;
  const group = order.terms?.ocaGroup ?? '';
  const children = orders.filter(({ terms }) => terms?.parentKey === order.orderKey);
  return {
    parent: orders.find(({ orderKey }) => orderKey === parentKey) ?? null,
    children,
    oca:
      group === ''
        ? []
        : orders.filter(({ terms, orderKey }) => terms?.ocaGroup === group && orderKey !== order.orderKey),
  };
}

export function eventOf({ at, cause, writer, seq, changes }: AuditRow): OrderEvent {
  const words = changes.flatMap(({ item, image }) => {
    const kind = item.slice(0, item.indexOf('#'));
    if (image === null) return [`${item} deleted`];
    if (kind === 'ORDER') return [orderWords(image.body as unknown as OrderBody)];
    if (kind === 'FILL') return [fillWords(image.body as unknown as FillBody)];
    return [];
  });
  return { at, event: cause.name, id: cause.id, reason: cause.reason, writer, seq, what: words.join('; ') };
}

function orderWords({ status, filled, terms, reason }: OrderBody): string {
  const of = terms === null ? '' : ` of ${terms.quantity}`;
  const why = reason === null ? '' : ` (${reason.code === 0 ? '' : `${reason.code} `}${reason.message})`;
  return `${status}${why}, ${filled}${of} filled`;
}

function fillWords({ execId, report, commission }: FillBody): string {
  const cost = commission === null ? '' : `, commission ${commission.commission} ${commission.currency}`;
  if (report === null) return `${execId}${cost}`;
  const { side, quantity, price } = report;
  return `${execId}: ${quantity === '0' ? 'busted' : `${side} ${quantity} at ${price}`}${cost}`;
}

export function showOrder({ account, order, fills, bracket, events }: OrderShown, view: View): string {
  const { colours } = view;
  const heading = (text: string) => `\n${colours.bold(text)}`;
  const lines = [facts(view, orderFacts(order, view))];
  const related = [
    ...(bracket.parent ? [['parent', bracket.parent] as const] : []),
    ...bracket.children.map((child) => ['child', child] as const),
    ...bracket.oca.map((other) => ['OCA', other] as const),
  ];
  if (related.length > 0) {
    const rows = related.map(([role, row]) => [role, ...orderCells(row, view)]);
    lines.push(heading('Bracket and OCA'), table(view, [{ name: '' }, ...orderColumns], rows));
  }
  if (fills.length > 0) lines.push(heading('Fills'), showFills({ account, fills }, view));
  if (events.length > 0) {
    const rows = events.map(({ at, event, id, reason, what }) => [
      time(view, at),
      event,
      plain(reason === '' ? what : `${what} (${reason})`),
      id,
    ]);
    lines.push(
      heading('Events'),
      table(view, [{ name: 'booked' }, { name: 'event' }, { name: 'what' }, { name: 'id' }], rows),
      colours.dim(count(events.length, 'event')),
    );
  }
  return lines.join('\n');
}

function orderFacts(order: OrderRow, view: View): (readonly [string, string])[] {
  const { terms } = order;
  const money = (amounts: OrderRow['commissions']) =>
    Object.entries(amounts)
      .map(([currency, amount]) => `${shortened(amount)} ${currency}`)
      .join(', ') || 'none known';
  const asked =
    terms === null
      ? 'not told'
      : `${terms.action} ${grouped(terms.quantity)} ${symbolOf(order)} ${terms.orderType} ${priceOf(order)} ${terms.timeInForce}`;
  const notes = notesOf(order);
  return [
    ['order', order.orderKey],
    ['asked', plain(asked.replaceAll(/ +/g, ' ').trim())],
    ['status', statusOf(order, view)],
    [
      'filled',
      `${grouped(order.filled)}${order.averagePrice === null ? '' : ` at ${shortened(order.averagePrice)} on average`}, ${grouped(order.remaining ?? '?')} remaining`,
    ],
    ['commissions', money(order.commissions)],
    ['realized', money(order.realizedPnl)],
    ['permId', String(order.permId)],
    ['client, order id', `${order.clientId}, ${order.orderId} (${order.origin})`],
    ['reference', plain(order.orderRef) || 'none'],
    [
      'contract',
      order.contract === null
        ? ''
        : `${order.contract.secType} ${order.contract.symbol} ${order.contract.exchange}, conId ${order.contract.conId}`,
    ],
    ...(notes === '' ? [] : [['note', view.colours.yellow(notes)] as const]),
    ...(order.quarantined.length === 0 ? [] : [['quarantined', order.quarantined.join(', ')] as const]),
  ];
}
