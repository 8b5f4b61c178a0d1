import { Decimal } from 'decimal.js';
import type { PositionBody } from '../../lib/domain/book/accounts.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import type { Cli } from './cli.ts';
import { count, grouped, shortened, table, type View } from './view.ts';

export interface PositionRow {
  readonly conId: number;
  readonly symbol: string;
  readonly localSymbol: string;
  readonly secType: string;
  readonly currency: string;
  readonly multiplier: string;
  /** Negative when short. Decimal text. */
  readonly position: string;
  readonly averagePrice: string;
  readonly averageCost: string;
}

export interface Positions {
  readonly account: string;
  readonly positions: readonly PositionRow[];
}

/** What the account holds, by the book; positions that are closed only with `all`. */
export async function readPositions(book: BookReader, account: string, all = false): Promise<Positions> {
  const positions: PositionRow[] = [];
  for await (const { body } of book.list(account, 'position')) {
    const { contract, position, averagePrice, averageCost } = body as unknown as PositionBody;
    if (!all && new Decimal(position).isZero()) continue;
    const { conId, symbol, localSymbol, secType, currency, multiplier } = contract;
    positions.push({
      conId,
      symbol,
      localSymbol,
      secType,
      currency,
      multiplier,
      position,
      averagePrice,
      averageCost,
    });
  }
  positions.sort((a, b) => a.symbol.localeCompare(b.symbol) || a.conId - b.conId);
  return { account, positions };
}

export function showPositions({ account, positions }: Positions, view: View): string {
  if (positions.length === 0) return `${account} holds no position.`;
  const rows = positions.map((each) => [
    each.localSymbol || each.symbol,
    each.secType,
    grouped(each.position),
    shortened(each.averagePrice),
    shortened(each.averageCost),
    each.currency,
    String(each.conId),
  ]);
  const columns = [
    { name: 'symbol' },
    { name: 'type' },
    { name: 'position', right: true },
    { name: 'average price', right: true },
    { name: 'average cost', right: true },
    { name: 'currency' },
    { name: 'conId', right: true },
  ];
  return `${table(view, columns, rows)}\n${view.colours.dim(count(positions.length, 'position'))}`;
}

export function addPositions({ program, run }: Cli): void {
  program
    .command('positions')
    .description('what the account holds, by the book')
    .option('--all', 'closed positions too')
    .action(
      run<{ all?: boolean }>(async ({ ports, account, view }, { all }) => {
        const result = await readPositions(ports.book, account, all);
        return { result, text: () => showPositions(result, view) };
      }),
    );
}
