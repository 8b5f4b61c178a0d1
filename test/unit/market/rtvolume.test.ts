import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatFixed } from '../../../lib/domain/market/fixed.ts';
import { createRtVolume, parseRtVolume } from '../../../lib/domain/market/rtvolume.ts';

describe('RTVolume', () => {
  it("reads IB's text", () => {
    const print = createRtVolume();
    const text = '187.53;100.0000000000000000;1767625800123;12345.0000000000000000;187.61234567;true';
    expect(parseRtVolume(text, print)).toBe(true);
    expect(print).toEqual({
      price: 18_753_000_000,
      size: 1_000_000,
      timeMs: 1_767_625_800_123,
      cumVolume: 123_450_000,
      hasPrice: true,
    });
  });

  it('tells an empty price, which is legal, from a malformed one', () => {
    const print = createRtVolume();
    expect(parseRtVolume(';3;1767625800123;12345;;false', print)).toBe(true);
    expect(print).toMatchObject({
      hasPrice: false,
      price: Number.NaN,
      size: 30_000,
    });
    expect(parseRtVolume('x;3;1767625800123;12345;;false', print)).toBe(false);
  });

  it('reads the same struct again without a trace of the print before', () => {
    const print = createRtVolume();
    parseRtVolume('-37.63;5;1587412800000;70;-20.5;true', print);
    expect(print).toMatchObject({
      price: -3_763_000_000,
      hasPrice: true,
    });
    parseRtVolume(';0;1587412800001;70;1.123456789;false', print);
    expect(print).toEqual({
      price: Number.NaN,
      size: 0,
      timeMs: 1_587_412_800_001,
      cumVolume: 700_000,
      hasPrice: false,
    });
  });

  it.each([
    '',
    ';',
    ';;;;;',
    '1;2;3;4',
    '1;2;3;4x;5;true',
    '-;2;3;4;5;true',
    '.;2;3;4;5;true',
    '１;2;3;4;5;true',
    `${'0'.repeat(300)}1;2;3;4;5;true`,
    '1;;3;4;5;true',
    '1;2;;4;5;true',
    '1;2;3;;5;true',
    '1; 2;3;4;5;true',
    '1;2;3.5;4;5;true',
    '1;2x;3;4;5;true',
    '1e;2;3;4;5;true',
    '0.123456789;2;3;4;5;true',
    '1;0.00001;3;4;5;true',
    '1;2;3;99999999999999999;5;true',
  ])('refuses %j', (text) => {
    expect(parseRtVolume(text, createRtVolume())).toBe(false);
  });

  it('does not look at what follows the cumulative volume: nothing rests on it', () => {
    const print = createRtVolume();
    for (const tail of ['', 'x', '5;yes', '1.123456789;true;;']) {
      expect(parseRtVolume(`1;2;3;4;${tail}`, print)).toBe(true);
      expect(print).toMatchObject({ price: 100_000_000, size: 20_000, timeMs: 3, cumVolume: 40_000 });
    }
  });

  it('reads back whatever is written, with padding and exponents as IB writes them', () => {
    const padded = (text: string) => (text.includes('.') ? `${text}00000000` : `${text}.0000000000000000`);
    fc.assert(
      fc.property(
        fc.integer({ min: -9e15, max: 9e15 }),
        fc.integer({ min: 0, max: 9e15 }),
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: 0, max: 9e15 }),
        fc.constantFrom(4, 8),
        fc.boolean(),
        (price, size, timeMs, cumVolume, sizeDecimals, single) => {
          const print = createRtVolume();
          const fields = [
            formatFixed(price),
            padded(formatFixed(size, sizeDecimals)),
            String(timeMs),
            padded(formatFixed(cumVolume, sizeDecimals)),
            formatFixed(price),
            String(single),
          ];
          expect(parseRtVolume(fields.join(';'), print, sizeDecimals)).toBe(true);
          expect(print).toEqual({ price, size, timeMs, cumVolume, hasPrice: true });
        },
      ),
      { numRuns: 2_000 },
    );
    const print = createRtVolume();
    expect(parseRtVolume('1E-7;1E+2;1767625800123;1.5E3;1;true', print)).toBe(true);
    expect(print).toMatchObject({ price: 10, size: 1_000_000, cumVolume: 15_000_000 });
  });
});
