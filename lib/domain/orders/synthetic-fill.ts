/** Ids of the fills that reconcile makes where a position is known and its execution is not. */
import { amount, plain } from './decimals.ts';

export interface SyntheticFillName {
  readonly account: string;
  readonly conId: number;
  readonly orderKey: string;
  /** Decimal text. */
  readonly quantity: string;
  /** Filled quantity of the order with it; decimal text. */
  readonly cumulativeQuantity: string;
}

/** The same fill gets the same id after a restart. It has no dot and no `#`, so it is a base of its own at revision 0. */
export function syntheticExecId(name: SyntheticFillName): string {
  const { account, conId, orderKey, quantity, cumulativeQuantity } = name;
  const numbers = [quantity, cumulativeQuantity].map((text) => plain(amount(text)));
  return ['SYNTHETIC', account, String(conId), orderKey, ...numbers].map(escaped).join(':');
}

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E');
}
