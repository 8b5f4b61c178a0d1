import type { TradedContract } from './contract.ts';
import type { OrderIdentity, Side } from './order-report.ts';

/**
 * One execution, or the correction of one. IB numbers corrections in the last part of the execId: `….01.02` replaces
 * `….01.01`. Base and revision are the execId before and after its last dot.
 */
export interface FillReport extends OrderIdentity {
  readonly execId: string;
  readonly execBase: string;
  readonly revision: number;
  readonly contract: TradedContract;
  readonly side: Side;
  /** Never negative; `0` is a bust, the execution did not happen. Decimal text. */
  readonly quantity: string;
  readonly price: string;
  /** IB's time of the execution, Unix milliseconds, UTC. */
  readonly timeMs: number;
  readonly exchange: string;
  /** IB closed the position by itself. */
  readonly liquidation: boolean;
  /** 0 unknown, 1 added, 2 removed, 3 routed out. */
  readonly liquidity: number;
  /** As IB says, decimal text; for comparison only, our own sums are the book's. */
  readonly cumulativeQuantity: string;
  readonly averagePrice: string;
  /** Made by reconcile to explain a position whose real execution is unknown; the real one replaces it. */
  readonly synthetic: boolean;
}

/** What an execution cost. IB sends it after the execution, by the same execId, or never. */
export interface CommissionReport {
  /** Order of the execution; `''` where the execution is not known. */
  readonly orderKey: string;
  readonly execId: string;
  readonly execBase: string;
  readonly revision: number;
  /** Decimal text; negative for a rebate. */
  readonly commission: string;
  readonly currency: string;
  /** Decimal text; null where IB gave its sentinel. */
  readonly realizedPnl: string | null;
}
