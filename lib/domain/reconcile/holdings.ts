/**
 * Size and average price of a position, read so that the broker's and the book's can be compared: the broker's cost is
 * price × multiplier for derivatives (`ib-facts` 15), and decimals come through floats.
 */
import type { PositionReport } from '../accounts/position-report.ts';
import type { Instrument } from '../market/instrument.ts';
import type { PositionFact } from '../orders/broker-facts.ts';
import type { TradedContract } from '../orders/contract.ts';
import { type Amount, amount, derivedPrice, plain, zero } from '../orders/decimals.ts';

/** The finest that IB counts in, for crypto currencies. What lies beyond was left there by a float. */
const sizeDecimalsMax = 8;

/** Held in whole numbers: one contract more or less is never a matter of precision. */
const countedClasses: readonly string[] = ['FUT', 'OPT', 'FOP', 'BAG', 'WAR', 'IOPT'];

export function sizeOf(text: string): Amount {
  return amount(text).toDecimalPlaces(sizeDecimalsMax);
}

/** @param tolerance of the rules, decimal text */
export function sameSize(a: Amount, b: Amount, secType: string, tolerance: string): boolean {
  const difference = a.minus(b).abs();
  if (difference.lte(tolerance)) return true;
  return !countedClasses.includes(secType) && difference.lte(amount('1e-8'));
}

/** The contract's own, else that of the instrument: IB leaves it out of some lists, and `1` says then nothing. */
export function multiplierOf({ multiplier }: TradedContract, instrument: Instrument | undefined): Amount {
  const own = usable(multiplier);
  const known = usable(instrument?.multiplier ?? '');
  if (own === null || (own.eq(1) && known !== null)) return known ?? amount('1');
  return own;
}

function usable(text: string): Amount | null {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value > 0 ? amount(text.trim()) : null;
}

/** Null where the broker gives no cost that can be one: nothing, 0, or the largest double. */
export function averagePriceOf(
  averageCost: string,
  contract: TradedContract,
  instrument: Instrument | undefined,
): Amount | null {
  const cost = averageCost.trim() === '' ? Number.NaN : Number(averageCost);
  if (!Number.isFinite(cost) || cost === 0 || Math.abs(cost) > 1e300) return null;
  return amount(averageCost.trim()).div(multiplierOf(contract, instrument));
}

/** What the book says of a position that the broker has: the same as the streamer would have said. */
export function reportOf(fact: PositionFact, instrument: Instrument | undefined): PositionReport {
  const price = averagePriceOf(fact.averageCost, fact.contract, instrument);
  return {
    contract: fact.contract,
    position: plain(amount(fact.position)),
    averageCost: price === null ? '0' : plain(amount(fact.averageCost.trim())),
    averagePrice: derivedPrice(price ?? zero),
  };
}
