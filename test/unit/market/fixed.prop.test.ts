import { Decimal } from 'decimal.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatFixed,
  formatPrice,
  formatSize,
  fromNumber,
  parseFixed,
  parsePrice,
  parseSize,
  sizeDecimalsFor,
} from '../../../lib/domain/market/fixed.ts';
import { createRtVolume, parseRtVolume } from '../../../lib/domain/market/rtvolume.ts';

const Exact = Decimal.clone({ precision: 400, toExpNeg: -9e15, toExpPos: 9e15 });

/** What a text must become, by decimal.js: the scaled integer, or NaN when it does not fit or loses a digit. */
function oracle(text: string, decimals: number): number {
  const scaled = new Exact(text).times(new Exact(10).pow(decimals));
  const fits = scaled.isInteger() && scaled.abs().lte(Number.MAX_SAFE_INTEGER);
  return fits ? scaled.toNumber() + 0 : Number.NaN;
}

const digits = (min: number, max: number) =>
  fc
    .array(fc.constantFrom('0', '0', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'), {
      minLength: min,
      maxLength: max,
    })
    .map((chars) => chars.join(''));

const decimalText = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    digits(1, 17),
    fc.option(digits(0, 20)),
    fc.option(
      fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '-', '+'), fc.integer({ min: 0, max: 25 })),
    ),
  )
  .map(([sign, whole, fraction, exponent]) => {
    const power = exponent === null ? '' : exponent.join('');
    return `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${power}`;
  });

const scales = fc.constantFrom(0, 4, 8);
const many = { numRuns: 5_000 };

describe('scaled integers', () => {
  it('parse decimal text exactly as decimal.js reads it, or refuse it', () => {
    fc.assert(
      fc.property(decimalText, scales, (text, decimals) => {
        expect(parseFixed(text, decimals)).toBe(oracle(text, decimals));
      }),
      many,
    );
  });

  it('are read out of an RTVolume as they are parsed alone, plain or not', () => {
    const print = createRtVolume();
    fc.assert(
      fc.property(decimalText, decimalText, (price, size) => {
        const expected = [oracle(price, 8), oracle(size, 4)];
        const isRead = parseRtVolume(`${price};${size};3;4;`, print);
        expect(isRead).toBe(!expected.some(Number.isNaN));
        if (isRead) expect([print.price, print.size]).toEqual(expected);
      }),
      many,
    );
  });

  it('read a double as its shortest decimal text', () => {
    const doubles = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: -1e7, max: 1e7, noNaN: true }),
      fc
        .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 9 }))
        .map(([n, power]) => n / 10 ** power),
      fc.constantFrom(0.1 + 0.2, 1.7976931348623157e308, 5e-324, 2 ** 53 + 2, 90071992.54740991, 1e-7, -0),
    );
    fc.assert(
      fc.property(doubles, scales, (value, decimals) => {
        expect(fromNumber(value, decimals)).toBe(oracle(String(value), decimals));
      }),
      { numRuns: 20_000 },
    );
  });

  it('format to canonical text, which parses back to the same integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), scales, (value, decimals) => {
        const text = formatFixed(value, decimals);
        expect(text).toMatch(/^(?!-0$)-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
        expect(parseFixed(text, decimals)).toBe(value + 0);
        expect(text).toBe(new Exact(value).div(new Exact(10).pow(decimals)).toFixed());
      }),
      many,
    );
  });

  it.each([
    ['100.0000000000000000', 1_000_000],
    ['0', 0],
    ['-0.0', 0],
    ['.5', 5_000],
    ['5.', 50_000],
    ['1E+2', 1_000_000],
    ['25e-1', 25_000],
    ['-3.25', -32_500],
  ])('parse %s with four decimals to %d', (text, scaled) => {
    expect(parseSize(text)).toBe(scaled);
  });

  it.each([
    '',
    ' ',
    '-',
    '+',
    '.',
    '-.',
    'e5',
    '1e',
    '1e+',
    '1.2.3',
    '1,5',
    ' 1',
    '1 ',
    '0x10',
    'NaN',
    'Infinity',
    '1_000',
    '--1',
    '٣',
    '0.00001',
    '1e-5',
    '900719925475',
    '1e300',
    `1${'0'.repeat(400)}`,
  ])('refuse %j as a size', (text) => {
    expect(parseSize(text)).toBeNaN();
  });

  it('take the largest price that fits, and refuse the next one', () => {
    expect(formatPrice(parsePrice('90071992.54740991'))).toBe('90071992.54740991');
    expect(parsePrice('90071992.54740992')).toBeNaN();
  });

  it('have no text for what is no scaled integer', () => {
    for (const value of [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => formatPrice(value)).toThrow(RangeError);
    }
  });

  it('scale sizes by the security type', () => {
    expect(formatSize(parseSize('0.00000001', sizeDecimalsFor('CRYPTO')), sizeDecimalsFor('CRYPTO'))).toBe(
      '0.00000001',
    );
    expect(parseSize('0.00000001', sizeDecimalsFor('STK'))).toBeNaN();
  });
});
