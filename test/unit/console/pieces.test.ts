import { describe, expect, it } from 'vitest';
import { changedRows } from '../../../console/server/changed-rows.ts';
import { exposureOf } from '../../../console/server/exposure.ts';
import { Onces } from '../../../console/server/once.ts';
import { chartMarks, markText } from '../../../console/wire/chart-marks.ts';
import { pairPositions, verdictOf } from '../../../console/wire/position-pairs.ts';
import { withChange } from '../../../console/wire/rows.ts';
import { runTone, runWords } from '../../../console/wire/run-words.ts';
import type { PositionShown } from '../../../console/wire/shapes.ts';
import type { Candle } from '../../../lib/domain/market/candle.ts';

describe('a number that is good for one action', () => {
  it('is good once, and no other is', () => {
    const onces = new Onces(() => 0);
    const once = onces.issue();
    expect([onces.use(once), onces.use(once)]).toEqual([true, false]);
    expect([onces.use('made up'), onces.use(undefined)]).toEqual([false, false]);
  });

  it('ends after a quarter of an hour', () => {
    let now = 0;
    const onces = new Onces(() => now);
    const [early, late] = [onces.issue(), onces.issue()];
    now = 900_000;
    expect(onces.use(early)).toBe(true);
    now += 1;
    expect(onces.use(late)).toBe(false);
  });

  it('of many that were never used, the oldest is forgotten', () => {
    const onces = new Onces(() => 0);
    const [first, ...others] = Array.from({ length: 65 }, () => onces.issue());
    expect(onces.use(first)).toBe(false);
    expect(others.every((once) => onces.use(once))).toBe(true);
  });
});

describe('what has changed in a list', () => {
  it('is told row by row, and put together again it is the list', () => {
    const before = changedRows(new Map(), [
      ['a', { n: 1 }],
      ['b', { n: 2 }],
    ]);
    expect(before.rows).toHaveLength(2);
    const now = [
      ['b', { n: 3 }],
      ['c', { n: 4 }],
    ] as const;
    const { rows, gone } = changedRows(before.told, now);
    expect({ rows, gone }).toEqual({ rows: now, gone: ['a'] });
    expect([...withChange(new Map(before.rows), { rows, gone })]).toEqual(now);
    expect(changedRows(before.told, before.rows)).toMatchObject({ rows: [], gone: [] });
  });

  it('is nothing where only the order of the fields is another', () => {
    const { told } = changedRows(new Map(), [['a', { n: 1, m: { x: 1, y: 2 } }]]);
    expect(changedRows(told, [['a', { m: { y: 2, x: 1 }, n: 1 }]]).rows).toEqual([]);
  });
});

describe('marks of a chart', () => {
  const minute = 60_000;
  const bar = (at: number, changes: Partial<Candle> = {}) => ({
    startMs: at * minute,
    intervalMs: minute,
    sessionDate: '2026-01-05',
    source: 'live' as const,
    partial: false,
    revision: 0,
    ...changes,
  });

  it('none where every bar is live, whole and there', () => {
    expect(chartMarks([bar(1), bar(2), bar(3, { source: 'flat' })])).toEqual([]);
  });

  it('a gap has the bars that are missing; between two sessions there is none', () => {
    const found = chartMarks([bar(1), bar(5), bar(90, { sessionDate: '2026-01-06' })]);
    expect(found).toEqual([{ kind: 'gap', atMs: 5 * minute, bars: 3 }]);
    expect(found.map(markText)).toEqual(['gap of 3 bars before it']);
  });

  it('bars that were filled in one after the other are one backfill', () => {
    const filled = { source: 'backfill' } as const;
    expect(chartMarks([bar(1), bar(2, filled), bar(3, filled), bar(4), bar(5, filled)])).toEqual([
      { kind: 'backfill', atMs: 2 * minute, bars: 2 },
      { kind: 'backfill', atMs: 5 * minute, bars: 1 },
    ]);
  });

  it('corrections and partial bars each have theirs', () => {
    expect(chartMarks([bar(1, { revision: 2 }), bar(2, { partial: true })]).map(({ kind }) => kind)).toEqual([
      'correction',
      'partial',
    ]);
  });
});

describe('positions of both sides', () => {
  const held = (position: string) => [{ conId: 1, localSymbol: 'GCG6', position } as PositionShown];
  const run = (broker: string, book: string) =>
    ({ positionsOutcome: 'ok', positions: held(broker), book: [{ conId: 1, position: book }] }) as never;
  const judged = (now: string, broker: string, book: string) =>
    pairPositions(held(now), run(broker, book)).map(verdictOf);

  it('a fill after the run is no difference until the next run has compared', () => {
    expect(judged('3', '2', '2')).toEqual(['moved']);
    expect(judged('3', '2', '3')).toEqual(['differs']);
    expect(judged('2', '2', '3')).toEqual(['same']);
    expect(judged('0', '2', '2')).toEqual(['moved']);
  });

  it('what either side did not have then was none; without IB’s list nothing is compared', () => {
    const broker = { positionsOutcome: 'ok', positions: [], book: [] } as never;
    expect(pairPositions(held('1'), broker).map(verdictOf)).toEqual(['moved']);
    expect(pairPositions([], run('1', '0')).map(verdictOf)).toEqual(['differs']);
    expect(pairPositions(held('1'), null).map(verdictOf)).toEqual(['not compared']);
  });
});

describe('a run of reconcile', () => {
  const ended = { status: 'COMPLETED', code: '', severities: {}, mode: 'warn' } as const;
  const shown = (changes: object, lost = false) => {
    const run = { ...ended, ...changes };
    return `${runTone(run, lost)}: ${runWords(run, lost)}`;
  };

  it('is green where it opened the lock, and only then', () => {
    expect(shown({})).toBe('good: COMPLETED');
    expect(shown({ severities: { HIGH: 1 } })).toBe('good: COMPLETED');
    expect(shown({ severities: { CRITICAL: 1 } })).toBe('warn: COMPLETED, locked');
    expect(shown({ severities: { HIGH: 1 }, mode: 'strict' })).toBe('warn: COMPLETED, locked');
  });

  it('that was refused, or never ended, is red', () => {
    expect(shown({ status: 'REFUSED', code: 'STALE_DATA' })).toBe('bad: REFUSED STALE_DATA');
    expect(shown({ status: 'RUNNING' }, true)).toBe('bad: LOST');
    expect(shown({ status: 'RUNNING' })).toBe('calm: RUNNING');
  });
});

describe('exposure', () => {
  const position = (
    conId: number,
    quantity: string,
    changes: Partial<PositionShown> = {},
  ): PositionShown => ({
    conId,
    symbol: 'GC',
    localSymbol: 'GCG6',
    secType: 'FUT',
    currency: 'USD',
    multiplier: '100',
    position: quantity,
    averagePrice: '2700.1',
    averageCost: '270010',
    ...changes,
  });

  it('is quantity times price times multiplier, to the digit, the largest first', async () => {
    const held = [position(1, '-3'), position(2, '0.1', { multiplier: '' }), position(3, '0')];
    const last = async (conId: number) => (conId === 1 ? '2728.7' : undefined);
    expect(await exposureOf(held, last)).toMatchObject([
      { conId: 1, notional: '-818610', price: '2728.7', priceFrom: 'candle' },
      { conId: 2, notional: '270.01', price: '2700.1', priceFrom: 'cost' },
    ]);
  });
});
