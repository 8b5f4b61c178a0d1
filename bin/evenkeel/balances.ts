import type { BalanceBody } from '../../lib/domain/book/accounts.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import type { Cli } from './cli.ts';
import { grouped, table, type View } from './view.ts';

export interface Balances {
  readonly account: string;
  /** Cash of each currency, decimal text. */
  readonly balances: readonly { readonly currency: string; readonly cash: string }[];
}

/** Cash of the account, by the book. */
export async function readBalances(book: BookReader, account: string): Promise<Balances> {
  const balances: { currency: string; cash: string }[] = [];
  for await (const { body } of book.list(account, 'cash')) {
    const { currency, cash } = body as unknown as BalanceBody;
    balances.push({ currency, cash });
  }
  return { account, balances };
}

export function showBalances({ account, balances }: Balances, view: View): string {
  if (balances.length === 0) return `The book has no balance of ${account} yet.`;
  const rows = balances.map(({ currency, cash }) => [currency, grouped(cash)]);
  return table(view, [{ name: 'currency' }, { name: 'cash', right: true }], rows);
}

export function addBalances({ program, run }: Cli): void {
  program
    .command('balances')
    .description('cash of each currency, by the book')
    .action(
      run(async ({ ports, account, view }) => {
        const result = await readBalances(ports.book, account);
        return { result, text: () => showBalances(result, view) };
      }),
    );
}
