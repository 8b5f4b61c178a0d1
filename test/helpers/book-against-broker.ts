/** The book beside the broker's own record: every difference in words. */
import { Decimal } from 'decimal.js';
import type { BookTable } from '../../lib/aws/book-table.ts';
import type { BalanceBody, PositionBody } from '../../lib/domain/book/accounts.ts';
import type { FillBody } from '../../lib/domain/book/fills.ts';
import type { OrderBody } from '../../lib/domain/book/orders.ts';
import type { BookKind } from '../../lib/ports/book.ts';
import type { BrokerRecord } from '../../sandbox/gateway/broker/record.ts';

export interface BookSeen {
  readonly orders: readonly OrderBody[];
  readonly fills: readonly FillBody[];
  readonly positions: readonly PositionBody[];
  readonly balances: readonly BalanceBody[];
}

export async function readBook(book: BookTable, account: string): Promise<BookSeen> {
  const all = async <T>(kind: BookKind): Promise<T[]> => {
    const found: T[] = [];
    for await (const item of book.list(account, kind)) found.push(item.body as T);
    return found;
  };
  const [orders, fills, positions, balances] = await Promise.all([
    all<OrderBody>('order'),
    all<FillBody>('fill'),
    all<PositionBody>('position'),
    all<BalanceBody>('cash'),
  ]);
  return { orders, fills, positions, balances };
}

/** What differs; nothing is lost, nothing is there twice, nothing is there that the broker does not have. */
export function differences(record: BrokerRecord, seen: BookSeen, account: string): string[] {
  const found: string[] = [];
  const differ = (what: string, broker: unknown, book: unknown) => {
    if (JSON.stringify(broker) !== JSON.stringify(book))
      found.push(`${what}: broker ${JSON.stringify(broker)}, book ${JSON.stringify(book)}`);
  };
  const orders = record.orders.filter((order) => order.account === account);
  const byPerm = Map.groupBy(seen.orders, ({ permId }) => permId);
  differ('orders', orders.length, seen.orders.length);
  for (const order of orders) {
    const name = `order ${order.permId}`;
    const [booked, ...more] = byPerm.get(order.permId) ?? [];
    differ(`${name} is there once`, 1, booked ? 1 + more.length : 0);
    if (!booked) continue;
    differ(`${name} status`, statusOf(order), booked.status);
    differ(`${name} filled`, order.filled, booked.filled);
    differ(`${name} average`, order.averageFillPrice, booked.averagePrice);
    differ(`${name} quantity`, order.quantity, booked.terms?.quantity);
    differ(`${name} limit`, order.orderType.includes('LMT') ? order.limitPrice : null, limitOf(booked));
    differ(`${name} unexplained`, '0', booked.missing);
    const parent = booked.terms?.parentKey ?? null;
    differ(`${name} parent`, order.parentPermId === 0 ? null : `P${order.parentPermId}`, parent);
    const standing = record.executions.filter((one) => one.permId === order.permId && !one.superseded);
    const cost = Decimal.sum(0, ...standing.map(({ commission }) => commission)).toFixed();
    differ(`${name} commission`, cost, booked.commissions.USD ?? '0');
  }
  const executions = record.executions.filter((one) => one.account === account);
  const ids = new Set(executions.map(({ execId }) => execId));
  differ(
    'fills unknown to the broker',
    [],
    seen.fills.map(({ execId }) => execId).filter((id) => !ids.has(id)),
  );
  const byExecId = new Map(seen.fills.map((fill) => [fill.execId, fill]));
  differ('fills are there once', byExecId.size, seen.fills.length);
  for (const execution of executions.filter(({ superseded }) => !superseded)) {
    const { report } = byExecId.get(execution.execId) ?? {};
    const { quantity, price, action, timeMs } = execution;
    differ(
      `execution ${execution.execId}`,
      [action, quantity, price, Math.floor(timeMs / 1_000) * 1_000],
      report && [report.side, report.quantity, report.price, report.timeMs],
    );
  }
  const held = (positions: readonly (readonly [number, string, string])[]) =>
    positions.filter(([, position]) => position !== '0').toSorted(([a], [b]) => a - b);
  differ(
    'positions',
    held(
      record.positions
        .filter((one) => one.account === account)
        .map(({ conId, position, averageCost }) => [conId, position, averageCost]),
    ),
    held(seen.positions.map((one) => [one.contract.conId, one.position, one.averageCost])),
  );
  differ(
    'cash',
    byCurrency(
      record.cash
        .filter((one) => one.account === account)
        .map(({ currency, cash }): [string, string] => [currency, new Decimal(cash).toFixed()]),
    ),
    byCurrency(seen.balances.map(({ currency, cash }): [string, string] => [currency, cash])),
  );
  return found;
}

function byCurrency(balances: readonly (readonly [string, string])[]) {
  return balances.toSorted(([a], [b]) => a.localeCompare(b));
}

function limitOf({ terms }: OrderBody): string | null | undefined {
  return terms?.orderType.includes('LMT') ? terms.limitPrice : null;
}

/** IB's word to ours. */
function statusOf(order: BrokerRecord['orders'][number]): string {
  const { status, filled, reason, completedStatus } = order;
  if (status === 'Inactive' && reason) return 'Rejected';
  if (status === 'Cancelled' && /expired/.test(completedStatus)) return 'Expired';
  if ((status === 'Submitted' || status === 'PreSubmitted') && filled !== '0') return 'PartiallyFilled';
  return status;
}
