import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pricePlaces } from '../../../bin/evenkeel/candle-columns.ts';
import { plotCandles } from '../../../bin/evenkeel/candle-plot.ts';
import type { CliError } from '../../../bin/evenkeel/exit.ts';
import { createView } from '../../../bin/evenkeel/view.ts';
import type { Candle } from '../../../lib/domain/market/candle.ts';

const plain = createView('Europe/Stockholm', false);
const minuteMs = 60_000;

function candle(minute: number, prices: readonly number[], changes: Partial<Candle> = {}): Candle {
  const [open, high, low, close] = prices.map(String) as [string, string, string, string];
  return {
    conId: 1,
    symbol: 'GCG6',
    intervalMs: minuteMs,
    startMs: Date.UTC(2026, 0, 5, 22, 58) + minute * minuteMs,
    sessionDate: '2026-01-06',
    open,
    high,
    low,
    close,
    volume: '10',
    tickCount: 3,
    source: 'live',
    volumeSource: 'rtvolume',
    partial: false,
    noTrades: false,
    epoch: 1,
    revision: 0,
    ...changes,
  };
}

/** A rise, a fall with marks, and after a gap on the next day a silent minute. */
const three = [
  candle(0, [100, 131, 100, 120], { volume: '16' }),
  candle(1, [120, 125, 104, 110], { volume: '8.5', partial: true, revision: 2 }),
  candle(4, [110, 110, 110, 110], { volume: '0', source: 'flat' }),
];

describe('a plot of candles', () => {
  it('to the letter', () => {
    expect(plotCandles('GCG6', three, plain, 40)).toBe(`GCG6, 2026-01-05 23:58 to 2026-01-06
00:02, each column 1 min
open 100, high 131, low 100, close 110

      130 ┤│
          ││
          ││
          ││ │
          ││ │
      120 ┤╽ ╽
          │┃ ┃
          │┃ ┃
          │┃ ┃
          │┃ ┃
      110 ┤┃ ┃ ╻
          │┃ │
          │┃ │
          │┃ │
          │┃
      100 ┤┃
          │
       16 ┤█
          │█ ▁
          │█ █
   volume ┤█ █
  + rises │+ - =
     flat │    •
  partial │  •
corrected │  •
after gap │    •
          └─────
           23:58
3 candles, times in Europe/Stockholm`);
  });

  it('rising is green, falling red, unchanged dim; then no row has to say it', () => {
    const drawn = plotCandles('GCG6', three, createView('Europe/Stockholm', true), 40);
    expect(drawn).toContain('\u001B[32m╽\u001B[39m \u001B[31m╽\u001B[39m');
    expect(drawn).toContain('\u001B[2m╻\u001B[22m');
    const without = plotCandles('GCG6', three, plain, 40).replace(/^ {2}\+ rises .*\n/m, '');
    expect(stripVTControlCharacters(drawn)).toBe(without);
  });

  it('brings bars together that do not fit, and says how many', () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      candle(index, [10 + index, 12 + index, 9, 11], { volume: '2' }),
    );
    const drawn = plotCandles('GCG6', many, plain, 70);
    expect(drawn).toContain('each column 2 min');
    // Two bars of 2 in a column.
    expect(drawn).toMatch(/^ {8}4 ┤/m);
    expect(drawn).toContain('open 10, high 111, low 9, close 11');
  });

  it('a label of the time axis names the day where it is another one', () => {
    const hours = Array.from({ length: 14 }, (_, index) => candle(index, [1, 2, 1, 2]));
    expect(plotCandles('GCG6', hours, plain, 41)).toMatch(/^ {11}23:58 {7}01-06 00:04$/m);
  });

  it('says how wide it has to be', () => {
    expect(() => plotCandles('GCG6', three, plain, 22)).toThrow('needs 23 columns, and here are 22');
    expect(plotCandles('GCG6', three, plain, 23)).toContain('volume');
  });
});

it('a year of minutes is not too much for a call', () => {
  const year = Array.from<Candle>({ length: 400_000 }).fill(candle(0, [1, 2, 0.25, 1]));
  expect(pricePlaces(year)).toBe(2);
});

const bars = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 3 }),
      prices: fc.array(fc.integer({ min: -40, max: 400 }), { minLength: 4, maxLength: 4 }),
      volume: fc.integer({ min: 0, max: 5_000 }),
      source: fc.constantFrom('live', 'flat', 'backfill'),
      partial: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((drafts) => {
    let minute = 0;
    return drafts.map(({ gap, prices, volume, source, partial }) => {
      minute += gap;
      const [low, open, close, high] = prices.toSorted((a, b) => a - b) as [number, number, number, number];
      const rises = volume % 2 === 0;
      const inQuarters = [rises ? open : close, high, low, rises ? close : open].map((price) => price / 4);
      return candle(minute, inQuarters, { volume: String(volume), source, partial } as Partial<Candle>);
    });
  });

describe('of any candles', () => {
  it('no line is wider than asked, or it says that it cannot be', () => {
    fc.assert(
      fc.property(bars, fc.integer({ min: 1, max: 160 }), fc.boolean(), (candles, width, inColour) => {
        const view = createView('America/Argentina/Buenos_Aires', inColour);
        let drawn: string;
        try {
          drawn = plotCandles('GCG6', candles, view, width);
        } catch (error) {
          expect((error as CliError).code).toBe('TERMINAL_NARROW');
          expect(width).toBeLessThan(24);
          return;
        }
        for (const line of stripVTControlCharacters(drawn).split('\n'))
          expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('open and close lie between the rows of low and high, and a higher price never in a lower row', () => {
    fc.assert(
      fc.property(bars, (candles) => {
        const lines = plotCandles('GCG6', candles, plain, 160).split('\n');
        const top = lines.findIndex((line) => line.includes('│') || line.includes('┤'));
        const axis = lines[top]!.search(/[│┤]/) + 1;
        const cells = lines.slice(top, top + 16).map((line) => line.slice(axis));
        const drawn = candles.map((each, index) => {
          const column = cells.map((row) => row[index * 2] ?? ' ');
          const body = (glyph: string) => '╻╽╹╿┃'.includes(glyph);
          return {
            ...each,
            highRow: column.findIndex((glyph) => glyph !== ' '),
            lowRow: column.findLastIndex((glyph) => glyph !== ' '),
            upperRow: column.findIndex(body),
            lowerRow: column.findLastIndex(body),
          };
        });
        for (const { highRow, lowRow, upperRow, lowerRow } of drawn) {
          expect([highRow, upperRow, lowerRow, lowRow]).toEqual(
            [highRow, upperRow, lowerRow, lowRow].toSorted((a, b) => a - b),
          );
          expect(highRow).toBeGreaterThanOrEqual(0);
        }
        // By the price itself, from one candle to the next: the close of one against the high of the other.
        for (const [index, next] of drawn.slice(1).entries()) {
          const { close, open, upperRow, lowerRow } = drawn[index]!;
          const closeRow = Number(close) >= Number(open) ? upperRow : lowerRow;
          if (Number(next.high) >= Number(close)) expect(next.highRow).toBeLessThanOrEqual(closeRow);
          if (Number(next.low) <= Number(close)) expect(next.lowRow).toBeGreaterThanOrEqual(closeRow);
        }
        const extremes = {
          highRow: Math.min(...drawn.map((each) => each.highRow)),
          lowRow: Math.max(...drawn.map((each) => each.lowRow)),
        };
        const moves = candles.some(({ high, low }) => high !== low || high !== candles[0]!.high);
        if (moves) expect(extremes).toEqual({ highRow: 0, lowRow: 15 });
      }),
    );
  });
});
