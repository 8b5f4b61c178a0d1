import { Decimal } from 'decimal.js';
import type { FillBody } from '../../lib/domain/book/fills.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import type { Cli } from './cli.ts';
import { count, grouped, iso, shortened, table, time, type View } from './view.ts';
import { parseWhen, whenHelp } from './when.ts';

export interface FillRow {
  readonly execId: string;
  readonly orderKey: string;
  /** IB's time of the execution; ISO-8601, UTC. */
  readonly at: string | null;
  readonly symbol: string;
  readonly conId: number;
  readonly side: string;
  /** Decimal text, as are price, commission and profit; `0` is a bust. */
  readonly quantity: string;
  readonly price: string;
  readonly exchange: string;
  readonly commission: string | null;
  readonly commissionCurrency: string | null;
  readonly realizedPnl: string | null;
  /** Made by reconcile; the real execution replaces it. */
  readonly synthetic: boolean;
  /** Corrections that led to it. */
  readonly revision: number;
}

export interface Fills {
  readonly account: string;
  readonly fills: readonly FillRow[];
}

/** The executions as they stand: of each the latest revision, by time. */
export async function readFills(
  book: BookReader,
  account: string,
  { sinceMs = 0, orderKey }: { readonly sinceMs?: number; readonly orderKey?: string } = {},
): Promise<Fills> {
  const latest = new Map<string, FillBody>();
  // In order of base and revision: the last one of a base stays.
  for await (const { body } of book.list(account, 'fill')) {
    const fill = body as unknown as FillBody;
    if (fill.report !== null) latest.set(fill.execBase, fill);
  }
  const fills = [...latest.values()]
    .filter(
      (fill) => fill.report!.timeMs >= sinceMs && (orderKey === undefined || fill.orderKey === orderKey),
    )
    .sort((a, b) => a.report!.timeMs - b.report!.timeMs || (a.execId < b.execId ? -1 : 1))
    .map(rowOf);
  return { account, fills };
}

function rowOf({ report, orderKey, execId, revision, commission }: FillBody): FillRow {
  const { contract, side, quantity, price, exchange, timeMs, synthetic } = report!;
  return {
    execId,
    orderKey,
    at: iso(timeMs),
    symbol: contract.localSymbol || contract.symbol,
    conId: contract.conId,
    side,
    quantity,
    price,
    exchange,
    commission: commission?.commission ?? null,
    commissionCurrency: commission?.currency ?? null,
    realizedPnl: commission?.realizedPnl ?? null,
    synthetic,
    revision,
  };
}

export function showFills({ account, fills }: Fills, view: View): string {
  if (fills.length === 0) return `No fill of ${account} in that time.`;
  const rows = fills.map((fill) => [
    time(view, fill.at),
    fill.symbol,
    fill.side,
    grouped(fill.quantity),
    grouped(fill.price),
    fill.commission === null ? '' : `${shortened(fill.commission)} ${fill.commissionCurrency}`,
    fill.realizedPnl === null ? '' : shortened(fill.realizedPnl),
    fill.orderKey,
    fill.execId,
    noteOf(fill),
  ]);
  const columns = [
    { name: 'time' },
    { name: 'symbol' },
    { name: 'side' },
    { name: 'quantity', right: true },
    { name: 'price', right: true },
    { name: 'commission', right: true },
    { name: 'realized', right: true },
    { name: 'order' },
    { name: 'execId' },
    { name: '' },
  ];
  return `${table(view, columns, rows)}\n${view.colours.dim(count(fills.length, 'fill'))}`;
}

function noteOf({ quantity, synthetic, revision }: FillRow): string {
  if (new Decimal(quantity).isZero()) return 'busted';
  if (synthetic) return 'synthetic';
  return revision > 1 ? 'corrected' : '';
}

export function addFills({ program, run }: Cli): void {
  program
    .command('fills')
    .description('executions, corrections applied, by the book')
    .option('--since <time>', whenHelp)
    .action(
      run<{ since?: string }>(async ({ ports, account, view, io }, { since }) => {
        const sinceMs = since === undefined ? 0 : parseWhen(since, io.nowMs(), view.timeZone);
        const result = await readFills(ports.book, account, { sinceMs });
        return { result, text: () => showFills(result, view) };
      }),
    );
}
