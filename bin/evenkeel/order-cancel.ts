import { Decimal } from 'decimal.js';
import { isTerminal } from '../../lib/domain/orders/legal-moves.ts';
import { progress, type Shown, type Streaming } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { sayInterrupted, watch } from './order-answer.ts';
import { confirmWords } from './order-confirm.ts';
import { readOrderPicture } from './order-picture.ts';
import {
  isOpen,
  type OrderBody,
  type OrderRow,
  orderCells,
  orderColumns,
  readOrderRows,
  rowOf,
  statusOf,
} from './order-rows.ts';
import { personsClient, sendSurely } from './order-send.ts';
import { findTargets, openTargets, placedBy, refuseForeign, type Target } from './order-target.ts';
import { readPositions } from './positions.ts';
import type { Session } from './session.ts';
import { count, plain, table } from './view.ts';

export interface CancelFlags {
  readonly yes?: true;
  readonly wait: number;
}

/** What became of the orders that were to be cancelled. */
export interface Cancelled {
  readonly account: string;
  readonly commandIds: readonly string[];
  readonly orders: readonly { readonly orderKey: string; readonly permId: number; readonly status: string }[];
  /**
   * `cancelled`: all of them. `not-cancelled`: some have filled, or ended otherwise. `unanswered`: some still work. `sent`: the
   * book had none to watch.
   */
  readonly state: 'cancelled' | 'not-cancelled' | 'unanswered' | 'sent';
  readonly code: string;
  readonly message: string;
}

/** Cancels the legs of an intent that live, or one order. */
export async function cancelOrders(
  session: Session,
  given: string,
  flags: CancelFlags,
): Promise<Shown | Streaming> {
  const targets = openTargets(await findTargets(session, given));
  refuseForeign(session, targets);
  const noPermId = targets.find(({ row }) => row.permId === 0 || row.orderId <= 0);
  if (noPermId !== undefined) {
    throw new CliError(
      'ORDER_NOT_ACCEPTED',
      `IB has not given the order ${plain(noPermId.row.orderKey)} an id yet. Try again in a moment. Nothing was sent.`,
    );
  }
  // The parent first: were its children gone before it, a fill in between would stand unprotected.
  const sorted = [...targets].sort((a, b) => rank(a) - rank(b) || a.row.orderId - b.row.orderId);
  const rows = sorted.map(({ row }) => row);
  if (!session.json) session.io.err.write(`${await showTargets(session, rows)}\n\n`);
  if (!flags.yes) {
    const words = `cancel ${given}`;
    await confirmWords(session, `This cancels ${count(rows.length, 'order')} of ${session.account}.`, words);
  }
  const client = await personsClient(session);
  return session.uncut(async () => {
    const commandIds: string[] = [];
    for (const { permId, clientId, orderId } of rows) {
      const { commandId } = await sendSurely(session, '', () => client.cancel({ permId, clientId, orderId }));
      commandIds.push(commandId);
    }
    return watchCancels(session, rows, commandIds, flags.wait);
  });
}

/** Cancels our own working orders, of one contract or all. */
export async function cancelAll(
  session: Session,
  { symbol, ...flags }: CancelFlags & { readonly symbol?: string },
): Promise<Shown | Streaming> {
  const { ports, account, streamer } = session;
  const conId = symbol === undefined ? undefined : (await readOrderPicture(session, symbol)).instrument.conId;
  const open = (await readOrderRows(ports.book, account)).filter(
    (row) => isOpen(row) && (conId === undefined || row.contract?.conId === conId),
  );
  const isOurs = (row: OrderRow) => row.origin === 'api' && row.clientId === streamer.gateway.clientId;
  const rows = open.filter(isOurs);
  const foreign = open.length - rows.length;
  const rest = foreign === 0 ? '' : ` ${count(foreign, 'open order')} of others stay: cancel them in TWS.`;
  if (!session.json) {
    const none = `By the book there is no open order of ours${symbol === undefined ? '' : ` of ${symbol}`}.`;
    session.io.err.write(`${rows.length === 0 ? none : await showTargets(session, rows)}${rest}\n\n`);
  }
  // Sent even where the book has none: the book may be behind, and the streamer asks the broker.
  if (!flags.yes) {
    const scope = symbol === undefined ? 'all our working orders' : `our working orders of ${symbol}`;
    await confirmWords(session, `This cancels ${scope} in ${account}.`, 'cancel all');
  }
  const client = await personsClient(session);
  return session.uncut(async () => {
    const sent = await sendSurely(session, '', () => client.cancelAll(conId === undefined ? {} : { conId }));
    return watchCancels(session, rows, [sent.commandId], flags.wait);
  });
}

/** What becomes of orders is told by the orders: a cancel has no record of its own. */
async function watchCancels(
  session: Session,
  rows: readonly OrderRow[],
  commandIds: readonly string[],
  seconds: number,
): Promise<Shown | Streaming> {
  const { ports, account } = session;
  progress(session, `Sent ${count(commandIds.length, 'command')} ...`);
  let now = rows;
  const answer = await watch(session, seconds, async () => {
    const refs = rows.map(({ orderKey }) => ({ kind: 'order', id: orderKey }) as const);
    const items = await ports.book.read(account, refs);
    now = rows.map((row, at) =>
      items[at] === undefined ? row : rowOf(items[at].body as unknown as OrderBody),
    );
    const left = now.filter(({ status }) => !isTerminal(status)).length;
    return { settled: left === 0 ? true : undefined, detail: `${left} of ${now.length} still open` };
  });
  if (answer === 'interrupted') {
    sayInterrupted(session, commandIds.length === 1 ? 'the cancel' : 'every cancel');
    return exit.interrupted;
  }
  const result = outcomeOf(account, commandIds, now, seconds);
  return {
    result,
    text: () => showCancelled(session, result, now),
    exitCode: result.state === 'cancelled' || result.state === 'sent' ? exit.ok : exit.fault,
  };
}

function outcomeOf(
  account: string,
  commandIds: readonly string[],
  now: readonly OrderRow[],
  seconds: number,
): Cancelled {
  const orders = now.map(({ orderKey, permId, status }) => ({ orderKey, permId, status }));
  const common = { account, commandIds, orders };
  if (now.length === 0)
    return { ...common, state: 'sent', code: '', message: 'By the book there was nothing of ours to watch.' };
  if (now.some(({ status }) => !isTerminal(status))) {
    const message = `Not all had ended within ${seconds} s. A cancel is void 30 s after it was sent. Look at status, orders and alerts, which have what the broker answered, and cancel again or in TWS: a cancel that comes twice does no harm.`;
    return { ...common, state: 'unanswered', code: 'CANCEL_UNANSWERED', message };
  }
  if (now.every(({ status }) => status === 'Cancelled' || status === 'ApiCancelled'))
    return { ...common, state: 'cancelled', code: '', message: '' };
  const message = 'Some ended otherwise before the cancel came; look at the position.';
  return { ...common, state: 'not-cancelled', code: 'CANCEL_TOO_LATE', message };
}

function showCancelled(
  { view }: Session,
  { state, code, message }: Cancelled,
  rows: readonly OrderRow[],
): string {
  const { colours } = view;
  const head =
    code === '' ? colours.green(state === 'sent' ? 'Sent.' : 'Cancelled.') : colours.red(`${code}:`);
  const lines = rows.map((row) => `  ${plain(row.orderKey)} (permId ${row.permId}): ${statusOf(row, view)}`);
  return [message === '' ? head : `${head} ${plain(message)}`, ...lines].join('\n');
}

/** The orders, who placed them, and what is no longer protected without them. */
async function showTargets(session: Session, rows: readonly OrderRow[]): Promise<string> {
  const { ports, account, view } = session;
  const { positions } = await readPositions(ports.book, account);
  const drawn = table(
    view,
    [...orderColumns, { name: 'by' }],
    rows.map((row) => [...orderCells(row, view), placedBy(row)]),
  );
  const bare = positions.filter(({ conId, position }) =>
    rows.some((row) => row.contract?.conId === conId && protects(row, position)),
  );
  const warnings = bare.map(({ localSymbol, symbol, position }) =>
    view.colours.red(
      `It takes a stop away from the position of ${position} ${plain(localSymbol || symbol)}: without one it is unprotected.`,
    ),
  );
  return [drawn, ...warnings].join('\n');
}

function protects({ terms }: OrderRow, position: string): boolean {
  const held = new Decimal(position);
  if (terms === null || held.isZero()) return false;
  const isStop = terms.orderType.startsWith('STP') || terms.orderType.startsWith('TRAIL');
  return isStop && (held.isPositive() ? terms.action === 'SELL' : terms.action === 'BUY');
}

function rank({ leg, row }: Target): number {
  return leg === 'entry' || (row.terms?.parentId ?? 0) === 0 ? 0 : 1;
}
