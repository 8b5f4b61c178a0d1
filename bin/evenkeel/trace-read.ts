import type { FillBody } from '../../lib/domain/book/fills.ts';
import { type Intent, readIntent } from '../../lib/domain/orders/intent.ts';
import type { AuditRow, AuditTrail } from '../../lib/ports/audit-trail.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { CliError } from './exit.ts';
import { eventOf, findOrder } from './order-history.ts';
import { type OrderRow, readOrderRows } from './order-rows.ts';

const dayMs = 86_400_000;
/** How far back the row of an event is looked for, one after the other. */
const lookBackDays = [1, 7, 60, Number.POSITIVE_INFINITY];

/** One event on its way. Times are ISO-8601 UTC; null where nobody has kept one. */
export interface TracedEvent {
  /** `<streamer>:<epoch>:<seq>`: the same in the event, in the logs and in the audit row. */
  readonly id: string;
  readonly event: string;
  /** By the broker's clock, or the tape's. */
  readonly occurredAt: string | null;
  /** The streamer had it from the socket and kept it. */
  readonly recordedAt: string | null;
  readonly queuedAt: string | null;
  /** The book-keeper had it from the queue. */
  readonly receivedAt: string | null;
  /** One transaction: the change of the book and its audit row. */
  readonly bookedAt: string;
  readonly writer: string;
  readonly seq: number;
  readonly hash: string;
  readonly what: string;
}

/** What was recorded of the command, before anything left. */
export interface TracedIntent {
  readonly key: string;
  readonly commandId: string;
  readonly command: string;
  readonly issuedBy: string;
  readonly issuedAt: string;
  /** Each writing of it: `sending`, then what became of it. */
  readonly states: readonly { readonly at: string; readonly state: string; readonly seq: number }[];
}

export interface Trace {
  readonly account: string;
  readonly orderKey: string | null;
  readonly intent: TracedIntent | null;
  readonly events: readonly TracedEvent[];
}

/** What somebody asked for, before the logs have given the times between. */
export interface Found {
  readonly orderKey: string | null;
  readonly intent: Intent | undefined;
  readonly rows: readonly AuditRow[];
}

interface Ports {
  readonly book: BookReader;
  readonly audit: AuditTrail;
}

/**
 * The audit rows that an id leads to: of an event, an execution, an intent or command, or an order.
 *
 * @throws CliError EVENT_UNKNOWN, ORDER_UNKNOWN, ORDER_AMBIGUOUS
 */
export async function findTrace(ports: Ports, account: string, id: string, nowMs: number): Promise<Found> {
  if (/^[a-z][a-z0-9-]*:\d+:\d+$/.test(id)) return byEvent(ports, account, id, nowMs);
  const fill = await fillOf(ports.book, account, id);
  if (fill !== undefined) {
    const rows = (await rowsOfOrder(ports.audit, account, fill.orderKey)).filter(({ changes }) =>
      changes.some(({ item }) => item.startsWith(`FILL#${fill.execBase}#`)),
    );
    return { orderKey: fill.orderKey, intent: undefined, rows };
  }
  const intents = await intentsOf(ports.book, account);
  const asked = intents.find(({ key, commandId }) => key === id || commandId === id);
  const orders = await readOrderRows(ports.book, account);
  const order =
    asked === undefined ? await findOrder(ports.book, account, id, orders) : orderOf(asked, orders);
  if (order === undefined) return { orderKey: null, intent: asked, rows: [] };
  const intent = asked ?? intents.find((one) => orderOf(one, [order]) !== undefined);
  return { orderKey: order.orderKey, intent, rows: await rowsOfOrder(ports.audit, account, order.orderKey) };
}

/** When the intent was written, and what it said each time. */
export async function traceIntent(
  audit: AuditTrail,
  account: string,
  { key, commandId, command, issuedBy, issuedAt }: Intent,
): Promise<TracedIntent> {
  const item = `INTENT#${key}`;
  const states: { at: string; state: string; seq: number }[] = [];
  for (const { writer } of await audit.chains(account)) {
    for await (const row of audit.rows(account, writer, issuedAt.slice(0, 10))) {
      const change = row.changes.find((one) => one.item === item);
      if (change?.image) states.push({ at: row.at, state: String(change.image.body.state), seq: row.seq });
    }
  }
  states.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.seq - b.seq));
  return { key, commandId, command, issuedBy, issuedAt, states };
}

/** The event of a row as the trail alone tells it. */
export function tracedRow(row: AuditRow): TracedEvent {
  const { id, event, at, writer, seq, what } = eventOf(row);
  const fill = row.changes.find(({ item }) => item.startsWith('FILL#'))?.image?.body as FillBody | undefined;
  const executedMs = event === 'fill.received' ? fill?.report?.timeMs : undefined;
  return {
    id,
    event,
    occurredAt: executedMs === undefined ? null : new Date(executedMs).toISOString(),
    recordedAt: null,
    queuedAt: null,
    receivedAt: null,
    bookedAt: at,
    writer,
    seq,
    hash: row.hash,
    what,
  };
}

async function byEvent({ audit }: Ports, account: string, id: string, nowMs: number): Promise<Found> {
  for (const days of lookBackDays) {
    const from = new Date(Math.max(0, nowMs - days * dayMs)).toISOString().slice(0, 10);
    for (const { writer } of await audit.chains(account)) {
      for await (const row of audit.rows(account, writer, from))
        if (row.cause.id === id) return { orderKey: row.orderKey || null, intent: undefined, rows: [row] };
    }
  }
  throw new CliError(
    'EVENT_UNKNOWN',
    `No row of the audit trail of ${account} was made by the event ${id}: it changed nothing in the book, it is still on its way, or it lies in the dead-letter queue (evenkeel doctor).`,
  );
}

async function rowsOfOrder(audit: AuditTrail, account: string, orderKey: string): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for await (const row of audit.rowsOfOrder(account, orderKey)) rows.push(row);
  return rows;
}

async function fillOf(book: BookReader, account: string, id: string): Promise<FillBody | undefined> {
  // An execId has dots; nothing else that can be asked for needs the whole list.
  if (!id.includes('.')) return undefined;
  for await (const { body } of book.list(account, 'fill')) {
    const fill = body as unknown as FillBody;
    if (fill.execId === id || fill.execBase === id) return fill;
  }
  return undefined;
}

async function intentsOf(book: BookReader, account: string): Promise<Intent[]> {
  const intents: Intent[] = [];
  for await (const { body } of book.list(account, 'intent')) intents.push(readIntent(body));
  return intents;
}

function orderOf({ legs }: Intent, orders: readonly OrderRow[]): OrderRow | undefined {
  const refs = new Set(legs.map(({ orderRef }) => orderRef));
  return orders.find(({ orderRef }) => orderRef !== '' && refs.has(orderRef));
}
