/** Which of IB's account values are cash of a currency, and when it is another than the last one told. */
import type { AccountValueFact } from '../orders/broker-facts.ts';
import { amount, plain } from '../orders/decimals.ts';
import type { BalanceReport } from './position-report.ts';

/** IB says the same cash under two names; where an account has both, the first one here is followed. */
const cashKeys: readonly string[] = ['TotalCashBalance', 'CashBalance'];

export interface CashValue {
  readonly balance: BalanceReport;
  /** Lower is preferred. */
  readonly rank: number;
}

/** Cash of one currency, or undefined. `BASE` is the sum of all in the base currency, not a currency. */
export function cashValue(fact: AccountValueFact): CashValue | undefined {
  const rank = cashKeys.indexOf(fact.key);
  if (rank < 0 || fact.currency === '' || fact.currency === 'BASE') return undefined;
  if (!/^[-+]?\d*\.?\d+([eE][-+]?\d+)?$/.test(fact.value.trim())) return undefined;
  return { balance: { currency: fact.currency, cash: plain(amount(fact.value.trim())) }, rank };
}

/** What is kept of a currency: `told` is undefined before the first word. */
export function followsCash(told: CashValue | undefined, next: CashValue): boolean {
  return told === undefined || next.rank <= told.rank;
}

export function cashId(account: string, currency: string): string {
  return `${account}:${currency}`;
}
