import { describe, expect, it } from 'vitest';
import { aggregate, compare, type NaiveBar, prints } from '../../bench/feed/prints.ts';
import { type BenchResult, renderTable, verdictOf, withUnit } from '../../bench/figure.ts';
import { median, percentile, slope, spread } from '../../bench/statistics.ts';

describe('sums over measurements', () => {
  it('the median of an odd, an even and no number of values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('a percentile is a value that was measured, the smallest that the share does not exceed', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(percentile(values, 0.99)).toBe(198);
    expect(percentile(values, 0.5)).toBe(100);
    expect(percentile(values, 1)).toBe(200);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.99)).toBeNaN();
  });

  it('a slope is that of the line through the points, whatever their order; logarithms make it an exponent', () => {
    expect(slope([1, 2, 3], [5, 7, 9])).toBeCloseTo(2);
    expect(slope([3, 1, 2], [9, 5, 7])).toBeCloseTo(2);
    expect(slope([0, 1, 2], [0, 3, 0])).toBeCloseTo(0);
    expect(slope([1, 2, 4].map(Math.log), [3, 12, 48].map(Math.log))).toBeCloseTo(2);
    expect(slope([1], [1])).toBeNaN();
  });

  it('sorts numbers as numbers and leaves its input alone', () => {
    const values = [10, 9, 100];
    expect(spread(values)).toEqual({ min: 9, median: 10, max: 100 });
    expect(values).toEqual([10, 9, 100]);
  });
});

describe('verdicts', () => {
  const figure = { name: 'ratio', value: 70, unit: '%', budget: { kind: 'at-least', value: 70 } } as const;

  it('a budget is met at its edge, missed beyond it, and worth nothing in an invalid run', () => {
    expect(verdictOf(figure, false)).toBe('met');
    expect(verdictOf({ ...figure, value: 69.9 }, false)).toBe('missed');
    expect(verdictOf(figure, true)).toBe('invalid');
    expect(verdictOf({ ...figure, value: Number.NaN }, false)).toBe('invalid');
    expect(verdictOf({ ...figure, budget: { kind: 'at-most', value: 50 } }, false)).toBe('missed');
    expect(verdictOf({ name: 'memory', value: 1, unit: 'MiB' }, false)).toBe('');
  });

  it('the table says which run is invalid and why', () => {
    const results: BenchResult[] = [
      { name: 'tick-path', figures: [figure], invalid: 'the client was idle', notes: ['5 rounds'] },
      { name: 'bundles', figures: [{ name: 'size', value: 482.2, unit: 'KiB' }] },
    ];
    const lines = renderTable(results).split('\n');
    expect(lines[2]).toMatch(/^tick-path +ratio +70 % +>= 70 % +invalid$/);
    expect(lines[3]).toMatch(/^bundles +size +482 KiB$/);
    expect(lines.slice(4)).toEqual(['', 'tick-path: INVALID: the client was idle', 'tick-path: 5 rounds']);
  });

  it('figures have three digits, large ones all of them', () => {
    expect([
      withUnit(0.012345, 'ms'),
      withUnit(71.66, '%'),
      withUnit(1_152_002.4, 'ticks/s'),
      withUnit(5, ''),
      withUnit(77.991, 'USD'),
    ]).toEqual(['0.0123 ms', '71.7 %', '1,152,002 ticks/s', '5', '77.99 USD']);
  });
});

describe('the tape of the benchmarks', () => {
  const options = { seed: 7, count: 5_000, startMs: Date.UTC(2026, 0, 5, 14, 30), perSecond: 1_000 };

  it('is the same for the same seed, in time order, with a growing volume and about the asked pace', () => {
    const tape = [...prints(options)];
    expect([...prints(options)]).toEqual(tape);
    expect([...prints({ ...options, seed: 8 })]).not.toEqual(tape);
    let lastMs = options.startMs;
    let volume = 0;
    for (const { timeMs, text } of tape) {
      const [price = '', size = '', time, cumulative = ''] = text.split(';');
      expect(Number(time)).toBe(timeMs);
      expect(timeMs).toBeGreaterThanOrEqual(lastMs);
      expect(Number(price) * 10).toBeCloseTo(Math.round(Number(price) * 10), 9);
      volume += Number(size);
      expect(Number(cumulative)).toBe(volume);
      lastMs = timeMs;
    }
    expect(lastMs - options.startMs).toBeGreaterThan(4_800);
    expect(lastMs - options.startMs).toBeLessThan(5_200);
  });

  const bars = new Map<number, NaiveBar>();
  for (const text of [
    '10.5;2;60000;2;10;true',
    '11;1;60000;3;10;true',
    '9.9;4;119999;7;10;true',
    '10;1;120000;8;10;true',
  ]) {
    aggregate(bars, text, 60_000);
  }
  const first = {
    startMs: 60_000,
    open: '10.5',
    high: '11',
    low: '9.9',
    close: '9.9',
    volume: '7',
    tickCount: 3,
  };
  const second = {
    startMs: 120_000,
    open: '10',
    high: '10',
    low: '10',
    close: '10',
    volume: '1',
    tickCount: 1,
  };

  it('makes the bars that a plain aggregation makes', () => {
    expect(compare([...bars.values()], [first, second])).toEqual([]);
  });

  it.each([
    ['a missing candle', [first], /00:02:00.*no candle/],
    ['one that is there twice', [first, second, second], /00:02:00.*twice/],
    ['one too many', [first, second, { ...second, startMs: 180_000 }], /00:03:00.*should not be there/],
    [
      'a wrong volume',
      [{ ...first, volume: '8' }, second],
      /00:01:00.*10.5 11 9.9 9.9 8 3 instead of 10.5 11 9.9 9.9 7 3/,
    ],
    ['a tick too few', [{ ...first, tickCount: 2 }, second], /00:01:00/],
  ])('sees %s', (_, candles, words) => {
    const wrong = compare([...bars.values()], candles);
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(words);
  });
});
