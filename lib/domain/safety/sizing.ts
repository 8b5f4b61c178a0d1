/** How many contracts lose no more than a given amount when their stop is hit. */
import { plain } from '../orders/decimals.ts';
import { readDecimal } from './price-steps.ts';

/** Decimal text throughout. */
export interface SizingInput {
  /** What may be lost, in the contract's currency; 0 or more. */
  readonly riskAmount: string;
  readonly entry: string;
  /** Below the entry for a long position, above it for a short one. */
  readonly stop: string;
  /** Value of one point of price: 50 for ES, 100 for GC, 1 for a share. */
  readonly multiplier: string;
  /** Least quantity and its step. */
  readonly lotSize: string;
}

export type Sizing =
  /** Decimal text; `0` where one lot would already risk more. */
  | { readonly ok: true; readonly quantity: string; readonly riskPerContract: string }
  | { readonly ok: false; readonly code: 'SIZE_INPUT_INVALID' | 'STOP_AT_ENTRY'; readonly message: string };

/** Rounded down to the lot. Slippage and commission come on top of it: a stop is no promise of its price. */
export function positionSize(input: SizingInput): Sizing {
  const riskAmount = readDecimal(input.riskAmount);
  const entry = readDecimal(input.entry);
  const stop = readDecimal(input.stop);
  const multiplier = readDecimal(input.multiplier);
  const lotSize = readDecimal(input.lotSize);
  if (riskAmount === undefined || riskAmount.lt(0))
    return invalid('riskAmount', input, 'decimal text, 0 or more');
  if (entry === undefined) return invalid('entry', input, 'decimal text');
  if (stop === undefined) return invalid('stop', input, 'decimal text');
  if (multiplier === undefined || multiplier.lte(0))
    return invalid('multiplier', input, 'decimal text above 0');
  if (lotSize === undefined || lotSize.lte(0)) return invalid('lotSize', input, 'decimal text above 0');
  const riskPerContract = entry.minus(stop).abs().times(multiplier);
  if (riskPerContract.isZero()) {
    return {
      ok: false,
      code: 'STOP_AT_ENTRY',
      message: `The stop is at the entry, ${plain(entry)}: nothing would be at risk, and no size follows from it. Put the stop where the idea is wrong.`,
    };
  }
  const lots = riskAmount.dividedToIntegerBy(riskPerContract.times(lotSize));
  return { ok: true, quantity: plain(lots.times(lotSize)), riskPerContract: plain(riskPerContract) };
}

function invalid(field: keyof SizingInput, input: SizingInput, wanted: string): Sizing {
  return {
    ok: false,
    code: 'SIZE_INPUT_INVALID',
    message: `${field} is ${JSON.stringify(input[field].slice(0, 40))}; it must be ${wanted}.`,
  };
}
