/** Corners of the candle builder that the scenarios do not reach. */
import { describe, expect, it } from 'vitest';
import { step } from '../../../lib/domain/market/candle-builder.ts';
import { createCalendar } from '../../../lib/domain/market/sessions.ts';
import { baseMs, brief, Harness, historical, minuteMs } from './builder-harness.ts';

const second = 1_000;
const bar = (index: number) => baseMs + index * minuteMs;

describe('coverage', () => {
  it('a moment of coverage that lies ahead makes the bar before it partial and the one it begins complete', () => {
    const harness = new Harness();
    harness.gained(bar(1), bar(0) + 59 * second);
    harness.trade(bar(1) - 500, '100');
    harness.trade(bar(1) + second, '101');
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['101 101 101 101 1']);
    expect(harness.stats.ignored['before-coverage']).toBe(1);
    expect(harness.gaps).toEqual([]);
  });

  it('prints before the first proof of coverage make partial bars that are inside of the first gap', () => {
    const harness = new Harness();
    harness.trade(bar(0) + 50 * second, '100');
    harness.trade(bar(1) + 10 * second, '101');
    harness.gained(bar(2));
    harness.clock(bar(3));
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1 partial', '101 101 101 101 1 partial']);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(2), reason: 'start' }]);
  });

  it('a loss that turns out to be none has no gap and leaves the bar complete', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.lost(bar(0) + 10 * second, 'connectivity-lost');
    harness.gained(bar(0) + 10 * second, bar(0) + 25 * second);
    harness.trade(bar(0) + 30 * second, '101');
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 101 100 101 2']);
    expect(harness.gaps).toEqual([]);
  });

  it('bars that closed during such a loss are asked for all the same: they went out as partial', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.lost(bar(0) + 10 * second, 'connectivity-lost');
    harness.clock(bar(1) + 3 * second);
    harness.gained(bar(0) + 10 * second, bar(1) + 4 * second);
    harness.trade(bar(1) + 30 * second, '101');
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1 partial', '101 101 101 101 1']);
    expect(harness.gaps).toEqual([
      { kind: 'gap', fromMs: bar(0), toMs: bar(1), reason: 'connectivity-lost' },
    ]);
  });

  it('of several losses before the next proof the first one counts', () => {
    const harness = Harness.covered();
    harness.lost(bar(1) + second, 'connectivity-lost');
    harness.lost(bar(3) + second, 'disconnected');
    harness.gained(bar(5) + second);
    expect(harness.gaps).toEqual([
      { kind: 'gap', fromMs: bar(1), toMs: bar(6), reason: 'connectivity-lost' },
    ]);
  });

  it('a proof from before the bars that closed meanwhile asks for those too', () => {
    const harness = Harness.covered();
    harness.lost(bar(0) + 10 * second);
    harness.clock(bar(3) + 3 * second);
    harness.gained(bar(1) + 5 * second, bar(3) + 4 * second);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(3), reason: 'disconnected' }]);
  });

  it('an old print before the first proof of coverage opens no bar where the clock shows that it is old', () => {
    const harness = new Harness();
    harness.clock(bar(0));
    harness.trade(bar(-100), '100', '1', { nowMs: bar(0) });
    harness.gained(bar(1));
    expect(harness.effects).toEqual([]);
    expect(harness.stats.ignored['before-coverage']).toBe(1);
  });

  it('a second proof of coverage changes nothing', () => {
    const harness = Harness.covered();
    harness.gained(bar(4) + 30 * second);
    expect(harness.effects).toEqual([]);
    expect(harness.stats.covered).toBe(true);
  });

  it('a loss exactly on the boundary leaves the bar before it complete', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.lost(bar(1));
    harness.gained(bar(3));
    harness.clock(bar(3) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(1), toMs: bar(3), reason: 'disconnected' }]);
  });

  it('the first print after an outage jumps, which the outage explains: one gap, and the bars after it complete', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.lost(bar(0) + 10 * second);
    harness.missed('500').gained(bar(3));
    harness.trade(bar(4) + second, '101');
    harness.clock(bar(5) + 2 * second);
    expect(harness.gaps).toHaveLength(1);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1 partial', '101 101 101 101 1']);
  });

  it('the last trade that IB repeats after a reconnect is no new one', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + 5 * second, '100', '3', { cum: 3 });
    harness.lost(bar(0) + 10 * second);
    harness.gained(bar(0) + 20 * second);
    harness.trade(bar(0) + 5 * second, '100', '3', { cum: 3, nowMs: bar(0) + 21 * second });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 3 partial']);
    expect(harness.stats.duplicates).toBe(1);
  });

  it('no flat bar stands at a price from before an outage', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(1) + 2 * second);
    harness.lost(bar(1) + 10 * second);
    harness.gained(bar(3));
    harness.clock(bar(6));
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    // but at the price that history brings for the minute before the silence
    harness.nowMs = bar(6);
    const later = Harness.covered();
    later.trade(bar(0) + second, '100');
    later.lost(bar(1) + 10 * second);
    later.gained(bar(3));
    later.backfill(bar(1), bar(3), [historical(bar(2), ['101', '105', '101', '104'], '9')], bar(3) + second);
    later.clock(bar(9));
    expect(later.candles.map(brief)).toEqual([
      '100 100 100 100 1',
      '101 105 101 104 9 backfill',
      '104 104 104 104 0 flat noTrades',
      '104 104 104 104 0 flat noTrades',
    ]);
  });

  it('everything up to closedThroughMs is accounted for, and a restart from there repeats nothing', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.trade(bar(1) + second, '101');
    harness.clock(bar(1) + 2 * second);
    expect(harness.stats.closedThroughMs).toBe(bar(1));
    const next = new Harness({ resumeFromMs: harness.stats.closedThroughMs, epoch: 4 });
    next.gained(bar(1) + 40 * second);
    expect(next.gaps).toEqual([{ kind: 'gap', fromMs: bar(1), toMs: bar(2), reason: 'restart' }]);
    expect(new Harness().stats.closedThroughMs).toBe(0);
  });
});

describe('cumulative volume', () => {
  it('begins again with the session; late prints of the session before find their own count', () => {
    const calendar = createCalendar('20260107:1800-20260108:1700;20260108:1800-20260109:1700', 'US/Eastern');
    const close = Date.UTC(2026, 0, 8, 22);
    const open = Date.UTC(2026, 0, 8, 23);
    const harness = Harness.covered(close - minuteMs, { calendar });
    harness.trade(close - 30 * second, '100', '5', { cum: 250_005 });
    harness.trade(close - 20 * second, '101', '5', { cum: 250_015 });
    harness.trade(close - 25 * second, '102', '5', { cum: 250_010 });
    harness.trade(open, '103', '4', { cum: 4 });
    harness.trade(open + second, '104', '4', { cum: 8 });
    harness.trade(close - 20 * second, '101', '5', { cum: 250_015, nowMs: open + 2 * second });
    harness.clock(open + minuteMs + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 102 100 101 15', '103 104 103 104 8']);
    expect(harness.stats).toMatchObject({ duplicates: 1, gaps: 0 });
  });

  it('may begin again where the calendar shows no new session, and does not eat the prints that follow', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '5', { cum: 250_005 });
    harness.trade(bar(0) + 2 * second, '101', '3', { cum: 3 });
    harness.trade(bar(0) + 3 * second, '102', '2', { cum: 5 });
    harness.trade(bar(0) + 3 * second, '102', '2', { cum: 5 });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 102 100 102 10']);
    expect(harness.stats).toMatchObject({ duplicates: 1, gaps: 0 });
  });

  it('a hole that a late print fills before the close leaves no trace', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 1 });
    harness.trade(bar(0) + 3 * second, '102', '1', { cum: 3 });
    expect(harness.stats.holes).toBe(1);
    harness.trade(bar(0) + 2 * second, '101', '1', { cum: 2 });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 102 100 102 3']);
    expect(harness.stats).toMatchObject({ gaps: 0, holes: 0 });
  });

  it('a late print that fills the hole after the close makes the partial bar whole', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 1 });
    harness.trade(bar(0) + 3 * second, '102', '1', { cum: 3 });
    harness.clock(bar(1) + 2 * second);
    harness.trade(bar(0) + 2 * second, '101', '1', { cum: 2, nowMs: bar(1) + 5 * second });
    expect(harness.candles.map(brief)).toEqual(['100 102 100 102 2 partial', '100 102 100 102 3 r1']);
    harness.backfill(bar(0), bar(1), [historical(bar(0), ['1', '1', '1', '1'], '1')]);
    expect(harness.stored.get(bar(0))).toMatchObject({ volume: '3', source: 'live' });
  });

  it('that falls a little, later than all before, is no new count: nothing grew, so the print is a duplicate', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 100 });
    harness.trade(bar(0) + 2 * second, '101', '1', { cum: 99 });
    harness.trade(bar(0) + 3 * second, '102', '1', { cum: 101 });
    harness.clock(bar(1) + 2 * second);
    // 99 lies below the first print, where nothing is known: it is late, and counts; 99 again does not
    expect(harness.candles.map(brief)).toEqual(['100 102 100 102 3']);
    harness.trade(bar(1) + 3 * second, '103', '1', { cum: 99 });
    expect(harness.stats).toMatchObject({ duplicates: 1, gaps: 0 });
  });

  it('a print that is missing between the first one and a late one before it shows too', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + 3 * second, '103', '1', { cum: 3 });
    harness.trade(bar(0) + second, '101', '1', { cum: 1, nowMs: bar(0) + 4 * second });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['101 103 101 103 2 partial']);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(1), reason: 'volume-jump' }]);
  });

  const narrowing: readonly [string, readonly (readonly [size: string, at: number, cum: number])[]][] = [
    [
      'at its lower end',
      [
        ['1', 58, 1],
        ['0', 60.2, 1],
        ['1', 60.5, 5],
      ],
    ],
    [
      'at its upper end',
      [
        ['1', 57, 1],
        ['0', 58, 4],
        ['1', 60.5, 5],
      ],
    ],
    [
      'inside of it',
      [
        ['1', 59, 1],
        ['0', 60.2, 2],
        ['1', 60.5, 5],
      ],
    ],
  ];
  it.each(narrowing)(
    'a price without volume shows where missing prints are not, in any order: %s',
    (_, prints) => {
      const outcomes = [
        [0, 1, 2],
        [0, 2, 1],
        [2, 1, 0],
      ].map((order) => {
        const harness = Harness.covered();
        for (const index of order) {
          const [size, at, cum] = prints[index]!;
          harness.trade(bar(0) + at * second, '100', size, { cum, nowMs: bar(1) + second });
        }
        harness.clock(bar(2) + 2 * second);
        return { partial: harness.candles.map((candle) => candle.partial), gaps: harness.gaps };
      });
      expect(outcomes[0]!.gaps).not.toEqual([]);
      expect(outcomes[1]).toEqual(outcomes[0]);
      expect(outcomes[2]).toEqual(outcomes[0]);
    },
  );

  it('a late print counts in a bar whose holes had to be given up', () => {
    const harness = Harness.covered(baseMs, { maxHoles: 1, flatBarsMax: 0 });
    harness.trade(bar(0) + second, '100', '1', { cum: 1 });
    harness.trade(bar(2) + second, '102', '1', { cum: 5 });
    harness.trade(bar(1) + 30 * second, '101', '1', { cum: 6, nowMs: bar(2) + 3 * second });
    harness.clock(bar(3) + 2 * second);
    expect(harness.candles.map(brief)).toEqual([
      '100 100 100 100 1',
      '101 101 101 101 1 partial',
      '102 102 102 102 1 partial',
    ]);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(1), toMs: bar(3), reason: 'volume-jump' }]);
  });

  it('a jump while coverage is lost is explained by the loss', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 1 });
    harness.lost(bar(0) + 10 * second, 'farm-down');
    harness.trade(bar(0) + 20 * second, '101', '1', { cum: 9 });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 101 100 101 2 partial']);
    expect(harness.gaps).toEqual([]);
    harness.gained(bar(2));
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(2), reason: 'farm-down' }]);
  });

  it('a gap does not ask for complete bars behind the doubtful ones either', () => {
    const harness = Harness.covered();
    harness.lost(bar(0) + 10 * second);
    harness.gained(bar(0) + 20 * second);
    harness.trade(bar(0) + 30 * second, '100', '1', { cum: 1 });
    harness.trade(bar(1) + 30 * second, '101', '1', { cum: 2 });
    harness.clock(bar(2) + 2 * second);
    // a late report: an earlier time, and a later place in the count with a jump before it
    harness.trade(bar(0) + 40 * second, '102', '1', { cum: 9, nowMs: bar(2) + 2 * second });
    expect(harness.gaps.map(({ fromMs, toMs, reason }) => [fromMs, toMs, reason])).toEqual([
      [bar(0), bar(1), 'disconnected'],
      [bar(0), bar(1), 'volume-jump'],
    ]);
  });

  it('a hole over two bars is told once', () => {
    const harness = Harness.covered();
    harness.trade(bar(1) - 500, '100', '1', { cum: 1 });
    harness.trade(bar(1) + 500, '101', '1', { cum: 5 });
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1 partial', '101 101 101 101 1 partial']);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(2), reason: 'volume-jump' }]);
  });

  it('a hole that only shows after the close asks for the bars that can still be replaced', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 1 });
    harness.clock(bar(2) + 30 * second);
    harness.trade(bar(2) + 40 * second, '102', '1', { cum: 5 });
    harness.clock(bar(3) + 2 * second);
    // the first bar is told as complete and stays: no history outranks it
    expect(harness.candles.map(brief)).toEqual([
      '100 100 100 100 1',
      '100 100 100 100 0 flat noTrades',
      '102 102 102 102 1 partial',
    ]);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(1), toMs: bar(3), reason: 'volume-jump' }]);
  });

  it('a late print that shows a hole does not demote the complete bar it corrects', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 1 });
    harness.clock(bar(1) + 3 * second);
    harness.trade(bar(0) + 30 * second, '102', '1', { cum: 9, nowMs: bar(1) + 4 * second });
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1', '100 102 100 102 2 r1']);
    expect(harness.stored.get(bar(0))).toMatchObject({ volume: '2', partial: false });
    expect(harness.gaps).toEqual([]);
  });

  it('too many holes are given up one by one, counted, and their bars stay partial', () => {
    const harness = Harness.covered(baseMs, { maxHoles: 4 });
    for (let index = 0; index < 10; index += 1) {
      harness.trade(bar(index) + second, '100', '1', { cum: 2 * index + 1 });
      harness.trade(bar(index) + 2 * second, '100', '1', { cum: 2 * index + 3 });
      harness.missed('0');
    }
    expect(harness.stats.overflows.holes).toBeGreaterThan(0);
    expect(harness.stats.holes).toBeLessThanOrEqual(4);
  });

  it('a print whose cumulative volume is missing is set aside where the source promises one', () => {
    const harness = Harness.covered();
    harness.input({ kind: 'trade', timeMs: bar(0), price: 1, size: 1, cumVolume: -1 }, bar(0));
    expect(harness.stats.ignored['no-cumulative-volume']).toBe(1);
  });

  it('a negative size is set aside, and so is a volume beyond what can be counted exactly', () => {
    const harness = Harness.covered(baseMs, { volumeSource: 'tick-by-tick' });
    const max = Number.MAX_SAFE_INTEGER;
    for (const size of [-1, max, 1]) {
      harness.input({ kind: 'trade', timeMs: bar(0), price: 1, size, cumVolume: -1 }, bar(0));
    }
    expect(harness.stats.ignored).toMatchObject({ 'negative-size': 1, 'not-finite': 1 });
    expect(harness.stats.trades).toBe(1);
    harness.clock(bar(1) + 2 * second);
    harness.input({ kind: 'trade', timeMs: bar(0), price: 1, size: 1, cumVolume: -1 });
    expect(harness.stats).toMatchObject({ trades: 1, corrections: 0, ignored: { 'not-finite': 2 } });
  });
});

describe('other sources', () => {
  it('tick-by-tick keeps the order of arrival and counts every print', () => {
    const harness = Harness.covered(baseMs, { volumeSource: 'tick-by-tick' });
    for (const [at, price] of [
      [5, 100],
      [5, 103],
      [4, 99],
      [5, 100],
    ] as const) {
      const timeMs = bar(0) + at * second;
      harness.input(
        { kind: 'trade', timeMs, price: price * 1e8, size: 20_000, cumVolume: -1 },
        bar(0) + 5 * second,
      );
    }
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 103 99 100 8']);
    expect(harness.candles[0]).toMatchObject({ volumeSource: 'tick-by-tick', tickCount: 4 });
  });

  it('late prints of tick-by-tick correct in their order of arrival', () => {
    const harness = Harness.covered(baseMs, { volumeSource: 'tick-by-tick' });
    const print = (timeMs: number, price: number, nowMs: number) =>
      harness.input({ kind: 'trade', timeMs, price: price * 1e8, size: 10_000, cumVolume: -1 }, nowMs);
    print(bar(0) + 5 * second, 100, bar(0) + 5 * second);
    harness.clock(bar(1) + 2 * second);
    print(bar(0) + 4 * second, 98, bar(1) + 3 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1', '100 100 98 98 2 r1']);
  });
});

describe('backfill', () => {
  it('that comes within the grace is told at once; the partial bar is then not told after it', () => {
    const harness = Harness.covered(bar(0) + 30 * second);
    harness.trade(bar(0) + 40 * second, '100');
    harness.backfill(bar(0), bar(1), [historical(bar(0), ['99', '101', '98', '100'], '7')], bar(1));
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['99 101 98 100 7 backfill']);
    expect(harness.stats.outranked).toBe(1);
  });

  it('of a bar that is complete so far and in its grace is left out', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + 40 * second, '100');
    harness.backfill(bar(0), bar(1), [historical(bar(0), ['99', '101', '98', '100'], '7')], bar(1));
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    expect(harness.stats.backfillIgnored).toBe(1);
  });

  it('replaces a flat bar, and a former answer of history', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(2) + 2 * second);
    for (const volume of ['7', '8']) {
      harness.backfill(bar(1), bar(2), [historical(bar(1), ['99', '101', '98', '100'], volume)]);
    }
    expect(harness.candles.slice(1).map(brief)).toEqual([
      '100 100 100 100 0 flat noTrades',
      '99 101 98 100 7 backfill r1',
      '99 101 98 100 8 backfill r2',
    ]);
  });

  it('a late print of a bar that history has told is recorded and changes nothing', () => {
    const harness = Harness.covered(bar(0) + 30 * second);
    harness.trade(bar(0) + 40 * second, '100');
    harness.backfill(
      bar(0),
      bar(1),
      [historical(bar(0), ['99', '101', '98', '100'], '7')],
      bar(1) + 2 * second,
    );
    const told = harness.candles.length;
    harness.trade(bar(0) + 50 * second, '97', '1', { nowMs: bar(1) + 3 * second });
    expect(harness.candles).toHaveLength(told);
    expect(harness.lateTicks).toHaveLength(1);
  });

  it('malformed bars are counted and left out; a volume that IB does not have is 0', () => {
    const harness = new Harness({ resumeFromMs: bar(0) });
    harness.gained(bar(5));
    const good = historical(bar(1), ['99', '101', '98', '100'], '7');
    harness.backfill(
      bar(0),
      bar(5),
      [
        { ...good, open: Number.NaN },
        { ...good, high: good.low - 1 },
        { ...good, startMs: bar(1) + 1 },
        { ...good, tickCount: -1 },
        { ...good, volume: -10_000, tickCount: 0 },
      ],
      bar(5) + second,
    );
    expect(harness.stats).toMatchObject({ backfillMalformed: 4, backfilled: 1 });
    expect(harness.candles.map(brief)).toEqual(['99 101 98 100 0 backfill noTrades']);
  });

  it('outside of what was asked for is left out', () => {
    const harness = new Harness({ resumeFromMs: bar(0) });
    harness.gained(bar(5));
    const bars = [0, 1, 2, 3].map((index) => historical(bar(index), ['99', '101', '98', '100'], '7'));
    harness.backfill(bar(1), bar(3), bars, bar(5) + second);
    expect(harness.candles.map((candle) => (candle.startMs - baseMs) / minuteMs)).toEqual([1, 2]);
    expect(harness.stats.backfillIgnored).toBe(2);
  });

  it('comes in time order whatever the order of the answer', () => {
    const harness = new Harness({ resumeFromMs: bar(0) });
    harness.gained(bar(5));
    const bars = [3, 0, 2].map((index) => historical(bar(index), ['99', '101', '98', '100'], '7'));
    harness.backfill(bar(0), bar(5), Object.freeze(bars), bar(5) + second);
    expect(harness.candles.map((candle) => (candle.startMs - baseMs) / minuteMs)).toEqual([0, 2, 3]);
  });
});

describe('bounds and costs', () => {
  it('remembers a bounded number of bars, and counts what it forgets', () => {
    const harness = Harness.covered(baseMs, { maxRemembered: 10, flatBarsMax: 0 });
    for (let index = 0; index < 100; index += 1) harness.trade(bar(index) + second, '100');
    harness.clock(bar(200));
    expect(harness.stats.overflows.remembered).toBe(90);
    expect(harness.builder.closed.length).toBeLessThanOrEqual(2);
  });

  it('keeps its lists short over many outages', () => {
    const harness = Harness.covered();
    for (let index = 0; index < 5_000; index += 1) {
      harness.lost(bar(0) + index * second);
      harness.gained(bar(0) + index * second + 500);
      expect(harness.builder.outages.ended.length).toBeLessThanOrEqual(4);
    }
    expect(harness.gaps).toHaveLength(5_000);
    // the minute after the last outage is complete
    const next = bar(Math.ceil(5_000 / 60));
    harness.trade(next + second, '100');
    harness.clock(next + minuteMs + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
  });

  it('answers a step without effects with the same object, and does not keep the input', () => {
    const harness = Harness.covered();
    const input = { kind: 'trade' as const, timeMs: bar(0), price: 1e8, size: 10_000, cumVolume: 10_000 };
    const first = step(harness.builder, input, bar(0));
    input.timeMs += second;
    input.price = 2e8;
    input.cumVolume = 20_000;
    expect(step(harness.builder, input, input.timeMs)).toBe(first);
    input.price = 9e8;
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['1 2 1 2 2']);
  });

  it('after a shutdown nothing happens any more', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.input({ kind: 'shutdown' }, bar(1) + 2 * second);
    // the clock had closed the bar before the shutdown came
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    harness.gained(bar(9));
    harness.input({ kind: 'shutdown' }, bar(9));
    expect(harness.effects).toHaveLength(1);
    expect(harness.deadline).toBe(Number.POSITIVE_INFINITY);
  });

  it('a long bar around the opening belongs to the session that opens in it', () => {
    const hourMs = 3_600_000;
    const calendar = createCalendar('20260107:0930-20260107:1600;20260108:0930-20260108:1600', 'US/Eastern');
    const nine = Date.UTC(2026, 0, 8, 14);
    const harness = new Harness({ calendar, intervalMs: hourMs });
    harness.gained(nine);
    harness.trade(nine + hourMs / 2, '100');
    harness.clock(nine + hourMs + 2 * second);
    expect(harness.candles[0]).toMatchObject({
      startMs: nine,
      sessionDate: '2026-01-08',
      intervalMs: hourMs,
    });
  });
});

describe('late prints of silent minutes', () => {
  it('at the very moment of the close are late: the bar is told at once', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { nowMs: bar(1) + 2 * second });
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
  });

  it('make no flat bars of minutes that have closed already', () => {
    const harness = Harness.covered(baseMs, { correctionMs: 300_000 });
    harness.clock(bar(3) + 3 * second);
    harness.trade(bar(1) + second, '100', '1', { nowMs: bar(3) + 4 * second });
    harness.clock(bar(9));
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    // but go on from the minute that is open
    const next = Harness.covered(baseMs, { correctionMs: 300_000 });
    next.clock(bar(3) + 3 * second);
    next.trade(bar(2) + second, '100', '1', { nowMs: bar(3) + 4 * second });
    next.clock(bar(9));
    expect(next.candles.map((candle) => (candle.startMs - baseMs) / minuteMs)).toEqual([2, 3, 4]);
  });
});

describe('halts and calendars', () => {
  it('two halts in minutes that have not closed yet both keep them empty', () => {
    const harness = Harness.covered(baseMs, { graceMs: 200_000 });
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(1) + second);
    harness.trade(bar(1) + second, '100');
    for (const index of [3, 4]) {
      harness.halt(true, bar(index) + 10 * second);
      harness.halt(false, bar(index) + 20 * second);
    }
    harness.clock(bar(20));
    expect(harness.candles.map((candle) => (candle.startMs - baseMs) / minuteMs)).toEqual([0, 1, 2]);
  });

  it('a second halt soon after the first keeps the minutes between them empty', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.halt(true, bar(0) + 10 * second);
    harness.halt(false, bar(0) + 20 * second);
    harness.halt(false, bar(0) + 21 * second);
    harness.halt(true, bar(0) + 40 * second);
    harness.halt(false, bar(0) + 50 * second);
    harness.clock(bar(3));
    // the halts are over before the first minute ends: the silence after it is silence
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1', '100 100 100 100 0 flat noTrades']);
    const halted = Harness.covered();
    halted.trade(bar(0) + second, '100');
    halted.halt(true, bar(1) + 10 * second);
    halted.halt(false, bar(1) + 20 * second);
    halted.clock(bar(5));
    expect(halted.candles.map(brief)).toEqual(['100 100 100 100 1']);
  });

  it('a calendar that comes later is used from then on', () => {
    const harness = Harness.covered(baseMs, { calendar: createCalendar('', 'UTC') });
    harness.trade(bar(0) + second, '100');
    harness.calendar(createCalendar('20260106:0000-20260106:2300', 'UTC'));
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map((candle) => candle.source)).toEqual(['live', 'flat']);
  });
});
