/**
 * The broker's orders: everything in a snapshot that is about one order, put together by permId, else by client and order
 * id. Lists repeat rows and overlap; of several reports of one order the most advanced counts.
 */

import { apiId } from '../book/item.ts';
import type {
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  OpenOrderFact,
  OrderStatusFact,
} from '../orders/broker-facts.ts';
import { statusOfCompleted } from '../orders/broker-words.ts';
import { amount } from '../orders/decimals.ts';
import { parseExecId } from '../orders/exec-id.ts';
import type { BrokerOrder } from './context.ts';
import type { BrokerPicture } from './types.ts';

export interface BrokerOrders {
  /** Sorted by permId, then by ids, then by the first execution. */
  readonly orders: readonly BrokerOrder[];
  /** By execId; where one is repeated, the one with a cost. */
  readonly commissions: ReadonlyMap<string, CommissionFact>;
  /** Of all executions that are listed. */
  readonly execIds: ReadonlySet<string>;
  /** Rows that name no order: neither a permId nor an id of a client. */
  readonly nameless: number;
}

/** Most orders have one row of a kind, or none: a list is made for the first. */
interface Draft {
  readonly permId: number;
  opens: OpenOrderFact[] | undefined;
  statuses: OrderStatusFact[] | undefined;
  completed: CompletedOrderFact[] | undefined;
  executions: ExecutionFact[] | undefined;
  /** An execution of it is listed more than once. */
  repeats: boolean;
}

/** Only what the account owns, and only lists that are `ok`. */
export function pictureOf(picture: BrokerPicture, account: string): BrokerPicture {
  const own = (row: { readonly account: string }) => row.account === account || row.account === '';
  const foreign = foreignOrders(picture, own);
  const ok = <T>(list: { outcome: string; rows: readonly T[] }, keep: (row: T) => boolean) => ({
    outcome: list.outcome as BrokerPicture['positions']['outcome'],
    rows: list.outcome === 'ok' ? list.rows.filter(keep) : [],
  });
  return {
    ...picture,
    positions: ok(picture.positions, own),
    openOrders: ok(picture.openOrders, (row) =>
      row.kind === 'open-order' ? own(row) : row.permId === 0 || !foreign.has(row.permId),
    ),
    completedOrders: ok(picture.completedOrders, own),
    executions: ok(picture.executions, (row) => row.kind === 'commission' || own(row)),
    accountValues: ok(picture.accountValues, own),
  };
}

/** permIds of orders that belong to another account. */
export function foreignOrders(
  { openOrders, completedOrders }: BrokerPicture,
  own: (row: { readonly account: string }) => boolean,
): ReadonlySet<number> {
  const foreign = new Set<number>();
  for (const row of openOrders.rows) if (row.kind === 'open-order' && !own(row)) foreign.add(row.permId);
  for (const row of completedOrders.rows) if (!own(row)) foreign.add(row.permId);
  return foreign;
}

/** @param picture of one account, see `pictureOf` */
export function brokerOrdersOf(picture: BrokerPicture, foreign: ReadonlySet<number>): BrokerOrders {
  const numbered = new Map<number, Draft>();
  const others = new Map<string, Draft>();
  let permIdsByApi: ReadonlyMap<string, ReadonlySet<number>> | undefined;
  let nameless = 0;
  const draftOf = (row: { permId: number; clientId?: number; orderId?: number }, stray?: string) => {
    if (row.permId > 0) return drafted(numbered, row.permId, row.permId);
    permIdsByApi ??= permIdsByApiId(picture);
    const { permId = 0, name = stray } = nameOf(row, permIdsByApi);
    if (permId > 0) return drafted(numbered, permId, permId);
    if (name !== undefined) return drafted(others, name, 0);
    nameless += 1;
    return undefined;
  };
  const commissions = new Map<string, CommissionFact>();
  const execIds = new Set<string>();
  for (const row of picture.openOrders.rows) {
    const draft = draftOf(row);
    if (draft === undefined) continue;
    if (row.kind === 'open-order') draft.opens = added(draft.opens, row);
    else draft.statuses = added(draft.statuses, row);
  }
  for (const row of picture.completedOrders.rows) {
    const draft = draftOf(row);
    if (draft !== undefined) draft.completed = added(draft.completed, row);
  }
  for (const row of picture.executions.rows) {
    if (row.kind === 'commission') {
      const known = commissions.get(row.execId);
      if (known === undefined || textOf(known) < textOf(row)) commissions.set(row.execId, row);
      continue;
    }
    const draft = draftOf(row, `exec ${parseExecId(row.execId).execBase}`)!;
    draft.executions = added(draft.executions, row);
    if (execIds.has(row.execId)) draft.repeats = true;
    else execIds.add(row.execId);
  }
  const orders: BrokerOrder[] = [];
  for (const drafts of [numbered, others]) {
    for (const draft of drafts.values()) {
      // A status says too little for an order of its own.
      if (draft.opens ?? draft.completed ?? draft.executions) orders.push(brokerOrder(draft, foreign));
    }
  }
  return { orders: orders.sort(byIds), commissions, execIds, nameless };
}

function drafted<K>(drafts: Map<K, Draft>, key: K, permId: number): Draft {
  const known = drafts.get(key);
  if (known !== undefined) return known;
  const draft: Draft = {
    permId,
    opens: undefined,
    statuses: undefined,
    completed: undefined,
    executions: undefined,
    repeats: false,
  };
  drafts.set(key, draft);
  return draft;
}

function added<T>(rows: T[] | undefined, row: T): T[] {
  if (rows === undefined) return [row];
  rows.push(row);
  return rows;
}

function brokerOrder(
  { permId, opens, statuses, completed, executions, repeats }: Draft,
  foreign: ReadonlySet<number>,
): BrokerOrder {
  const open = most(opens, compareOpen);
  const status = most(statuses, compareStatus);
  const ended = most(completed, compareEnds);
  const sorted = executions === undefined ? noExecutions : repeats ? once(executions) : executions;
  if (sorted.length > 1) sorted.sort(byTime);
  const named = (isName: (fact: { orderId: number }) => boolean) =>
    open && isName(open) ? open : status && isName(status) ? status : sorted.find(isName);
  const api = named(isNumbered) ?? named(isNamed);
  return {
    permId,
    clientId: api?.clientId ?? 0,
    orderId: api?.orderId ?? 0,
    orderRef: open?.orderRef || ended?.orderRef || (sorted.find(hasReference)?.orderRef ?? ''),
    open,
    status,
    completed: ended,
    executions: sorted,
    isShare: open === null && ended === null && foreign.has(permId),
  };
}

const noExecutions: ExecutionFact[] = [];
const isNumbered = ({ orderId }: { orderId: number }) => orderId > 0;
const isNamed = ({ orderId }: { orderId: number }) => orderId !== 0;
const hasReference = ({ orderRef }: ExecutionFact) => orderRef !== '';

/** The same id with two contents is noise; which of them counts must not depend on their order. */
function once(rows: readonly ExecutionFact[]): ExecutionFact[] {
  const byId = new Map<string, ExecutionFact>();
  for (const row of rows) {
    const known = byId.get(row.execId);
    if (known === undefined || textOf(row) < textOf(known)) byId.set(row.execId, row);
  }
  return [...byId.values()];
}

function compareOpen(a: OpenOrderFact, b: OpenOrderFact): number {
  return rankOf(a.status) - rankOf(b.status);
}

function compareStatus(a: OrderStatusFact, b: OrderStatusFact): number {
  return compareTexts(a.filled, b.filled) || rankOf(a.status) - rankOf(b.status);
}

function compareEnds(a: CompletedOrderFact, b: CompletedOrderFact): number {
  return compareTexts(a.filled, b.filled) || endRank(a) - endRank(b);
}

function permIdsByApiId({ openOrders, executions }: BrokerPicture): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  for (const { rows } of [openOrders, executions]) {
    for (const row of rows) {
      if (row.kind === 'commission' || row.permId === 0 || row.orderId <= 0) continue;
      const id = apiId(row.clientId, row.orderId);
      const permIds = found.get(id);
      if (permIds === undefined) found.set(id, new Set([row.permId]));
      else permIds.add(row.permId);
    }
  }
  return found;
}

/** Ids of a client are used again: they lead to a permId only where there is one. */
function nameOf(
  { clientId = 0, orderId = 0 }: { clientId?: number; orderId?: number },
  permIdsByApi: ReadonlyMap<string, ReadonlySet<number>>,
): { readonly permId?: number; readonly name?: string } {
  if (orderId <= 0) return {};
  const id = apiId(clientId, orderId);
  const permIds = permIdsByApi.get(id);
  if (permIds === undefined) return { name: `api ${id}` };
  const [permId = 0] = permIds;
  return permIds.size === 1 ? { permId } : {};
}

/** From a first report to a last one. */
const words: readonly string[] = [
  'ApiPending',
  'PendingSubmit',
  'PreSubmitted',
  'Submitted',
  'PendingCancel',
  'Inactive',
  'ApiCancelled',
  'Cancelled',
  'Filled',
];

/** How far an order has come by IB's word; −1 for a word that is not documented. */
export function rankOf(word: string): number {
  return words.indexOf(word);
}

const ends: readonly string[] = ['Cancelled', 'ApiCancelled', 'Expired', 'Rejected', 'Filled'];

function endRank({ status, completedStatus }: CompletedOrderFact): number {
  return ends.indexOf(statusOfCompleted(status, completedStatus));
}

function most<T extends object>(rows: readonly T[] | undefined, compare: (a: T, b: T) => number): T | null {
  if (rows === undefined || rows.length === 1) return rows?.[0] ?? null;
  let best: T | undefined;
  for (const row of rows) {
    const order = best === undefined ? 1 : compare(row, best) || (textOf(row) > textOf(best!) ? 1 : -1);
    if (order > 0) best = row;
  }
  return best ?? null;
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : amount(a).comparedTo(amount(b));
}

function byTime(a: ExecutionFact, b: ExecutionFact): number {
  return a.timeMs - b.timeMs || (a.execId < b.execId ? -1 : Number(a.execId > b.execId));
}

function byIds(a: BrokerOrder, b: BrokerOrder): number {
  const first = a.executions[0]?.execId ?? '';
  const second = b.executions[0]?.execId ?? '';
  return (
    a.permId - b.permId ||
    a.clientId - b.clientId ||
    a.orderId - b.orderId ||
    (first < second ? -1 : Number(first > second))
  );
}

/** The same text for the same content, whatever the order of its fields. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
