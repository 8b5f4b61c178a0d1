import type { TradedContract } from '../orders/contract.ts';

/** A position as IB has it. Zero is said too: a position that is gone must not stay in the book. */
export interface PositionReport {
  readonly contract: TradedContract;
  /** Negative when short. Decimal text. */
  readonly position: string;
  /** As IB says it: price × multiplier, commission included, for derivatives. Decimal text. */
  readonly averageCost: string;
  /** `averageCost` divided by the multiplier: a price. Decimal text, at most 12 decimals. */
  readonly averagePrice: string;
}

/** Cash of one currency. Decimal text. */
export interface BalanceReport {
  readonly currency: string;
  readonly cash: string;
}
