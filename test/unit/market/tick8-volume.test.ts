import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { formatSize, fromNumber, sizeDecimalsDefault } from '../../../lib/domain/market/fixed.ts';
import { Tick8Volume } from '../../../lib/domain/market/tick8-volume.ts';
import { sharedDataDir, whenAbsent } from '../../helpers/shared-data.ts';
import { Harness, minuteMs, store } from './builder-harness.ts';

const shares = (count: number) => count * 10_000;
const dollars = (price: number) => price * 1e8;

describe('volume from tick 8', () => {
  it('takes the first value as the baseline and differences from then on', () => {
    const line = new Tick8Volume();
    expect(line.price(dollars(10))).toEqual({ price: dollars(10), size: 0, cumVolume: -1 });
    expect(line.volume(shares(500))).toBeUndefined();
    expect(line.volume(shares(520))).toEqual({
      price: dollars(10),
      size: shares(20),
      cumVolume: shares(520),
    });
    expect(line.volume(shares(520))).toBeUndefined();
    expect(line.price(dollars(10))).toBeUndefined();
    expect(line.price(dollars(11))).toEqual({ price: dollars(11), size: 0, cumVolume: shares(520) });
    expect(line.volume(shares(521))).toEqual({ price: dollars(11), size: shares(1), cumVolume: shares(521) });
  });

  it('counts what a new session has traded so far, and nothing for a busted trade that was taken back', () => {
    const line = new Tick8Volume();
    line.price(dollars(10));
    line.volume(shares(500));
    expect(line.volume(shares(490))).toBeUndefined();
    expect(line.volume(shares(495))?.size).toBe(shares(5));
    expect(line.volume(shares(3))?.size).toBe(shares(3));
  });

  it('takes any fall after the opening of a session for a new count, also behind a repeated old total', () => {
    const line = new Tick8Volume();
    line.price(dollars(10));
    line.volume(shares(500));
    line.sessionOpened();
    expect(line.volume(shares(500))).toBeUndefined();
    expect(line.volume(shares(400))?.size).toBe(shares(400));
    expect(line.volume(shares(390))).toBeUndefined();
  });

  it('makes no print without a price: volume waits for it; after a reset it starts anew', () => {
    const line = new Tick8Volume();
    line.volume(shares(500));
    expect(line.volume(shares(510))).toBeUndefined();
    expect(line.price(dollars(10))).toEqual({ price: dollars(10), size: shares(10), cumVolume: shares(510) });
    expect(line.volume(shares(512))?.size).toBe(shares(2));
    line.reset();
    expect(line.volume(shares(900))).toBeUndefined();
    expect(line.price(dollars(10))?.size).toBe(0);
    expect(line.volume(shares(901))?.size).toBe(shares(1));
  });

  it('the first value of all is a baseline, not a count that began again: a busted trade behind it is none', () => {
    const line = new Tick8Volume();
    line.price(dollars(10));
    line.sessionOpened();
    line.volume(shares(100));
    expect(line.volume(shares(90))).toBeUndefined();
  });

  it('ignores what is no volume', () => {
    const line = new Tick8Volume();
    line.price(dollars(10));
    line.volume(shares(500));
    expect(line.price(Number.NaN)).toBeUndefined();
    expect(line.volume(Number.NaN)).toBeUndefined();
    expect(line.volume(-1)).toBeUndefined();
    expect(line.volume(shares(501))?.size).toBe(shares(1));
  });
});

interface RecordedTick {
  readonly time: string;
  readonly price: number;
  readonly size: number;
  readonly tickType: number;
}

const skipped = sharedDataDir === undefined;

describe.skipIf(skipped)(`a recorded stream of one stock${skipped ? ` (${whenAbsent})` : ''}`, () => {
  it('has the volume that VOLUME says, 3,385,936 shares, and not the sum of its last sizes', () => {
    const file = join(sharedDataDir!, 'ib', 'l1_stream_2022-01-07.json.gz');
    const ticks = JSON.parse(gunzipSync(readFileSync(file)).toString()) as RecordedTick[];
    const first = Date.parse(ticks[0]!.time);
    const harness = Harness.covered(first - (first % minuteMs), { volumeSource: 'tick8', flatBarsMax: 0 });
    const line = new Tick8Volume();
    let lastSizes = 0;
    for (const tick of ticks) {
      const timeMs = Date.parse(tick.time);
      let print: ReturnType<Tick8Volume['price']>;
      if (tick.tickType === 4) print = line.price(fromNumber(tick.price));
      else if (tick.tickType === 8) print = line.volume(fromNumber(tick.size, sizeDecimalsDefault));
      else if (tick.tickType === 5) lastSizes += tick.size;
      if (print) harness.input({ kind: 'trade', timeMs, ...print }, timeMs);
    }
    harness.clock(harness.nowMs + 2 * minuteMs);
    const volume = [...store(harness.candles).values()].reduce(
      (sum, candle) => sum + Number(candle.volume),
      0,
    );
    expect(volume).toBe(3_385_936);
    expect(lastSizes).toBe(1_313_900);
    expect(formatSize(shares(volume))).toBe('3385936');
    expect(harness.candles.every((candle) => candle.volumeSource === 'tick8' && !candle.partial)).toBe(true);
  });
});
