/** Decimals of the broker: prices, quantities and money are never floats. */
import { Decimal as DecimalJs } from 'decimal.js';

/** Forty digits, so that an average that does not come out even is exact wherever anybody looks. */
export const Decimal = DecimalJs.clone({ precision: 40, toExpNeg: -60, toExpPos: 60 });
export type Decimal = DecimalJs;

export const zero = new Decimal(0);
export const decimal = (value: string | number | Decimal): Decimal => new Decimal(value);

/** Averages and money on the wire: at most `decimals` places, without trailing zeros. */
export const rounded = (value: Decimal, decimals = 10): string => value.toDecimalPlaces(decimals).toFixed();

/** Account values as IB writes them, with two places. */
export const cents = (value: Decimal): string => value.toFixed(2);
