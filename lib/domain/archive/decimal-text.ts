/** Decimal text as the whole number that a DECIMAL column stores, and back; exact both ways. */
import { decimalPrecision } from './columns.ts';

const limit = 10n ** BigInt(decimalPrecision);

/** `1323.4` at scale 2 is 132340; undefined for what is no decimal text or would lose a digit. */
export function unscaled(text: string, scale: number): bigint | undefined {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign = '', whole = '', given = ''] = parts;
  const fraction = given.replace(/0+$/, '');
  if (fraction.length > scale) return undefined;
  const value = BigInt(whole + fraction.padEnd(scale, '0'));
  if (value >= limit) return undefined;
  return sign === '-' ? -value : value;
}

/** 132340 at scale 2 is `1323.4`: canonical, without trailing zeros. */
export function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return value < 0n ? `-${text}` : text;
}
