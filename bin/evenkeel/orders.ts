import type { Cli } from './cli.ts';
import { readOrder, showOrder } from './order-history.ts';
import { isOpen, type OrderRow, orderCells, orderColumns, readOrderRows } from './order-rows.ts';
import { count, table, type View } from './view.ts';

export interface Orders {
  readonly account: string;
  readonly orders: readonly OrderRow[];
}

export async function readOrders(
  book: Parameters<typeof readOrderRows>[0],
  account: string,
  all = false,
): Promise<Orders> {
  const rows = await readOrderRows(book, account);
  return { account, orders: all ? rows : rows.filter(isOpen) };
}

export function showOrders({ account, orders }: Orders, all: boolean, view: View): string {
  if (orders.length === 0)
    return `${account} has no ${all ? 'order' : 'open order; --all shows the ended ones too'}.`;
  const drawn = table(
    view,
    orderColumns,
    orders.map((row) => orderCells(row, view)),
  );
  return `${drawn}\n${view.colours.dim(count(orders.length, all ? 'order' : 'open order'))}`;
}

export function addOrders({ program, run }: Cli): void {
  const orders = program
    .command('orders')
    .description('open orders, by the book')
    .option('--all', 'ended orders too')
    .action(
      run<{ all?: boolean }>(async ({ ports, account, view }, { all = false }) => {
        const result = await readOrders(ports.book, account, all);
        return { result, text: () => showOrders(result, all, view) };
      }),
    );
  orders
    .command('show')
    .description('one order with its fills, its bracket and every event that changed it')
    .argument('<ref>', "order key (P1873465), IB's permId, or orderRef")
    .action(
      run<{ args: readonly [string] }>(async ({ ports, account, view }, { args: [ref] }) => {
        const result = await readOrder(ports, account, ref);
        return { result, text: () => showOrder(result, view) };
      }),
    );
}
