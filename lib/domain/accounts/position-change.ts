/** What a position of IB means for the book, and when it is another than the last one told. */
import type { PositionFact } from '../orders/broker-facts.ts';
import { amount, derivedPrice, plain } from '../orders/decimals.ts';
import type { PositionReport } from './position-report.ts';

/** The report of a position. Without a usable multiplier the cost is the price (stocks: `ib-facts` 15). */
export function positionReport(fact: PositionFact): PositionReport {
  const cost = amount(fact.averageCost);
  const multiplier = amount(fact.contract.multiplier);
  return {
    contract: fact.contract,
    position: plain(amount(fact.position)),
    averageCost: plain(cost),
    averagePrice: derivedPrice(multiplier.isZero() ? cost : cost.div(multiplier)),
  };
}

/** The same contract without a position. */
export function closedPosition({ contract }: PositionReport): PositionReport {
  return { contract, position: '0', averageCost: '0', averagePrice: '0' };
}

export function isFlat(report: PositionReport): boolean {
  return report.position === '0';
}

/** The contract's texts differ from list to list (exchange above all): its conId, the size and the cost are the position. */
export function samePosition(a: PositionReport, b: PositionReport): boolean {
  return a.position === b.position && a.averageCost === b.averageCost && a.averagePrice === b.averagePrice;
}

/** Positions are told apart by account and contract: two expiries, or two accounts, are two positions. */
export function positionId(account: string, { contract }: Pick<PositionReport, 'contract'>): string {
  return `${account}:${contract.conId}`;
}
