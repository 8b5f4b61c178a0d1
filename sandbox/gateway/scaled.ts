/** Decimal text as integers scaled by a power of ten: exact sums without floats. */

export function decimalsOf(text: string): number {
  const dot = text.indexOf('.');
  return dot === -1 ? 0 : text.length - dot - 1;
}

/** `scaled('1313.7', 2)` is 131370n. `decimals` must be at least what the text has. */
export function scaled(text: string, decimals: number): bigint {
  const dot = text.indexOf('.');
  if (dot === -1) return decimals === 0 ? BigInt(text) : BigInt(text + '0'.repeat(decimals));
  return BigInt(text.slice(0, dot) + text.slice(dot + 1) + '0'.repeat(decimals - (text.length - dot - 1)));
}

/** Back to text, without trailing zeros. */
export function decimalText(value: bigint, decimals: number): string {
  if (decimals === 0) return value.toString();
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, -decimals)}${fraction === '' ? '' : `.${fraction}`}`;
}
