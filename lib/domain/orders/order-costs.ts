/** What an order cost and what it realised, by currency. */
import type { CommissionLedger, LedgerCommission } from './commission-ledger.ts';
import { type Amount, amount, plain, zero } from './decimals.ts';
import { fillKey } from './exec-id.ts';
import type { CountedFill } from './fill-count.ts';
import type { LedgerFill } from './fill-ledger.ts';
import type { OrderView } from './order-view.ts';

/**
 * Sums what is known. A corrected execution costs what was said of its own revision, else of the one before; a busted
 * one only what was said of the bust itself. A combination is charged by its legs. What is in quarantine is left out.
 */
export function costsOf(
  commissions: CommissionLedger,
  counts: readonly CountedFill[],
): Pick<OrderView, 'commissions' | 'realizedPnl' | 'withoutCommission'> {
  const costs = new Map<string, Amount>();
  const pnl = new Map<string, Amount>();
  const withoutCommission: string[] = [];
  const legs = counts.some(({ holding }) => holding);
  for (const { fill, standing, holding } of counts) {
    if (holding !== legs || (standing !== 'booked' && standing !== 'busted')) continue;
    const cost = costOf(commissions, fill, standing === 'busted' ? fill.revision : 0);
    if (cost === undefined) {
      if (standing === 'booked' && !fill.synthetic) withoutCommission.push(fill.execId);
      continue;
    }
    add(costs, cost.currency, cost.commission);
    if (cost.realizedPnl !== null) add(pnl, cost.currency, cost.realizedPnl);
  }
  return { commissions: texts(costs), realizedPnl: texts(pnl), withoutCommission };
}

/** Of the execution's own revision, else of the nearest lower one from `revisionMin` on. */
function costOf(
  commissions: CommissionLedger,
  { execBase, revision }: LedgerFill,
  revisionMin: number,
): LedgerCommission | undefined {
  for (let at = revision; at >= revisionMin; at -= 1) {
    const cost = commissions[fillKey({ execBase, revision: at })];
    if (cost !== undefined) return cost;
  }
  return undefined;
}

function add(sums: Map<string, Amount>, currency: string, text: string): void {
  sums.set(currency, (sums.get(currency) ?? zero).plus(amount(text)));
}

function texts(sums: ReadonlyMap<string, Amount>): { readonly [currency: string]: string } {
  const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([currency, value]) => [currency, plain(value)]));
}
