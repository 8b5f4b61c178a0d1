import { Decimal } from 'decimal.js';
import type { ExposureShown, PositionShown } from '../wire/shapes.ts';

/** Positions that are priced, the first of the list: each costs a read. */
const pricedMax = 100;

/**
 * What each position is worth: quantity times price times multiplier, in the contract's currency.
 *
 * @param lastPrice close of the last bar as decimal text; undefined where there is none
 */
export async function exposureOf(
  positions: readonly PositionShown[],
  lastPrice: (conId: number) => Promise<string | undefined>,
): Promise<readonly ExposureShown[]> {
  const shown: ExposureShown[] = [];
  for (const [at, each] of positions.entries()) {
    const { conId, symbol, localSymbol, currency, position, averagePrice, multiplier } = each;
    if (new Decimal(position).isZero()) continue;
    const last = at < pricedMax ? await lastPrice(conId) : undefined;
    const price = last ?? averagePrice;
    const times = multiplier === '' ? '1' : multiplier;
    shown.push({
      conId,
      symbol: localSymbol || symbol,
      currency,
      position,
      price,
      priceFrom: last === undefined ? 'cost' : 'candle',
      notional: new Decimal(position).times(price).times(times).toFixed(),
    });
  }
  return shown.sort((a, b) => new Decimal(b.notional).abs().comparedTo(new Decimal(a.notional).abs()));
}
