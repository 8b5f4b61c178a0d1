import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createGapBook,
  deadline,
  firstPendingMs,
  type GapEffect,
  type GapInput,
  step,
} from '../../../lib/domain/market/gaps.ts';

const MINUTE = 60_000;
const config = {
  maxAttempts: 4,
  requestsPerTenMinutes: 60,
  retryMs: 15_000,
  maxInFlight: 5,
  answerTimeoutMs: 60_000,
  maxPending: 100,
};

function driver(overrides: Partial<typeof config> = {}) {
  const state = createGapBook({ ...config, ...overrides });
  const clock = { systemMs: 1_000_000, marketMs: 0 };
  const feed = (input: GapInput): readonly GapEffect[] =>
    step(state, input, clock.systemMs, clock.marketMs).effects;
  feed({ kind: 'history', available: true });
  return { state, clock, feed };
}

const kinds = (effects: readonly GapEffect[]): string[] => effects.map((effect) => effect.kind);
const bar = (startMs: number) => ({ startMs, open: 1, high: 1, low: 1, close: 1, volume: 1, tickCount: 1 });
const requestOf = (effects: readonly GapEffect[]) =>
  effects.find((effect) => effect.kind === 'request') as Extract<GapEffect, { kind: 'request' }>;

describe('gap book', () => {
  it('asks only when the last bar of the gap is over by the market clock', () => {
    const { feed, clock } = driver();
    clock.marketMs = 2 * MINUTE - 1;
    expect(kinds(feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: 2 * MINUTE, reason: 'restart' }))).toEqual([
      'detected',
    ]);
    clock.marketMs = 2 * MINUTE;
    expect(requestOf(feed({ kind: 'tick' }))).toMatchObject({ conId: 1, fromMs: 0, toMs: 2 * MINUTE });
  });

  it('an answer becomes bars for the builder and then gap.filled; bars outside of the gap are left out', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    const { key } = requestOf(feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'start' }));
    const effects = feed({ kind: 'answer', key, bars: [bar(-MINUTE), bar(0), bar(MINUTE)] });
    expect(effects).toMatchObject([
      { kind: 'bars', bars: [{ startMs: 0 }] },
      { kind: 'filled', bars: 1 },
    ]);
    expect(firstPendingMs(state, 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('gaps of one instrument that wait together are one request, and each is filled', () => {
    const { feed, clock } = driver();
    feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'a' });
    feed({ kind: 'gap', conId: 1, fromMs: 3 * MINUTE, toMs: 4 * MINUTE, reason: 'b' });
    clock.marketMs = 5 * MINUTE;
    const effects = feed({ kind: 'tick' });
    expect(kinds(effects)).toEqual(['request']);
    expect(requestOf(effects)).toMatchObject({ fromMs: 0, toMs: 4 * MINUTE });
    const answered = feed({
      kind: 'answer',
      key: requestOf(effects).key,
      bars: [bar(0), bar(2 * MINUTE), bar(3 * MINUTE)],
    });
    expect(kinds(answered)).toEqual(['bars', 'filled', 'bars', 'filled']);
  });

  it('a refused request waits, is tried again, and is abandoned after its attempts', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    let effects = feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' });
    for (let attempt = 1; attempt < config.maxAttempts; attempt++) {
      const failed = feed({
        kind: 'failure',
        key: requestOf(effects).key,
        message: '162: pacing',
        noData: false,
      });
      expect(kinds(failed)).toEqual([]);
      clock.systemMs += config.retryMs - 1;
      expect(kinds(feed({ kind: 'tick' }))).toEqual([]);
      expect(deadline(state, clock.systemMs, clock.marketMs)).toBe(clock.systemMs + 1);
      clock.systemMs += 1;
      effects = feed({ kind: 'tick' });
      expect(kinds(effects)).toEqual(['request']);
    }
    const last = feed({
      kind: 'failure',
      key: requestOf(effects).key,
      message: '162: pacing',
      noData: false,
    });
    expect(last).toMatchObject([{ kind: 'abandoned', lastError: '162: pacing' }]);
    expect(state.gaps.size).toBe(0);
  });

  it('history that says three times that there is no data is believed', () => {
    const { feed, clock } = driver();
    clock.marketMs = MINUTE;
    let effects = feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' });
    for (let attempt = 0; attempt < 2; attempt++) {
      feed({ kind: 'failure', key: requestOf(effects).key, message: 'no data', noData: true });
      clock.systemMs += config.retryMs;
      effects = feed({ kind: 'tick' });
    }
    expect(
      feed({ kind: 'failure', key: requestOf(effects).key, message: 'no data', noData: true }),
    ).toMatchObject([{ kind: 'filled', bars: 0 }]);
  });

  it('the same is never asked again within the 15 s of the broker, however short the configured pause', () => {
    const { feed, clock, state } = driver({ retryMs: 1_000 });
    clock.marketMs = MINUTE;
    const effects = feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' });
    clock.systemMs += 200;
    feed({ kind: 'failure', key: requestOf(effects).key, message: 'no data', noData: true });
    expect(deadline(state, clock.systemMs, clock.marketMs)).toBe(clock.systemMs + 14_800);
    clock.systemMs += 14_799;
    expect(kinds(feed({ kind: 'tick' }))).toEqual([]);
    clock.systemMs += 1;
    expect(kinds(feed({ kind: 'tick' }))).toEqual(['request']);
  });

  it('a lost link takes requests back, and they go out again when history is there', () => {
    const { feed, clock } = driver();
    clock.marketMs = MINUTE;
    const first = requestOf(feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' }));
    feed({ kind: 'history', available: false });
    expect(kinds(feed({ kind: 'answer', key: first.key, bars: [bar(0)] }))).toEqual([]);
    expect(kinds(feed({ kind: 'history', available: true }))).toEqual(['request']);
  });

  it('an answer that never comes counts as failed', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' });
    expect(deadline(state, clock.systemMs, clock.marketMs)).toBe(clock.systemMs + config.answerTimeoutMs);
    clock.systemMs += config.answerTimeoutMs;
    feed({ kind: 'tick' });
    clock.systemMs += config.retryMs;
    expect(kinds(feed({ kind: 'tick' }))).toEqual(['request']);
  });

  it('with as many requests out as may be it sleeps until an answer: a sixth instrument does not make it spin', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    for (let conId = 1; conId <= 6; conId += 1)
      feed({ kind: 'gap', conId, fromMs: 0, toMs: MINUTE, reason: 'restart' });
    expect(state.requests.size).toBe(config.maxInFlight);
    const sentAtMs = clock.systemMs;
    clock.systemMs += 1_000;
    expect(deadline(state, clock.systemMs, clock.marketMs)).toBe(sentAtMs + config.answerTimeoutMs);
    const [key] = state.requests.keys();
    expect(requestOf(feed({ kind: 'answer', key: key!, bars: [] }))).toMatchObject({ conId: 6 });
  });

  it('requests that a lost link took back use up no attempts: the gap is not abandoned at the first refusal', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    let effects = feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' });
    for (let lost = 0; lost < config.maxAttempts + 1; lost += 1) {
      clock.systemMs += 1_000;
      feed({ kind: 'history', available: false });
      effects = feed({ kind: 'history', available: true });
    }
    const { key } = requestOf(effects);
    expect(kinds(feed({ kind: 'failure', key, message: '162: pacing', noData: false }))).toEqual([]);
    expect(state.gaps.size).toBe(1);
  });

  it('refusals are not counted as words that there is no data', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    let effects = feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' });
    for (let refused = 0; refused < 2; refused += 1) {
      feed({ kind: 'failure', key: requestOf(effects).key, message: '162: pacing', noData: false });
      clock.systemMs += config.retryMs;
      effects = feed({ kind: 'tick' });
    }
    const { key } = requestOf(effects);
    expect(kinds(feed({ kind: 'failure', key, message: '162: no data', noData: true }))).toEqual([]);
    expect(state.gaps.size).toBe(1);
  });

  it('gaps of an instrument that nobody follows any more are abandoned, also with a request out; others stay', () => {
    const { feed, clock, state } = driver();
    clock.marketMs = MINUTE;
    const { key } = requestOf(feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'x' }));
    feed({ kind: 'gap', conId: 1, fromMs: 5 * MINUTE, toMs: 6 * MINUTE, reason: 'x' });
    feed({ kind: 'gap', conId: 2, fromMs: 0, toMs: MINUTE, reason: 'x' });
    const effects = feed({ kind: 'retire', conId: 1, reason: 'rolled to GCJ6' });
    expect(effects).toMatchObject([
      { kind: 'abandoned', lastError: 'rolled to GCJ6' },
      { kind: 'abandoned', lastError: 'rolled to GCJ6' },
    ]);
    expect(kinds(feed({ kind: 'answer', key, bars: [bar(0)] }))).toEqual([]);
    expect([...state.gaps.values()].map((gap) => gap.conId)).toEqual([2]);
    expect(state).toMatchObject({ abandoned: 2, filled: 0 });
  });

  it('keeps to the pacing of the broker whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ conId: fc.integer({ min: 1, max: 3 }), waitMs: fc.integer({ min: 0, max: 4_000 }) }),
          {
            maxLength: 150,
          },
        ),
        (arrivals) => {
          const { feed, clock } = driver({ requestsPerTenMinutes: 20, maxInFlight: 50 });
          clock.marketMs = 1_000 * MINUTE;
          const sent: { atMs: number; conId: number }[] = [];
          let at = 0;
          for (const { conId, waitMs } of arrivals) {
            clock.systemMs += waitMs;
            const effects = feed({
              kind: 'gap',
              conId,
              fromMs: at++ * MINUTE,
              toMs: at * MINUTE,
              reason: 'x',
            });
            for (const effect of effects) {
              if (effect.kind !== 'request') continue;
              sent.push({ atMs: clock.systemMs, conId: effect.conId });
              feed({ kind: 'answer', key: effect.key, bars: [] });
            }
          }
          for (const { atMs, conId } of sent) {
            expect(
              sent.filter((other) => other.atMs > atMs - 600_000 && other.atMs <= atMs).length,
            ).toBeLessThanOrEqual(20);
            const same = sent.filter(
              (other) => other.conId === conId && other.atMs > atMs - 2_000 && other.atMs <= atMs,
            );
            expect(same.length).toBeLessThanOrEqual(5);
          }
        },
      ),
    );
  });

  it('is bounded: one gap too many abandons the oldest, and tells', () => {
    const { feed, state } = driver({ maxPending: 2 });
    feed({ kind: 'gap', conId: 1, fromMs: 0, toMs: MINUTE, reason: 'a' });
    feed({ kind: 'gap', conId: 1, fromMs: MINUTE, toMs: 2 * MINUTE, reason: 'b' });
    const effects = feed({ kind: 'gap', conId: 1, fromMs: 2 * MINUTE, toMs: 3 * MINUTE, reason: 'c' });
    expect(kinds(effects)).toEqual(['abandoned', 'detected']);
    expect(state.gaps.size).toBe(2);
    expect(state.abandoned).toBe(1);
  });
});
