/** C8 of the scenario suite: how prints become candles. The rules are in docs/candles.md. */
import { describe, expect, it } from 'vitest';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { candleRank } from '../../lib/domain/market/candle.ts';
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import { compareBars } from '../../lib/domain/market/parity.ts';
import { frontMonth } from '../../lib/domain/market/roll.ts';
import { createCalendar } from '../../lib/domain/market/sessions.ts';
import { baseMs, brief, Harness, historical, minuteMs } from '../unit/market/builder-harness.ts';

const second = 1_000;
const bar = (index: number) => baseMs + index * minuteMs;
const starts = (candles: readonly Candle[]) => candles.map((candle) => (candle.startMs - baseMs) / minuteMs);

/** The week of ES and GC around Friday 9 January 2026 in IB's own words: halt at 17:00 to 18:00, weekend, Sunday. */
const cmeWeek = [
  '20260107:1800-20260108:1700',
  '20260108:1800-20260109:1700',
  '20260110:CLOSED',
  '20260111:1800-20260112:1700',
].join(';');
/** Eastern winter time. */
const eastern = (day: number, hour: number, minute = 0, seconds = 0) =>
  Date.UTC(2026, 0, day, hour + 5, minute, seconds);

describe('S126 trade-only candle; quote-only minute', () => {
  it('S126 a candle is made of trades', () => {
    // given a covered feed
    const harness = Harness.covered();
    // when three trades print in a minute
    harness.trade(bar(0) + 5 * second, '100.5', '2');
    harness.trade(bar(0) + 20 * second, '99.25', '1');
    harness.trade(bar(0) + 59 * second, '100', '4');
    harness.clock(bar(1) + 2 * second);
    // then the candle has their open, high, low, close and the sum of their sizes
    expect(harness.candles.map(brief)).toEqual(['100.5 100.5 99.25 100 7']);
    expect(harness.candles[0]).toMatchObject({
      tickCount: 3,
      source: 'live',
      noTrades: false,
      partial: false,
    });
  });

  it('S126 a minute with quotes alone has no trade bar, but a flat one that says noTrades', () => {
    // given a trade in the first minute
    const harness = Harness.covered();
    harness.trade(bar(0) + 5 * second, '100.5', '2');
    // when the next minute brings no trade, while the clock moves with the quotes
    for (let at = bar(0); at <= bar(2) + 2 * second; at += second) harness.clock(at);
    // then that minute stands at the last price, without volume and marked
    expect(harness.candles.map(brief)).toEqual([
      '100.5 100.5 100.5 100.5 2',
      '100.5 100.5 100.5 100.5 0 flat noTrades',
    ]);
    expect(harness.candles[1]).toMatchObject({ source: 'flat', tickCount: 0, partial: false });
  });

  it('S126 there is no flat bar before the first trade', () => {
    const harness = Harness.covered();
    harness.clock(bar(10));
    expect(harness.effects).toEqual([]);
    expect(harness.deadline).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('S127 volume is the sum of trade sizes', () => {
  it('S127 repeated prints of one size, price and time all count when the cumulative volume grows', () => {
    const harness = Harness.covered();
    for (let count = 1; count <= 5; count += 1)
      harness.trade(bar(0) + second, '100', '1', { cum: 1000 + count });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 5']);
  });

  it('S127 a repeated last print does not count again, nor does the cumulative volume itself', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '3', { cum: 25_003 });
    harness.trade(bar(0) + second, '100', '3', { cum: 25_003 });
    harness.trade(bar(0) + 2 * second, '101', '2', { cum: 25_005 });
    harness.trade(bar(0) + second, '100', '3', { cum: 25_003 });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 101 100 101 5']);
    expect(harness.stats.duplicates).toBe(2);
  });

  it('S127 a jump of the cumulative volume beyond the size marks the bar partial and asks for backfill', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '1', { cum: 100 });
    harness.trade(bar(0) + 9 * second, '101', '2', { cum: 110 });
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 101 100 101 3 partial']);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(1), reason: 'volume-jump' }]);
  });
});

describe('S128 timer close with no next tick', () => {
  it('S128 the clock closes the bar two seconds after its end, not before', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    expect(harness.deadline).toBe(bar(1) + 2 * second);
    expect(harness.clock(bar(1) + 2 * second - 1)).toEqual([]);
    expect(harness.clock(bar(1) + 2 * second)).toHaveLength(1);
  });

  it('S128 the last bar of a session closes by the same timer, and nothing follows it', () => {
    // given Friday's close at 17:00
    const calendar = createCalendar(cmeWeek, 'US/Eastern');
    const harness = Harness.covered(eastern(9, 16, 59), { calendar });
    // when the last trade prints a second before it
    harness.trade(eastern(9, 16, 59, 59), '100');
    harness.clock(eastern(9, 17, 0, 2));
    harness.clock(eastern(9, 17, 30));
    // then its bar is there, complete, and no flat bar runs into the break
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    expect(harness.deadline).toBe(Number.POSITIVE_INFINITY);
  });

  it('S128 the first bar is partial when the subscription began inside of it, and its gap is told', () => {
    const harness = Harness.covered(bar(0) + 30 * second);
    harness.trade(bar(0) + 40 * second, '100');
    harness.trade(bar(1) + second, '101');
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1 partial', '101 101 101 101 1']);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(0), toMs: bar(1), reason: 'start' }]);
  });

  it('S128 a bar that a shutdown cuts is told at once and marked partial', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.input({ kind: 'shutdown' }, bar(0) + 5 * second);
    harness.trade(bar(0) + 6 * second, '200');
    harness.clock(bar(5));
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1 partial']);
  });
});

describe('S129 a tick on the boundary, around it, and late', () => {
  it('S129 a tick exactly on the boundary belongs to the next bar, one millisecond before it to the former', () => {
    const harness = Harness.covered();
    harness.trade(bar(1) - 1, '100');
    harness.trade(bar(1), '101');
    harness.trade(bar(1) + 1, '102');
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1', '101 102 101 102 2']);
  });

  it('S129 a late tick within the grace belongs to its bar', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.trade(bar(1) + second, '105', '1', { cum: 3 });
    harness.trade(bar(1) - 10, '103', '1', { cum: 2, nowMs: bar(1) + 2 * second - 1 });
    harness.clock(bar(2) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 103 100 103 2', '105 105 105 105 1']);
    expect(harness.stats.corrections).toBe(0);
  });

  it('S129 a tick after the grace amends its candle with a revision', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.trade(bar(1) + 5 * second, '105', '1', { cum: 3 });
    harness.trade(bar(1) - 10, '103', '1', { cum: 2, nowMs: bar(1) + 6 * second });
    expect(harness.candleEffects.map((effect) => [effect.type, effect.reason, brief(effect.candle)])).toEqual(
      [
        ['completed', undefined, '100 100 100 100 1'],
        ['corrected', 'late-tick', '100 103 100 103 2 r1'],
      ],
    );
  });

  it('S129 a correction is made until 62 seconds after the end of the bar; a millisecond later it is a late tick', () => {
    for (const [lateMs, corrections, lateTicks] of [
      [62 * second, 1, 0],
      [62 * second + 1, 0, 1],
    ] as const) {
      const harness = Harness.covered(baseMs, { flatBarsMax: 0 });
      harness.trade(bar(0) + second, '100');
      harness.clock(bar(1) + lateMs);
      harness.trade(bar(1) - 10, '103', '1', { nowMs: bar(1) + lateMs });
      expect(harness.stats).toMatchObject({ corrections, lateTicks });
    }
  });

  it('S129 a tick after the corrections is recorded and changes nothing', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(5));
    const before = harness.candles.length;
    harness.trade(bar(0) + 30 * second, '103', '2', { nowMs: bar(5) });
    expect(harness.candles).toHaveLength(before);
    expect(harness.lateTicks).toEqual([
      {
        kind: 'late-tick',
        timeMs: bar(0) + 30 * second,
        price: 10_300_000_000,
        size: 20_000,
        latenessMs: 4 * minuteMs,
      },
    ]);
  });

  it('S129 a late tick of a minute that was shown as flat corrects the flat bar', () => {
    const harness = Harness.covered(baseMs, { flatBarsMax: 1 });
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(2) + 10 * second);
    harness.trade(bar(2) - second, '104', '1', { nowMs: bar(2) + 20 * second });
    expect(harness.candleEffects.map((effect) => [effect.type, brief(effect.candle)])).toEqual([
      ['completed', '100 100 100 100 1'],
      ['completed', '100 100 100 100 0 flat noTrades'],
      ['corrected', '104 104 104 104 1 r1'],
    ]);
  });

  it('S129 a late tick of a minute that was not shown at all completes it', () => {
    const harness = Harness.covered(baseMs, { flatBarsMax: 0 });
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(2) + 10 * second);
    harness.trade(bar(2) - second, '104', '1', { nowMs: bar(2) + 20 * second });
    expect(harness.candleEffects.map((effect) => [effect.type, brief(effect.candle)])).toEqual([
      ['completed', '100 100 100 100 1'],
      ['completed', '104 104 104 104 1'],
    ]);
  });

  it('S129 a correction of the close is one of the flat bars that stand at it', () => {
    const harness = Harness.covered(baseMs, { correctionMs: 120_000 });
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(2) + 10 * second);
    harness.trade(bar(1) - second, '104', '1', { nowMs: bar(2) + 20 * second });
    expect(harness.candles.map(brief)).toEqual([
      '100 100 100 100 1',
      '100 100 100 100 0 flat noTrades',
      '100 104 100 104 2 r1',
      '104 104 104 104 0 flat noTrades r1',
    ]);
  });
});

describe('S130 out-of-order ticks, duplicates, clock steps, leap second', () => {
  it('S130 prints out of order give the bar of their own order', () => {
    const prints = [
      [1, '100', 1],
      [2, '99', 2],
      [3, '104', 3],
      [4, '102', 4],
    ] as const;
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 3, 1],
    ]) {
      const harness = Harness.covered();
      for (const index of order) {
        const [at, price, cum] = prints[index]!;
        harness.trade(bar(0) + at * 100, price, '1', { cum });
      }
      harness.clock(bar(1) + 2 * second);
      expect(harness.candles.map(brief)).toEqual(['100 104 99 102 4']);
    }
  });

  it('S130 duplicate ticks change nothing, at once or after the close', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100', '2', { cum: 2 });
    harness.trade(bar(0) + second, '100', '2', { cum: 2 });
    harness.clock(bar(1) + 10 * second);
    harness.trade(bar(0) + second, '100', '2', { cum: 2, nowMs: bar(1) + 11 * second });
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 2']);
    expect(harness.stats).toMatchObject({ duplicates: 2, corrections: 0, lateTicks: 0 });
  });

  it('S130 a clock that steps back reopens nothing', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(1) + 2 * second);
    const { effects } = harness;
    const told = effects.length;
    harness.nowMs = 0;
    harness.clock(bar(0));
    harness.trade(bar(1) + 3 * second, '101');
    harness.clock(bar(2) + 2 * second);
    expect(effects.length).toBe(told + 1);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1', '101 101 101 101 1']);
  });

  it('S130 a clock that steps forward closes what was due, in time order', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.trade(bar(1) + second, '101');
    harness.clock(bar(600));
    expect(starts(harness.candles)).toEqual([0, 1, 2, 3]);
    expect(harness.candles.map((candle) => candle.source)).toEqual(['live', 'live', 'flat', 'flat']);
  });

  it('S130 a leap second has no bar of its own: its prints carry the times around it', () => {
    // given the leap second at the end of 2016, which Unix time repeats or smears
    const midnight = Date.UTC(2017, 0, 1);
    const calendar = createCalendar('20161231:1800-20170101:1700', 'US/Eastern');
    const harness = Harness.covered(midnight - minuteMs, { calendar });
    // when prints of 23:59:60 arrive with the time of the second after, and some with the one before once more
    harness.trade(midnight - 500, '100', '1', { cum: 1 });
    harness.trade(midnight + 100, '101', '1', { cum: 2 });
    harness.trade(midnight - 400, '102', '1', { cum: 3 });
    harness.trade(midnight + 200, '103', '1', { cum: 4 });
    harness.clock(midnight + minuteMs + 2 * second);
    // then every print is in the minute of its time, and none is lost
    expect(harness.candles.map(brief)).toEqual(['100 102 100 102 2', '101 103 101 103 2']);
  });
});

describe('S131 gaps inside and outside of the session', () => {
  for (const [silent, flats] of [
    [1, 1],
    [2, 2],
    [3, 2],
  ] as const) {
    it(`S131 ${silent} silent minute(s) inside the session give ${flats} flat bar(s) and no gap`, () => {
      const harness = Harness.covered();
      harness.trade(bar(0) + second, '100');
      harness.trade(bar(silent + 1) + second, '101');
      harness.clock(bar(silent + 2) + 2 * second);
      const sources = harness.candles.map((candle) => candle.source);
      expect(sources).toEqual(['live', ...Array<string>(flats).fill('flat'), 'live']);
      expect(harness.gaps).toEqual([]);
    });
  }

  const acrossBreak = (name: string, hours: string, last: number, next: number) =>
    it(name, () => {
      const calendar = createCalendar(hours, 'US/Eastern');
      const harness = Harness.covered(last - (last % minuteMs), { calendar });
      harness.trade(last, '100');
      for (let at = last; at < next; at += minuteMs) harness.clock(at);
      harness.trade(next, '101');
      harness.clock(next - (next % minuteMs) + minuteMs + 2 * second);
      expect(harness.candles.map((candle) => [candle.startMs, candle.source])).toEqual([
        [last - (last % minuteMs), 'live'],
        [next - (next % minuteMs), 'live'],
      ]);
      expect(harness.gaps).toEqual([]);
    });

  acrossBreak(
    'S131 the halt from 17:00 to 18:00 has no bar and is no gap',
    cmeWeek,
    eastern(8, 16, 59, 30),
    eastern(8, 18, 0, 1),
  );
  acrossBreak(
    'S131 the weekend has no bar and is no gap',
    cmeWeek,
    eastern(9, 16, 59, 59),
    eastern(11, 18, 0, 0),
  );
  acrossBreak(
    'S131 an early close has no bar and is no gap',
    '20260108:1800-20260109:1300;20260111:1800-20260112:1700',
    eastern(9, 12, 59, 59),
    eastern(11, 18, 0, 5),
  );

  it('S131 no flat bar where the hours are unknown', () => {
    const calendar = createCalendar('', 'US/Eastern');
    const harness = Harness.covered(baseMs, { calendar });
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(5));
    expect(harness.candles.map((candle) => candle.source)).toEqual(['live']);
  });
});

describe('S132 disconnect and backfill', () => {
  it('S132 ten minutes without a connection are one gap, filled from historical bars marked as such', () => {
    // given a live feed that is cut in the middle of a minute
    const harness = Harness.covered();
    harness.trade(bar(0) + 10 * second, '100');
    harness.trade(bar(1) + 10 * second, '101');
    harness.lost(bar(1) + 20 * second, 'disconnected');
    // when it comes back ten minutes later
    harness.missed('40').gained(bar(11) + 20 * second);
    harness.trade(bar(11) + 30 * second, '110');
    harness.trade(bar(12) + 30 * second, '111');
    harness.clock(bar(13) + 2 * second);
    // then the gap covers the bars that were cut and all between
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(1), toMs: bar(12), reason: 'disconnected' }]);
    expect(harness.candles.map(brief)).toEqual([
      '100 100 100 100 1',
      '101 101 101 101 1 partial',
      '110 110 110 110 1 partial',
      '111 111 111 111 1',
    ]);
    // when history answers, start-stamped, with less volume than there was
    const bars = Array.from({ length: 12 }, (_, index) =>
      historical(bar(index + 1), ['100', '112', '99', '110'], '3'),
    );
    const effects = harness.backfill(bar(1), bar(12), bars);
    // then the partial bars are corrected, the missing ones completed, the complete one outside of the gap stays
    expect(effects).toHaveLength(11);
    expect(effects.map((effect) => effect.kind === 'candle' && effect.type)).toEqual([
      'corrected',
      ...Array<string>(9).fill('completed'),
      'corrected',
    ]);
    const stored = harness.stored;
    expect([...stored.keys()].sort((a, b) => a - b).map((start) => brief(stored.get(start)!))).toEqual([
      '100 100 100 100 1',
      '100 112 99 110 3 backfill r1',
      ...Array<string>(9).fill('100 112 99 110 3 backfill'),
      '100 112 99 110 3 backfill r1',
      '111 111 111 111 1',
    ]);
    expect(stored.get(bar(5))).toMatchObject({
      source: 'backfill',
      volumeSource: 'historical',
      partial: false,
    });
  });

  it('S132 a restart asks for everything since the last bar that was accounted for', () => {
    const harness = new Harness({ resumeFromMs: bar(-3) });
    harness.gained(bar(2) + 10 * second);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(-3), toMs: bar(3), reason: 'restart' }]);
  });

  it('S132 where no bar is known to be accounted for, it looks back as far as an earlier life may have lost bars', () => {
    const harness = new Harness({ lookBackMs: 3 * minuteMs });
    harness.gained(bar(2) + 10 * second);
    expect(harness.gaps).toEqual([{ kind: 'gap', fromMs: bar(-1), toMs: bar(3), reason: 'restart' }]);
    // What is accounted for is known: no further.
    const known = new Harness({ resumeFromMs: bar(1), lookBackMs: 30 * minuteMs });
    known.gained(bar(2) + 10 * second);
    expect(known.gaps).toEqual([{ kind: 'gap', fromMs: bar(1), toMs: bar(3), reason: 'restart' }]);
  });

  it('S132 history never replaces a bar that was seen live and complete', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.clock(bar(1) + 2 * second);
    harness.backfill(bar(0), bar(1), [historical(bar(0), ['90', '91', '89', '90'], '3')]);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    expect(harness.stats.backfillIgnored).toBe(1);
  });

  it('S132 a bar that is still forming in the answer is left out', () => {
    const harness = new Harness({ resumeFromMs: bar(0) });
    harness.gained(bar(2) + 10 * second);
    harness.backfill(
      bar(0),
      bar(3),
      [0, 1, 2].map((index) => historical(bar(index), ['100', '100', '100', '100'], '1')),
      bar(2) + 20 * second,
    );
    expect(starts(harness.candles)).toEqual([0, 1]);
  });

  it('S132 the ranks are partial, flat, backfill, live complete', () => {
    const of = (source: Candle['source'], partial: boolean) => candleRank({ source, partial });
    const ranks = [of('live', true), of('flat', false), of('backfill', false), of('live', false)];
    expect(ranks).toEqual([0, 1, 2, 3]);
  });
});

describe('S133 live vs historical parity per day with tolerance', () => {
  it('S133 counts exact, tolerated, missing, extra and flat bars for each session date', () => {
    // given two session dates of live candles, the second from Sunday evening
    const calendar = createCalendar(cmeWeek, 'US/Eastern');
    const harness = Harness.covered(eastern(9, 16, 55), { calendar });
    harness.trade(eastern(9, 16, 55, 1), '100', '10');
    harness.trade(eastern(9, 16, 56, 1), '101', '100');
    harness.trade(eastern(9, 16, 58, 1), '102', '7');
    harness.clock(eastern(9, 17, 5));
    harness.trade(eastern(11, 18, 0, 1), '103', '2');
    harness.trade(eastern(11, 18, 1, 1), '104', '2');
    harness.clock(eastern(11, 18, 2, 2));
    // when they are compared with history, which has filtered volume, misses a bar and has one more
    const reference = [
      { startMs: eastern(9, 16, 55), open: '100', high: '100', low: '100', close: '100', volume: '10' },
      { startMs: eastern(9, 16, 56), open: '101', high: '101', low: '101', close: '101', volume: '99' },
      { startMs: eastern(11, 18, 0), open: '103', high: '103.5', low: '103', close: '103', volume: '2' },
      { startMs: eastern(11, 18, 1), open: '104.0', high: '104', low: '104', close: '104', volume: '2' },
      { startMs: eastern(11, 18, 2), open: '104', high: '104', low: '104', close: '104', volume: '1' },
    ];
    const report = compareBars(harness.stored.values(), reference, (ms) => calendar.sessionDateAt(ms), {
      price: '0',
      volume: '0.02',
    });
    // then each date has its own counts, flat bars apart
    expect(report.days).toEqual([
      {
        sessionDate: '2026-01-09',
        bars: 2,
        exact: 1,
        tolerated: 1,
        missing: 0,
        extra: 1,
        flat: 2,
        differs: 0,
      },
      {
        sessionDate: '2026-01-12',
        bars: 3,
        exact: 1,
        tolerated: 0,
        missing: 1,
        extra: 0,
        flat: 0,
        differs: 1,
      },
    ]);
    expect(report.differences.map(({ kind, startMs, fields }) => [kind, startMs, fields])).toEqual([
      ['extra', eastern(9, 16, 58), []],
      ['differs', eastern(11, 18, 0), ['high']],
      ['missing', eastern(11, 18, 2), []],
    ]);
  });
});

describe('S134 daylight saving time', () => {
  /** Local 18:00 to 17:00 sessions of CME around both changes of New York in 2026. */
  const newYork = [
    ['spring', '20260306:CLOSED;20260308:1800-20260309:1700', Date.UTC(2026, 2, 8, 22), '2026-03-09'],
    [
      'autumn',
      '20261030:1800-20261031:0000;20261101:1800-20261102:1700',
      Date.UTC(2026, 10, 1, 23),
      '2026-11-02',
    ],
  ] as const;
  for (const [season, hours, opensMs, date] of newYork) {
    it(`S134 New York, ${season}: the session opens on Sunday 18:00 local and belongs to Monday`, () => {
      const calendar = createCalendar(hours, 'America/New_York');
      expect(calendar.stateAt(opensMs - 1)).toBe('closed');
      expect(calendar.stateAt(opensMs)).toBe('open');
      const harness = Harness.covered(opensMs, { calendar });
      harness.trade(opensMs, '100');
      harness.clock(opensMs + 10 * minuteMs);
      expect(harness.candles.map((candle) => [candle.startMs, candle.source, candle.sessionDate])).toEqual([
        [opensMs, 'live', date],
        [opensMs + minuteMs, 'flat', date],
        [opensMs + 2 * minuteMs, 'flat', date],
      ]);
    });
  }

  for (const [zone, day, hoursOfDay] of [
    ['America/New_York', '2026-03-08', 23],
    ['America/New_York', '2026-11-01', 25],
    ['Europe/London', '2026-03-29', 23],
    ['Europe/London', '2026-10-25', 25],
    ['Europe/Stockholm', '2026-03-29', 23],
    ['Europe/Stockholm', '2026-10-25', 25],
  ] as const) {
    it(`S134 ${zone}, ${day} has ${hoursOfDay} hours and as many bars, all of one session date`, () => {
      const compact = day.replaceAll('-', '');
      const after = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
      const calendar = createCalendar(`${compact}:0000-${after}:0000`, zone);
      const { fromMs, toMs } = calendar.sessionSpanAt(Date.parse(`${day}T12:00:00Z`));
      expect((toMs - fromMs) / 3_600_000).toBe(hoursOfDay);
      const harness = Harness.covered(fromMs, { calendar });
      for (let at = fromMs; at < toMs; at += minuteMs) harness.trade(at + second, '100');
      harness.clock(toMs + minuteMs);
      expect(harness.candles).toHaveLength(hoursOfDay * 60);
      expect(new Set(harness.candles.map((candle) => candle.sessionDate))).toEqual(new Set([day]));
      expect(new Set(harness.candles.map((candle) => candle.startMs)).size).toBe(hoursOfDay * 60);
    });
  }

  it('S134 in the weeks between the changes New York opens an hour earlier by London, and each by its own zone', () => {
    // 2026: New York changes on 8 March, London on 29 March
    const local = (zone: string, date: string) =>
      createCalendar(`${date}:0930-${date}:1600`, zone).nextChange(Date.parse('2026-03-01'));
    const apart = (date: string) =>
      (local('America/New_York', date) - local('Europe/London', date)) / 3_600_000;
    expect(['20260306', '20260316', '20260327', '20260330'].map(apart)).toEqual([5, 4, 4, 5]);
  });
});

describe('S135 futures roll, halts, unusable and negative prices, the previous close', () => {
  const contract = (conId: number, expiry: string): Instrument => ({
    conId,
    configured: 'GC',
    symbol: 'GC',
    localSymbol: `GC${conId}`,
    secType: 'FUT',
    exchange: 'COMEX',
    currency: 'USD',
    multiplier: '100',
    minTick: '0.1',
    timeZone: 'US/Eastern',
    tradingHours: '',
    expiry,
  });

  it('S135 the front month rolls N days before expiry, by the date of its own exchange', () => {
    const months = [contract(3, '20260626'), contract(1, '20260225'), contract(2, '20260428')];
    const at = (ms: number, days: number) => frontMonth(months, ms, days)?.conId;
    expect(at(eastern(20, 12), 5)).toBe(1);
    expect(at(Date.UTC(2026, 1, 20, 12), 5)).toBe(1);
    // 20 February 23:00 in New York is the 21st in UTC: the roll is when New York's day is over
    expect(at(Date.UTC(2026, 1, 21, 4), 5)).toBe(1);
    expect(at(Date.UTC(2026, 1, 21, 5), 5)).toBe(2);
    expect(at(Date.UTC(2026, 5, 25, 12), 5)).toBe(3);
    expect(at(Date.UTC(2026, 5, 28, 12), 5)).toBeUndefined();
  });

  it('S135 a halt tick of price 0 and size 0 makes no bar', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '0', '0');
    harness.trade(bar(0) + 2 * second, '-1', '0');
    harness.clock(bar(3));
    expect(harness.effects).toEqual([]);
    expect(harness.stats.ignored).toMatchObject({ 'halt-tick': 1, 'no-data': 1 });
  });

  it('S135 there are no flat bars in a halt; a trade that prints in it counts', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    harness.halt(true, bar(0) + 30 * second);
    harness.clock(bar(3));
    harness.trade(bar(3) + second, '95');
    harness.halt(false, bar(4) + 10 * second);
    harness.trade(bar(5) + second, '96');
    harness.clock(bar(7) + 2 * second);
    expect(harness.candles.map((candle) => [...starts([candle]), candle.source])).toEqual([
      [0, 'live'],
      [3, 'live'],
      [5, 'live'],
      [6, 'flat'],
    ]);
  });

  it('S135 NaN and infinite values are counted and change nothing', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '100');
    const good = {
      kind: 'trade' as const,
      timeMs: bar(0) + 2 * second,
      price: 1,
      size: 1,
      cumVolume: 20_000,
    };
    for (const field of ['timeMs', 'price', 'size', 'cumVolume'] as const) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        harness.input({ ...good, [field]: value });
      }
    }
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['100 100 100 100 1']);
    expect(harness.stats.ignored['not-finite']).toBe(12);
  });

  it('S135 negative prices are prices', () => {
    const harness = Harness.covered();
    harness.trade(bar(0) + second, '-37.63', '5');
    harness.trade(bar(0) + 2 * second, '0', '1');
    harness.trade(bar(0) + 3 * second, '-40.32', '2');
    harness.clock(bar(1) + 2 * second);
    expect(harness.candles.map(brief)).toEqual(['-37.63 0 -40.32 -40.32 8']);
  });

  it('S135 the last trade that IB repeats on subscription opens no bar of the session before', () => {
    // given a subscription on Sunday evening
    const calendar = createCalendar(cmeWeek, 'US/Eastern');
    const harness = Harness.covered(eastern(11, 18, 0), { calendar });
    // when the first tick is Friday's last trade, and the second the previous close without volume
    harness.trade(eastern(9, 16, 59, 59), '100', '1', { cum: 250_000, nowMs: eastern(11, 18, 0, 1) });
    harness.trade(eastern(11, 18, 0, 2), '101', '3', { cum: 3 });
    harness.clock(eastern(11, 18, 1, 2));
    // then only the new session has a bar
    expect(harness.candles.map(brief)).toEqual(['101 101 101 101 3']);
    expect(harness.stats.ignored['before-coverage']).toBe(1);
    expect(harness.gaps).toEqual([]);
  });

  it('S135 the previous close sent before the opening, without volume, opens no bar', () => {
    const calendar = createCalendar(cmeWeek, 'US/Eastern');
    const harness = Harness.covered(eastern(11, 17, 50), { calendar });
    harness.trade(eastern(11, 17, 50, 30), '100', '0', { cum: 0 });
    harness.trade(eastern(11, 18, 0, 2), '101', '3', { cum: 3 });
    harness.clock(eastern(11, 18, 1, 2));
    expect(harness.candles.map(brief)).toEqual(['101 101 101 101 3']);
    expect(harness.stats.ignored['session-closed']).toBe(1);
  });
});
