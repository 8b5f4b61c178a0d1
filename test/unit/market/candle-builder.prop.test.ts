/** What holds for the candle builder whatever comes in. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candle } from '../../../lib/domain/market/candle.ts';
import {
  type BuilderConfig,
  type BuilderEffect,
  type BuilderInput,
  type BuilderState,
  builderStats,
  createBuilder,
  deadline,
  type HistoricalBar,
  step,
} from '../../../lib/domain/market/candle-builder.ts';
import { parsePrice, parseSize } from '../../../lib/domain/market/fixed.ts';
import { createCalendar } from '../../../lib/domain/market/sessions.ts';
import { baseConfig, minuteMs, store } from './builder-harness.ts';
import { aggregate, type PlainBar, type Print, printsArb, winterHours, winterStartMs } from './streams.ts';

const calendar = createCalendar(winterHours.text, winterHours.timeZone);
const config: BuilderConfig = { ...baseConfig, calendar };

interface Timed {
  readonly nowMs: number;
  readonly input: BuilderInput;
}

interface Run {
  readonly state: BuilderState;
  readonly effects: BuilderEffect[];
  readonly candles: Candle[];
  readonly gaps: { fromMs: number; toMs: number }[];
}

/** Runs frozen inputs, so that a builder that changed one would throw, and closes everything at the end. */
function run(inputs: readonly Timed[], overrides: Partial<BuilderConfig> = {}): Run {
  const state = createBuilder({ ...config, ...overrides });
  const effects: BuilderEffect[] = [];
  const take = (input: BuilderInput, nowMs: number) =>
    effects.push(...step(state, Object.freeze(input), nowMs).effects);
  let nowMs = 0;
  for (const { input, nowMs: at } of inputs) {
    nowMs = Math.max(nowMs, at);
    take(input, nowMs);
  }
  take({ kind: 'clock' }, nowMs + 10 * minuteMs);
  return {
    state,
    effects,
    candles: effects.flatMap((effect) => (effect.kind === 'candle' ? [effect.candle] : [])),
    gaps: effects.flatMap((effect) => (effect.kind === 'gap' ? [effect] : [])),
  };
}

const gained = (fromMs: number): Timed => ({ nowMs: fromMs, input: { kind: 'coverage-gained', fromMs } });
const trade = (print: Print, nowMs = print.timeMs): Timed => ({ nowMs, input: { kind: 'trade', ...print } });
const byArrival = (a: Timed, b: Timed) => a.nowMs - b.nowMs;

/** Live bars as plain numbers. */
function plain(candle: Candle): PlainBar {
  const { open, high, low, close, volume, tickCount } = candle;
  return {
    open: parsePrice(open),
    high: parsePrice(high),
    low: parsePrice(low),
    close: parsePrice(close),
    volume: parseSize(volume),
    tickCount,
  };
}

const live = (candles: readonly Candle[]) =>
  new Map(
    candles.filter((candle) => candle.source === 'live').map((candle) => [candle.startMs, plain(candle)]),
  );

const delaysArb = (prints: readonly Print[], maxMs: number) =>
  fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: maxMs })), {
    minLength: prints.length,
    maxLength: prints.length,
  });

const runs = { numRuns: process.env.EVENKEEL_PROOF ? 20_000 : 250 };

describe('candle builder, properties', () => {
  it('any permutation of RTVolume prints within the grace gives the same bars', () => {
    const arb = printsArb().chain((prints) =>
      fc.tuple(
        fc.constant(prints),
        // Anywhere between its own time and the next moment at which a bar closes, up to a minute late.
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.999, noNaN: true })), {
          minLength: prints.length,
          maxLength: prints.length,
        }),
        // What arrives at one moment comes in any order.
        fc.array(fc.nat(), { minLength: prints.length, maxLength: prints.length }),
        fc.array(fc.nat({ max: 600_000 }), { maxLength: 5 }),
      ),
    );
    fc.assert(
      fc.property(arb, ([prints, delays, ties, clocks]) => {
        const start = gained(winterStartMs);
        const inOrder = run([start, ...prints.map((print) => trade(print))]);
        const shuffled = prints
          .map((print, index) => {
            const patience = nextCloseAfter(print.timeMs) - print.timeMs;
            return {
              ...trade(print, print.timeMs + Math.floor(patience * delays[index]!)),
              tie: ties[index]!,
            };
          })
          .sort((a, b) => a.nowMs - b.nowMs || a.tie - b.tie);
        const ticking = clocks.map((at): Timed => ({ nowMs: winterStartMs + at, input: { kind: 'clock' } }));
        const lastMs = shuffled.at(-1)!.nowMs;
        const late = run([
          start,
          ...[...shuffled, ...ticking.filter(({ nowMs }) => nowMs <= lastMs)].sort(byArrival),
        ]);

        expect(live(late.candles)).toEqual(aggregate(prints));
        expect(late.candles).toEqual(inOrder.candles);
        expect(late.candles.every((candle) => !candle.partial && candle.revision === 0)).toBe(true);
        expect(late.gaps).toEqual([]);
        expect(builderStats(late.state)).toMatchObject({
          trades: prints.length,
          duplicates: 0,
          corrections: 0,
          holes: 0,
        });
      }),
      runs,
    );
  });

  it('prints that are late by up to the grace give the same numbers; where they straddle a close, with a gap', () => {
    const arb = printsArb().chain((prints) =>
      fc.tuple(fc.constant(prints), delaysArb(prints, config.graceMs - 1)),
    );
    fc.assert(
      fc.property(arb, ([prints, delays]) => {
        const inputs = prints
          .map((print, index) => trade(print, print.timeMs + delays[index]!))
          .sort(byArrival);
        const result = run([gained(winterStartMs), ...inputs]);
        expect(live(result.candles)).toEqual(aggregate(prints));
        expectExactOrGap(result, aggregate(prints));
        expect(builderStats(result.state)).toMatchObject({
          corrections: 0,
          lateTicks: 0,
          duplicates: 0,
          holes: 0,
        });
      }),
      runs,
    );
  });

  it('any duplication changes nothing', () => {
    const arb = printsArb().chain((prints) =>
      fc.tuple(
        fc.constant(prints),
        delaysArb(prints, config.graceMs - 1),
        fc.array(fc.tuple(fc.nat({ max: prints.length - 1 }), fc.nat({ max: 200_000 })), { maxLength: 20 }),
      ),
    );
    fc.assert(
      fc.property(arb, ([prints, delays, copies]) => {
        const once = prints.map((print, index) => trade(print, print.timeMs + delays[index]!));
        const copied = copies
          .filter(([index]) => prints[index]!.size > 0)
          .map(([index, later]) => trade(prints[index]!, once[index]!.nowMs + later));
        const lastMs = Math.max(...once.map(({ nowMs }) => nowMs));
        const inTime = copied.filter(({ nowMs }) => nowMs <= lastMs);
        const start = gained(winterStartMs);
        const without = run([start, ...once.toSorted(byArrival)]);
        // A stable sort: a copy never comes before its original.
        const withCopies = run([start, ...[...once, ...inTime].sort(byArrival)]);
        expect(withCopies.candles).toEqual(without.candles);
        expect(builderStats(withCopies.state)).toMatchObject({
          duplicates: inTime.length,
          trades: prints.length,
        });
      }),
      runs,
    );
  });

  it('a repeated price without volume changes no number of a bar but its count of prints', () => {
    const arb = printsArb().chain((prints) =>
      fc.tuple(fc.constant(prints), fc.array(fc.nat({ max: prints.length - 1 }), { maxLength: 10 })),
    );
    const numbers = (candles: readonly Candle[]) => candles.map((candle) => ({ ...candle, tickCount: 0 }));
    fc.assert(
      fc.property(arb, ([prints, copies]) => {
        const again = copies
          .filter((index) => prints[index]!.size === 0)
          .map((index) => trade(prints[index]!));
        const start = gained(winterStartMs);
        const once = prints.map((print) => trade(print));
        const both = run([start, ...[...once, ...again].sort(byArrival)]);
        expect(numbers(both.candles)).toEqual(numbers(run([start, ...once]).candles));
      }),
      runs,
    );
  });

  it('volume is conserved, however late prints come', () => {
    const arb = printsArb().chain((prints) => fc.tuple(fc.constant(prints), delaysArb(prints, 200_000)));
    fc.assert(
      fc.property(arb, ([prints, delays]) => {
        const inputs = prints
          .map((print, index) => trade(print, print.timeMs + delays[index]!))
          .sort(byArrival);
        const { candles, effects, state } = run([gained(winterStartMs), ...inputs]);
        let volume = 0;
        // What was told last about each bar: a store may prefer a flat bar to a partial one until history comes.
        const told = new Map(candles.map((candle) => [candle.startMs, candle]));
        for (const candle of told.values()) volume += parseSize(candle.volume);
        for (const effect of effects) if (effect.kind === 'late-tick') volume += effect.size;
        expect(volume).toBe(prints.reduce((sum, print) => sum + print.size, 0));
        const { trades, lateTicks, duplicates } = builderStats(state);
        expect(trades + lateTicks).toBe(prints.length);
        expect(duplicates).toBe(0);
      }),
      runs,
    );
  });

  it('bars close in time order, and revisions of a bar grow by one', () => {
    const arb = printsArb().chain((prints) => fc.tuple(fc.constant(prints), delaysArb(prints, 70_000)));
    fc.assert(
      fc.property(arb, ([prints, delays]) => {
        const inputs = prints
          .map((print, index) => trade(print, print.timeMs + delays[index]!))
          .sort(byArrival);
        const { effects } = run([gained(winterStartMs), ...inputs]);
        const revisions = new Map<number, number>();
        for (const effect of effects) {
          if (effect.kind !== 'candle') continue;
          const { startMs, revision } = effect.candle;
          expect(revision).toBe((revisions.get(startMs) ?? -1) + 1);
          expect(effect.type).toBe(revision === 0 ? 'completed' : 'corrected');
          revisions.set(startMs, revision);
        }
        const onTime = run([gained(winterStartMs), ...prints.map((print) => trade(print))]).candles;
        const starts = onTime.map((candle) => candle.startMs);
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
        expect(new Set(starts).size).toBe(starts.length);
      }),
      runs,
    );
  });

  it('after random outages every bar is complete and exact, or inside of a gap; backfill then makes all exact', () => {
    const outage = fc.tuple(fc.nat({ max: 400_000 }), fc.nat({ max: 200_000 }));
    const arb = fc.tuple(
      printsArb({ maxLength: 80 }),
      fc.nat({ max: 90_000 }),
      fc.array(outage, { maxLength: 5 }),
    );
    fc.assert(
      fc.property(arb, ([prints, startsIn, pauses]) => {
        // given times of lost and gained coverage, one after the other
        const inputs: Timed[] = [];
        const outages: [number, number][] = [[Number.NEGATIVE_INFINITY, winterStartMs + startsIn]];
        let at = winterStartMs + startsIn;
        inputs.push(gained(at));
        for (const [after, lasts] of pauses) {
          const lostAt = at + after;
          at = lostAt + lasts;
          outages.push([lostAt, at]);
          inputs.push({
            nowMs: lostAt,
            input: { kind: 'coverage-lost', atMs: lostAt, reason: 'disconnected' },
          });
          inputs.push(gained(at));
        }
        // when the prints of the outages are missed
        const isSeen = (print: Print) =>
          !outages.some(([from, to]) => print.timeMs >= from && print.timeMs < to);
        inputs.push(...prints.filter(isSeen).map((print) => trade(print)));
        inputs.sort(byArrival);
        const result = run(inputs, { resumeFromMs: winterStartMs });
        // then
        expectExactOrGap(result, aggregate(prints));
        // and when history fills the gaps
        expectHealed(result, aggregate(prints), inputs.at(-1)!.nowMs + 10 * minuteMs);
      }),
      runs,
    );
  });

  it('prints that go missing without notice leave their bars in a gap as soon as the volume shows it in time', () => {
    const arb = printsArb({ minLength: 3, maxLength: 80 }).chain((prints) =>
      fc.tuple(
        fc.constant(prints),
        fc.array(fc.boolean(), { minLength: prints.length, maxLength: prints.length }),
        fc.constantFrom(2, 3, 64),
      ),
    );
    fc.assert(
      fc.property(arb, ([prints, wanted, maxHoles]) => {
        const lost = new Set<number>();
        for (const [index, drop] of wanted.entries())
          if (drop && isShownInTime(prints, wanted, index)) lost.add(index);
        const kept = prints.filter((_, index) => !lost.has(index));
        const result = run([gained(winterStartMs), ...kept.map((print) => trade(print))], { maxHoles });
        expectExactOrGap(result, aggregate(prints));
        expectHealed(result, aggregate(prints), prints.at(-1)!.timeMs + 10 * minuteMs);
      }),
      runs,
    );
  });

  it('the deadline is the first moment at which a clock closes something', () => {
    const arb = printsArb({ maxLength: 30 });
    fc.assert(
      fc.property(arb, (prints) => {
        const state = createBuilder(config);
        step(state, gained(winterStartMs).input, winterStartMs);
        for (const print of prints) step(state, trade(print).input, print.timeMs);
        for (let rounds = 0; rounds < 10; rounds += 1) {
          const dueMs = deadline(state);
          if (dueMs === Number.POSITIVE_INFINITY) return;
          expect(step(state, { kind: 'clock' }, dueMs - 1).effects).toEqual([]);
          expect(step(state, { kind: 'clock' }, dueMs).effects).not.toEqual([]);
        }
        throw new Error('a builder without prints went on closing bars');
      }),
      runs,
    );
  });

  it('the same inputs give the same effects, byte for byte', () => {
    const arb = printsArb().chain((prints) => fc.tuple(fc.constant(prints), delaysArb(prints, 90_000)));
    fc.assert(
      fc.property(arb, ([prints, delays]) => {
        const inputs = prints
          .map((print, index) => trade(print, print.timeMs + delays[index]!))
          .sort(byArrival);
        const once = JSON.stringify(run([gained(winterStartMs), ...inputs]).effects);
        expect(JSON.stringify(run([gained(winterStartMs), ...inputs]).effects)).toBe(once);
      }),
      { numRuns: 100 },
    );
  });

  it('arbitrary inputs never throw, and every candle is sound', () => {
    const anyNumber = fc.oneof(
      fc.integer({ min: -5, max: 5 }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, -0, 1e8, -1e8),
      fc.integer({ min: 0, max: 5e9 }),
    );
    const anyTime = fc.oneof(
      fc.integer({ min: winterStartMs - 300_000, max: winterStartMs + 900_000 }),
      fc.constantFrom(Number.NaN, 0),
    );
    const input: fc.Arbitrary<BuilderInput> = fc.oneof(
      fc.record({
        kind: fc.constant('trade' as const),
        timeMs: fc.oneof(anyTime, fc.constantFrom(-1, 8.64e15, 1e300, Number.NEGATIVE_INFINITY)),
        price: anyNumber,
        size: anyNumber,
        cumVolume: anyNumber,
      }),
      fc.constant({ kind: 'clock' as const }),
      fc.record({ kind: fc.constant('coverage-lost' as const), atMs: anyTime, reason: fc.constant('x') }),
      fc.record({ kind: fc.constant('coverage-gained' as const), fromMs: anyTime }),
      fc.record({ kind: fc.constant('halt' as const), halted: fc.boolean(), atMs: anyTime }),
    );
    const sources = fc.constantFrom('rtvolume' as const, 'tick-by-tick' as const, 'tick8' as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(input, anyTime), { maxLength: 60 }), sources, (inputs, volumeSource) => {
        const result = run(
          inputs.map(([each, nowMs]) => ({ input: each, nowMs: Number.isNaN(nowMs) ? 0 : nowMs })),
          { volumeSource },
        );
        for (const candle of result.candles) {
          const { open, high, low, close, volume } = plain(candle);
          expect(low).toBeLessThanOrEqual(Math.min(open, close));
          expect(high).toBeGreaterThanOrEqual(Math.max(open, close));
          expect(volume).toBeGreaterThanOrEqual(0);
          expect(candle.startMs % minuteMs).toBe(0);
        }
        for (const gap of result.gaps) {
          expect(gap.fromMs).toBeLessThan(gap.toMs);
          expect(Math.abs(gap.fromMs % minuteMs) + Math.abs(gap.toMs % minuteMs)).toBe(0);
        }
      }),
      runs,
    );
  });
});

/** The next moment after `ms` at which some bar closes. */
function nextCloseAfter(ms: number): number {
  return (Math.floor((ms - config.graceMs) / minuteMs) + 1) * minuteMs + config.graceMs;
}

/** Whether losing this print shows in the volume of a later print before its bar closes, whatever else is lost. */
function isShownInTime(prints: readonly Print[], wanted: readonly boolean[], index: number): boolean {
  const print = prints[index]!;
  if (print.size === 0) return false;
  const date = calendar.sessionDateAt(print.timeMs);
  const sameCount = (other: Print) => calendar.sessionDateAt(other.timeMs) === date;
  const closesMs = (Math.floor(print.timeMs / minuteMs) + 1) * minuteMs + config.graceMs;
  const before = prints.slice(0, index).some((other, at) => !wanted[at] && sameCount(other));
  const after = prints
    .slice(index + 1)
    .some((other, at) => !wanted[index + 1 + at] && sameCount(other) && other.timeMs < closesMs);
  return before && after;
}

function expectExactOrGap(result: Run, truth: Map<number, PlainBar>): void {
  const inGap = (startMs: number) => result.gaps.some((gap) => startMs >= gap.fromMs && startMs < gap.toMs);
  const stored = store(result.candles);
  for (const [startMs, bar] of truth) {
    if (inGap(startMs)) continue;
    const candle = stored.get(startMs);
    expect(candle).toMatchObject({ source: 'live', partial: false });
    expect(plain(candle!)).toEqual(bar);
  }
  for (const [startMs, candle] of stored) {
    if (candle.partial) expect(inGap(startMs)).toBe(true);
    if (candle.source === 'flat' && !inGap(startMs)) expect(truth.has(startMs)).toBe(false);
  }
}

function expectHealed(result: Run, truth: Map<number, PlainBar>, nowMs: number): void {
  const bars = [...truth].map(([startMs, bar]): HistoricalBar => ({ startMs, ...bar }));
  const candles = [...result.candles];
  for (const { fromMs, toMs } of result.gaps) {
    const { effects } = step(result.state, { kind: 'backfill', fromMs, toMs, bars }, nowMs);
    for (const effect of effects) if (effect.kind === 'candle') candles.push(effect.candle);
  }
  const healed = [...store(candles).values()].filter((candle) => candle.source !== 'flat');
  expect(new Map(healed.map((candle) => [candle.startMs, plain(candle)]))).toEqual(truth);
  expect(healed.every((candle) => !candle.partial)).toBe(true);
}
