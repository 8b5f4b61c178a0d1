import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameSubmission, signatureKeys, submissionOf } from '../../../lib/domain/safety/submission.ts';
import { intentKey } from '../../../lib/events/command.ts';
import { bracket, leg, market } from '../../helpers/gate-picture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const buy = { symbol: 'GC', quantity: '1', price: '2600.1', side: 'BUY' };
const keyOf = (more: Partial<typeof buy> = {}, atMs = 1_000_000) =>
  signatureKeys({ ...buy, ...more }, atMs, sha256).own;

describe('the signature of a submission without a key', () => {
  it('is sha256(symbol|qty|price|side|timestamp_rounded)', () => {
    const digest = sha256('GC|1|2600.1|BUY|1000000');
    expect(keyOf({}, 1_009_999)).toBe(`SIG-${digest.slice(0, 32)}`);
    expect(intentKey.safeParse(keyOf()).success).toBe(true);
  });

  it('is one for one number, however it is written', () => {
    expect(keyOf({ quantity: '1.0', price: '02600.10' })).toBe(keyOf());
    expect(keyOf({ quantity: '10' })).not.toBe(keyOf());
  });

  it.each([{ symbol: 'GCG6' }, { quantity: '2' }, { price: '2600.2' }, { side: 'SELL' }])(
    'differs with %o',
    (other) => {
      expect(keyOf(other)).not.toBe(keyOf());
    },
  );

  it('of two moments at most ten seconds apart is among the keys of each other, on both sides of an edge', () => {
    const moment = fc.integer({ min: 0, max: 2_000_000_000_000 });
    fc.assert(
      fc.property(moment, fc.integer({ min: -25_000, max: 25_000 }), (aMs, apart) => {
        fc.pre(aMs + apart >= 0);
        const { own, neighbours } = signatureKeys(buy, aMs, sha256);
        const other = signatureKeys(buy, aMs + apart, sha256).own;
        const isFound = own === other || neighbours.includes(other);
        expect(isSameSubmission(aMs, aMs + apart)).toBe(Math.abs(apart) <= 10_000);
        if (Math.abs(apart) <= 10_000) expect(isFound).toBe(true);
        if (Math.abs(apart) >= 20_000) expect(isFound).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on what is no number', () => {
    for (const quantity of ['', 'NaN', '1e999999999', '9'.repeat(100_000)])
      expect(keyOf({ quantity })).toMatch(/^SIG-/);
  });
});

describe('what is submitted', () => {
  const signature = (legs: Parameters<typeof submissionOf>[1]) =>
    signatureKeys(submissionOf('GC', legs), 0, sha256).own;

  it('is told apart by type, prices and legs, not by the order of the legs', () => {
    const { legs } = bracket();
    const others = [
      [leg()],
      [leg({ ...market })],
      [leg({ orderType: 'STP', limitPrice: null, stopPrice: '2600.1' })],
      legs,
      legs.slice(0, 2),
      bracket({ leg: 'stop-loss', stopPrice: '2591' }).legs,
    ].map(signature);
    expect(new Set(others).size).toBe(others.length);
    expect(signature([...legs].reverse())).toBe(signature(legs));
  });

  it('of one order at one price has the signature of that price', () => {
    expect(submissionOf('GC', [leg()])).toMatchObject({ quantity: '1', side: 'BUY', price: '2600.1/' });
  });
});
