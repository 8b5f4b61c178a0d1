import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { positionSize } from '../../../lib/domain/safety/sizing.ts';

const gold = { riskAmount: '2500', entry: '2600', stop: '2590', multiplier: '100', lotSize: '1' };
const sizeOf = (more: Partial<typeof gold>) => {
  const sizing = positionSize({ ...gold, ...more });
  return sizing.ok ? sizing.quantity : sizing.code;
};

describe('position size', () => {
  it('is what may be lost by what one contract loses, with the multiplier, rounded down', () => {
    expect(positionSize(gold)).toEqual({ ok: true, quantity: '2', riskPerContract: '1000' });
    expect(sizeOf({ stop: '2610' })).toBe('2');
    expect(sizeOf({ riskAmount: '3000' })).toBe('3');
    expect(sizeOf({ riskAmount: '2999.99' })).toBe('2');
  });

  it('without the multiplier would be a hundred times too large', () => {
    expect(sizeOf({ multiplier: '1' })).toBe('250');
  });

  it('keeps zero at zero: one contract too much is no rounding', () => {
    expect(sizeOf({ riskAmount: '999.99' })).toBe('0');
    expect(sizeOf({ riskAmount: '0' })).toBe('0');
  });

  it('is a multiple of the lot', () => {
    expect(sizeOf({ lotSize: '100', multiplier: '1', riskAmount: '2990' })).toBe('200');
    expect(sizeOf({ lotSize: '0.0001', multiplier: '1', riskAmount: '1' })).toBe('0.1');
  });

  it('has none for a stop at the entry, and never Infinity', () => {
    expect(positionSize({ ...gold, stop: '2600.0' })).toMatchObject({ ok: false, code: 'STOP_AT_ENTRY' });
  });

  it.each([
    { riskAmount: '-1' },
    { riskAmount: 'Infinity' },
    { entry: '' },
    { stop: 'NaN' },
    { multiplier: '0' },
    { lotSize: '-1' },
    { lotSize: '0' },
  ])('takes no %o, and says what it takes', (wrong) => {
    const sizing = positionSize({ ...gold, ...wrong });
    expect(sizing).toMatchObject({ ok: false, code: 'SIZE_INPUT_INVALID' });
    expect(sizing.ok ? '' : sizing.message).toContain(Object.keys(wrong)[0]);
  });

  it('risks no more than was said, and one lot more would', () => {
    const ticks = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(
        ticks,
        ticks,
        fc.integer({ min: 0, max: 10_000_000 }),
        ticks,
        (entry, stop, risk, multiplier) => {
          fc.pre(entry !== stop);
          // Prices in tenths, risk in tenths as well: whole numbers throughout.
          const tenths = (value: number) => `${Math.floor(value / 10)}.${value % 10}`;
          const size = BigInt(
            sizeOf({
              riskAmount: tenths(risk),
              entry: tenths(entry),
              stop: tenths(stop),
              multiplier: String(multiplier),
            }),
          );
          const perContract = BigInt(Math.abs(entry - stop)) * BigInt(multiplier);
          expect(size * perContract <= BigInt(risk)).toBe(true);
          expect((size + 1n) * perContract > BigInt(risk)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
