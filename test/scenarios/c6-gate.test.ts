/** C6, what the gate and the signature decide by themselves: one order for one intent, and nothing that must not leave. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canTrade } from '../../lib/domain/safety/gate.ts';
import type { TradingPicture } from '../../lib/domain/safety/gate-types.ts';
import { positionSize } from '../../lib/domain/safety/sizing.ts';
import { isSameSubmission, signatureKeys, submissionOf } from '../../lib/domain/safety/submission.ts';
import { allowedBy, bracket, leg, market, place, spy, verdictOf, well } from '../helpers/gate-picture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const at = (time: string) => Date.parse(`2026-01-05T${time}Z`);

/** Keys under which orders are known already, with their times: what the reservation looks at. */
class Intents {
  readonly known = new Map<string, number>();

  /** Whether an order leaves for what is submitted. */
  submit(wish: Parameters<typeof submissionOf>[1], atMs: number, key?: string): boolean {
    const { own, neighbours } = signatureKeys(submissionOf('GC', wish), atMs, sha256);
    const keys = key === undefined ? [own, ...neighbours] : [key];
    const isKnown = keys.some((each) => {
      const before = this.known.get(each);
      return before !== undefined && (key !== undefined || isSameSubmission(before, atMs));
    });
    if (!isKnown) this.known.set(key ?? own, atMs);
    return !isKnown;
  }
}

describe('C6 one intent, one order', () => {
  it('S102 same intent twice: a double click, a retry, a delivery again are one order', () => {
    const keyed = new Intents();
    expect(keyed.submit([leg()], at('14:30:00.000'), 'GC-1430')).toBe(true);
    expect(keyed.submit([leg()], at('14:30:00.300'), 'GC-1430')).toBe(false);
    expect(keyed.submit([leg({ quantity: '2' })], at('18:00:00.000'), 'GC-1430')).toBe(false);
    const unkeyed = new Intents();
    expect(unkeyed.submit([leg()], at('14:30:01.000'))).toBe(true);
    expect(unkeyed.submit([leg({ quantity: '1.0', limitPrice: '2600.10' })], at('14:30:01.300'))).toBe(false);
  });

  it('S103 two legitimately identical orders 7 s apart: with two keys both, without keys one', () => {
    const intents = new Intents();
    expect(intents.submit([leg()], at('14:30:01.000'), 'first')).toBe(true);
    expect(intents.submit([leg()], at('14:30:08.000'), 'second')).toBe(true);
    const unkeyed = new Intents();
    expect(unkeyed.submit([leg()], at('14:30:01.000'))).toBe(true);
    expect(unkeyed.submit([leg()], at('14:30:08.000'))).toBe(false);
    // Apart by more than the window they are two, in the window another price is another order.
    expect(unkeyed.submit([leg()], at('14:30:11.001'))).toBe(true);
    expect(unkeyed.submit([leg({ limitPrice: '2600.2' })], at('14:30:12.000'))).toBe(true);
  });

  it('S104 same intent straddling a time bucket is one', () => {
    const intents = new Intents();
    expect(intents.submit([leg()], at('14:30:09.999'))).toBe(true);
    expect(intents.submit([leg()], at('14:30:10.001'))).toBe(false);
    expect(intents.submit([leg()], at('14:30:19.999'))).toBe(false);
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: -20_000, max: 20_000 }), (aMs, apart) => {
        const either = new Intents();
        either.submit([leg()], 100_000 + aMs);
        expect(either.submit([leg()], 100_000 + aMs + apart)).toBe(Math.abs(apart) > 10_000);
      }),
      { numRuns: 300 },
    );
  });
});

describe('C6 nothing leaves that must not', () => {
  const held = (more: Partial<TradingPicture>): TradingPicture => ({ ...well, position: '3', ...more });
  const trading = (mode: 'halted' | 'reduce-only') =>
    ({ mode, by: 'me', reason: 'news', at: '', source: 'stored' }) as const;
  const stop = (quantity: string) =>
    place({ action: 'SELL', quantity, orderType: 'STP', limitPrice: null, stopPrice: '2590' });

  it('S077 SAFE_MODE: no order of anybody leaves, also none that would reduce', () => {
    const flags = { ...well.flags, flags: { ...well.flags.flags, SAFE_MODE: true } };
    for (const wish of [place(), bracket(), stop('3'), { ...stop('3'), by: 'person' as const }]) {
      expect(canTrade(held({ flags }), wish)).toMatchObject({
        verdict: 'deny',
        code: 'SAFE_MODE',
        allowed: expect.stringContaining("a person's cancel"),
      });
    }
  });

  it('S112 a stop submitted while halted is denied; while reduce-only it leaves if it protects', () => {
    expect(verdictOf(stop('3'), held({ trading: trading('halted') }))).toBe('HALTED');
    expect(verdictOf(stop('3'), held({ trading: trading('reduce-only') }))).toBe('send');
    expect(verdictOf(stop('4'), held({ trading: trading('reduce-only') }))).toBe('REDUCE_ONLY');
    expect(verdictOf(bracket(), held({ trading: trading('reduce-only') }))).toBe('REDUCE_ONLY');
  });

  it('S115 price off tick or quantity off lot is denied with what would be allowed, never rounded', () => {
    expect(verdictOf(place({ limitPrice: '2600.13' }))).toBe('TICK_SIZE');
    expect(allowedBy(place({ limitPrice: '2600.13' }))).toBe('2600.1 or 2600.2.');
    const lots = { ...well, lotSize: '100', limits: { ...well.limits, maxQuantity: null } };
    expect(verdictOf(place({ quantity: '250' }), lots)).toBe('LOT_SIZE');
    expect(allowedBy(place({ quantity: '250' }), lots)).toBe('200 or 300.');
  });

  it('S119 while the gateway waits for a login nothing is sent, and nothing is kept for later', () => {
    const session = { ready: false, canClose: false, phase: 'waiting-for-login', readOnlyApi: false };
    for (const wish of [place(), bracket(), { ...stop('3'), by: 'person' as const }]) {
      expect(canTrade(held({ session }), wish)).toMatchObject({
        code: 'NOT_CONNECTED',
        message: 'The session with the gateway is waiting-for-login, not ready.',
      });
    }
  });

  it('S122 a connected but dead socket: its feed is stale or lost, and no order rests on it', () => {
    for (const feed of ['stale', 'lost'] as const) {
      expect(verdictOf(place(market), held({ market: { ...well.market, feed } }))).toBe('FEED_STALE');
    }
  });

  it('S124 read-only API: denied before anything is sent', () => {
    expect(verdictOf(place(), held({ session: { ...well.session, readOnlyApi: true } }))).toBe(
      'API_READ_ONLY',
    );
  });

  it('S136 delayed or frozen data: trading is refused, for a way out as well', () => {
    for (const feed of ['delayed', 'frozen'] as const) {
      const picture = held({ market: { ...well.market, feed } });
      expect(verdictOf(place(), picture)).toBe('FEED_DELAYED');
      expect(verdictOf({ ...place({ action: 'SELL', quantity: '3' }), by: 'person' }, picture)).toBe(
        'FEED_DELAYED',
      );
      expect(allowedBy(place(), picture)).toContain('What works can be cancelled');
    }
  });

  it('S157 sizing with multiplier: a share, a micro and a full contract of one index', () => {
    const sizeOf = (multiplier: string, lotSize = '1') =>
      positionSize({ riskAmount: '1000', entry: '5000', stop: '4990', multiplier, lotSize });
    expect(sizeOf('1')).toMatchObject({ quantity: '100' });
    expect(sizeOf('5')).toMatchObject({ quantity: '20' });
    expect(sizeOf('50')).toMatchObject({ quantity: '2' });
    expect(sizeOf('250')).toMatchObject({ quantity: '0' });
  });

  it('a share is never ordered by a future, though both are asked for by number', () => {
    expect(verdictOf({ ...place(), conId: spy.conId })).toBe('CONTRACT_UNKNOWN');
  });
});
