import type { OrderBody } from '../../lib/domain/book/orders.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { grouped, plain, shortened, type View } from './view.ts';

export type { OrderBody } from '../../lib/domain/book/orders.ts';

/** An order as the book has it, without the state that it is folded from. */
export type OrderRow = Omit<OrderBody, 'state'>;

/** The broker may still fill it, or nobody knows. */
export function isOpen({ working, status }: Pick<OrderRow, 'working' | 'status'>): boolean {
  return working || status === 'Unknown';
}

/** Every order of the account, the oldest first: IB's permIds grow with time. */
export async function readOrderRows(book: BookReader, account: string): Promise<readonly OrderRow[]> {
  const rows: OrderRow[] = [];
  for await (const { body } of book.list(account, 'order')) rows.push(rowOf(body as unknown as OrderBody));
  return rows.sort((a, b) => a.permId - b.permId || (a.orderKey < b.orderKey ? -1 : 1));
}

export function rowOf(body: OrderBody): OrderRow {
  const { state: _state, ...row } = body;
  return row;
}

export const orderColumns = [
  { name: 'order' },
  { name: 'symbol' },
  { name: 'side' },
  { name: 'quantity', right: true },
  { name: 'type' },
  { name: 'price', right: true },
  { name: 'tif' },
  { name: 'status' },
  { name: 'filled', right: true },
  { name: 'average', right: true },
  { name: 'ref' },
  { name: '' },
];

export function orderCells(row: OrderRow, view: View): string[] {
  const { terms } = row;
  return [
    row.orderKey,
    symbolOf(row),
    terms?.action ?? '',
    terms === null ? '' : grouped(terms.quantity),
    terms?.orderType ?? '',
    priceOf(row),
    terms?.timeInForce ?? '',
    statusOf(row, view),
    grouped(row.filled),
    row.averagePrice === null ? '' : shortened(row.averagePrice),
    row.orderRef,
    notesOf(row),
  ];
}

export function symbolOf({ contract }: OrderRow): string {
  return contract === null ? '' : contract.localSymbol || contract.symbol;
}

/** `1300.5`, `stop 1290`, `1300.5 stop 1290`, `trail 5`. */
export function priceOf({ terms }: OrderRow): string {
  if (terms === null) return '';
  const { limitPrice, stopPrice, trailingPercent, orderType } = terms;
  const parts: string[] = [];
  if (limitPrice !== null && orderType !== 'MKT' && orderType !== 'STP') parts.push(grouped(limitPrice));
  if (trailingPercent !== null) parts.push(`trail ${trailingPercent} %`);
  else if (stopPrice !== null && stopPrice !== '0')
    parts.push(`${orderType.startsWith('TRAIL') ? 'trail' : 'stop'} ${grouped(stopPrice)}`);
  return parts.join(' ');
}

export function statusOf({ status, endedInPart }: OrderRow, { colours }: View): string {
  const text = endedInPart ? `${status}, filled in part` : status;
  if (status === 'Filled') return colours.green(text);
  if (status === 'Rejected' || status === 'Inactive' || status === 'Unknown') return colours.red(text);
  if (status === 'Cancelled' || status === 'ApiCancelled' || status === 'Expired') return colours.dim(text);
  return text;
}

/** What a person should not overlook. */
export function notesOf(row: OrderRow): string {
  const notes = [
    row.quarantined.length > 0 && `${row.quarantined.length} quarantined`,
    row.missing !== '0' && `${row.missing} filled at IB without an execution`,
    row.synthetic !== '0' && `${row.synthetic} synthetic`,
    row.liquidation && 'liquidation',
    row.reason !== null && plain(row.reason.message),
  ];
  return notes.filter((note) => note !== false).join(', ');
}
