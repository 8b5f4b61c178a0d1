import { describe, expect, it } from 'vitest';
import { gold, MarketDataHarness, MINUTE, TUESDAY } from './market-data-harness.ts';

/** 18:00 in New York: the next session opens. */
const OPENING = Date.UTC(2026, 0, 6, 23);

describe('tick-by-tick', () => {
  const config = { candles: { volumeSource: 'tick-by-tick' } };

  it('prints come from its own subscription, in order of arrival, and RTVolume beside it is not counted', () => {
    const line = new MarketDataHarness(config).start();
    const reqId = line.reqId('tick-by-tick');
    line.nowMs = TUESDAY + 62_000;
    for (const price of [100, 102, 99]) line.marketData.onTickByTick(reqId, TUESDAY / 1000 + 61, price, 2);
    line.print(TUESDAY + 61_500, 500, 7);
    line.drain();
    line.time(TUESDAY + 122_000);
    expect(line.candles().get('101 15:01')).toMatchObject({
      open: '100',
      high: '102',
      low: '99',
      close: '99',
      volume: '6',
      tickCount: 3,
      volumeSource: 'tick-by-tick',
      partial: false,
    });
  });

  it('a new subscription ends the old tick-by-tick one too: IB allows few, and leftovers would use them up', () => {
    const line = new MarketDataHarness(config).start();
    const first = line.reqId('tick-by-tick');
    line.marketData.coverageLost('connectivity-lost', false);
    line.marketData.subscribeAll();
    expect(line.requests('tick-by-tick-end')).toEqual([first]);
    line.marketData.onTickByTick(first, TUESDAY / 1000 + 1, 100, 1);
    expect(line.marketData.buffer.empty).toBe(true);
  });

  it('refused while quotes are served: the acknowledged half proves nothing about the prints', () => {
    const line = new MarketDataHarness(config);
    line.marketData.subscribeAll();
    line.answer([gold()]);
    line.acknowledge();
    const text = 'Max number of tick-by-tick requests has been reached';
    line.marketData.onRequestError(line.reqId('tick-by-tick'), 10190, text);
    line.acknowledge();
    line.time(TUESDAY + 1_000);
    expect(line.marketData.lines[0]?.covered).toBe(false);
    expect(line.marketData.awaitsCoverage).toBe(false);
  });

  it('a print without a readable time does not stop the market clock for good', () => {
    const line = new MarketDataHarness(config).start();
    line.marketData.onTickByTick(line.reqId('tick-by-tick'), Number.NaN, 100, 1);
    line.drain();
    expect(line.clock.marketMs).toBe(TUESDAY);
    expect(line.marketData.stats().lines[0]?.builder?.ignored['not-finite']).toBe(1);
  });

  it('prints that were dropped for want of room leave a partial bar and a gap, though no count could tell', () => {
    const line = new MarketDataHarness({ ...config, marketData: { bufferCapacity: 100 } }).start();
    line.gaps.length = 0;
    line.marketData.buffer.pause();
    line.nowMs = TUESDAY + 61_000;
    for (let each = 0; each < 150; each += 1)
      line.marketData.onTickByTick(line.reqId('tick-by-tick'), line.nowMs / 1000, 100, 1);
    line.marketData.buffer.resume();
    line.time(TUESDAY + 130_000);
    expect(line.candles().get('101 15:01')).toMatchObject({ partial: true, volume: '100' });
    expect(line.gaps).toEqual([
      { conId: 101, fromMs: TUESDAY + MINUTE, toMs: TUESDAY + 3 * MINUTE, reason: 'ticks-dropped' },
    ]);
    expect(line.marketData.lines[0]).toMatchObject({ covered: true, feed: 'live' });
  });
});

describe('tick 8', () => {
  const config = { candles: { volumeSource: 'tick8' } };
  const volume = (line: MarketDataHarness, size: number) =>
    line.marketData.onTickSize(line.reqId('subscribe'), 8, size);
  const last = (line: MarketDataHarness, price: number) =>
    line.marketData.onTickPrice(line.reqId('subscribe'), 4, price);

  it('the volume of an outage is not lumped into the first bar after it: history brings it', () => {
    const line = new MarketDataHarness(config).start();
    last(line, 100);
    volume(line, 1_000);
    line.nowMs += 5_000;
    volume(line, 1_010);
    line.time();
    line.marketData.coverageLost('disconnected', true);
    line.nowMs += 5 * MINUTE;
    line.marketData.subscribeAll();
    line.answer([gold()]);
    line.acknowledge();
    line.time();
    line.nowMs += MINUTE;
    last(line, 101);
    volume(line, 5_000);
    line.nowMs += 1_000;
    volume(line, 5_003);
    line.drain();
    line.time(line.nowMs + 2 * MINUTE);
    expect(line.candles().get('101 15:06')).toMatchObject({ volume: '3', close: '101', partial: false });
  });

  it('a feed that is cut off and comes back on the same subscription (1100, 1102) begins with a new baseline', () => {
    const line = new MarketDataHarness(config).start();
    last(line, 100);
    volume(line, 1_000);
    line.drain();
    line.dataFlows = false;
    line.marketData.coverageLost('connectivity-lost', false);
    volume(line, 1_500); // still under way when the notice came
    line.nowMs += 3 * MINUTE;
    line.dataFlows = true;
    last(line, 100);
    volume(line, 9_000);
    line.time();
    line.nowMs += MINUTE;
    volume(line, 9_002);
    line.drain();
    line.time(line.nowMs + 2 * MINUTE);
    // What the first volume after it stands for was traded in the outage, whose bars are partial and backfilled.
    for (const bar of line.candles().values()) if (!bar.partial) expect(['2', '0']).toContain(bar.volume);
    expect(line.candles().get('101 15:04')).toMatchObject({ volume: '2', partial: false });
  });

  it('-1 and 0, IB\'s words for "no last price", are not what the next volume was traded at', () => {
    const line = new MarketDataHarness(config).start();
    line.nowMs += 2_000;
    volume(line, 1_000);
    last(line, 100);
    last(line, -1);
    volume(line, 1_010);
    last(line, 0);
    volume(line, 1_011);
    line.drain();
    line.time(TUESDAY + 62_000);
    expect(line.candles().get('101 15:00')).toMatchObject({ low: '100', high: '100', volume: '11' });
  });

  it('the count begins again at the opening, also where the first volume is more than half of the thin session before', () => {
    const line = new MarketDataHarness({ ...config, startMs: OPENING - 62 * MINUTE }).start();
    last(line, 100);
    volume(line, 100);
    line.drain();
    for (let atMs = line.nowMs; atMs < OPENING; atMs += 30_000) line.time(atMs);
    line.time(OPENING + 1_000);
    volume(line, 100); // the old total, repeated
    line.nowMs = OPENING + 5_000;
    volume(line, 60);
    line.nowMs += 1_000;
    volume(line, 58); // a busted trade, later on
    volume(line, 61);
    line.drain();
    line.time(OPENING + 62_000);
    expect(line.candles().get('101 23:00')).toMatchObject({ volume: '63', partial: false });
  });
});

describe('delayed and frozen data', () => {
  it('delayed prints come at the wrong time: their bars are never complete, and nothing counts as accounted for', () => {
    const line = new MarketDataHarness({ marketDataType: 'delayed', candles: { volumeSource: 'tick8' } });
    line.marketData.subscribeAll();
    line.answer([gold()]);
    line.acknowledge(undefined, 3);
    line.time();
    expect(line.marketData.lines[0]).toMatchObject({ covered: true, feed: 'delayed' });
    const reqId = line.reqId('subscribe');
    line.nowMs += 61_000;
    line.marketData.onTickPrice(reqId, 68, 100);
    line.marketData.onTickSize(reqId, 74, 1_000);
    line.marketData.onTickSize(reqId, 74, 1_003);
    line.marketData.onTickPrice(reqId, 66, 99);
    line.drain();
    line.time(line.nowMs + 2 * MINUTE);
    expect(line.candles().get('101 15:01')).toMatchObject({ volume: '3', partial: true });
    expect(line.marketData.closedThrough().size).toBe(0);
    expect(line.marketData.lines[0]?.bid).toBe(99);

    // The subscription turns live: from here on bars are complete, after a proof of their own.
    line.marketData.onMarketDataType(reqId, 1);
    expect(line.marketData.lines[0]?.covered).toBe(false);
    line.time();
    expect(line.marketData.lines[0]).toMatchObject({ covered: true, feed: 'live' });
    expect(line.marketData.closedThrough().size).toBe(1);
  });

  it('delayed data in the place of live data, while running: no bar is made complete of it until live data is back', () => {
    const line = new MarketDataHarness().start();
    const reqId = line.reqId('subscribe');
    line.marketData.onRequestError(reqId, 10167, 'Displaying delayed market data.');
    line.marketData.onMarketDataType(reqId, 3);
    line.time(TUESDAY + 1_000);
    expect(line.marketData.lines[0]).toMatchObject({ covered: false, feed: 'delayed' });
    expect(line.fatal.map((error) => error.code)).toEqual(['DELAYED_DATA_ONLY']);
    line.time(TUESDAY + 2 * MINUTE);
    line.acknowledge();
    line.time(TUESDAY + 2 * MINUTE + 1_000);
    expect(line.marketData.lines[0]).toMatchObject({ covered: true, feed: 'live' });
  });

  it('a frozen feed says so, and goes live when the market data type does', () => {
    const line = new MarketDataHarness({ marketDataType: 'frozen' });
    line.marketData.subscribeAll();
    line.answer([gold()]);
    line.acknowledge(undefined, 2);
    line.time();
    expect(line.marketData.lines[0]?.feed).toBe('frozen');
    line.marketData.onMarketDataType(line.reqId('subscribe'), 1);
    expect(line.of('feed.changed').map((event) => event.to)).toEqual(['frozen', 'live']);
  });
});

describe('silence', () => {
  const stale = (line: MarketDataHarness) => line.of('feed.changed').filter((event) => event.to === 'stale');

  it('the hour between two sessions is no silence of the new one: nothing is stale or asked for again at the opening', () => {
    const line = new MarketDataHarness({ startMs: OPENING - 70 * MINUTE }).start();
    for (let atMs = line.nowMs; atMs < OPENING - 60 * MINUTE; atMs += 30_000) {
      line.print(atMs, 100);
      line.drain();
      line.time(atMs);
    }
    for (let atMs = line.nowMs; atMs <= OPENING + MINUTE; atMs += 30_000) line.time(atMs);
    expect(stale(line)).toEqual([]);
    expect(line.requests('subscribe')).toHaveLength(1);
    line.time(OPENING + 2 * MINUTE);
    expect(stale(line)).toHaveLength(1);
  });

  it('a silent line is asked for again ever more rarely, and a tick makes it begin anew', () => {
    const line = new MarketDataHarness({ marketData: { staleAfterMs: MINUTE } }).start();
    line.print(TUESDAY + 2_000, 100);
    line.drain();
    const askedAt: number[] = [];
    const pass = (untilMs: number): void => {
      for (let atMs = line.nowMs; atMs < untilMs; atMs += 30_000) {
        const before = line.requests('subscribe').length;
        line.time(atMs);
        if (line.requests('subscribe').length === before) continue;
        askedAt.push(Math.round((atMs - TUESDAY) / MINUTE));
        line.acknowledge();
        line.time(atMs + 1_000);
      }
    };
    pass(TUESDAY + 3 * 60 * MINUTE);
    expect(askedAt).toEqual([10, 31, 71, 152]);
    line.print(line.nowMs, 101, 1);
    line.drain();
    askedAt.length = 0;
    pass(line.nowMs + 12 * MINUTE);
    expect(askedAt).toEqual([190]);
  });

  it('a feed that died without a word: the gap begins at its last tick, and so does the watermark', () => {
    const line = new MarketDataHarness({ marketData: { staleAfterMs: MINUTE } }).start();
    line.print(TUESDAY + 2 * MINUTE, 100);
    line.drain();
    line.gaps.length = 0;
    while (line.requests('subscribe').length < 2) {
      if (line.marketData.lines[0]?.feed === 'stale')
        expect(line.marketData.closedThrough().get(101)).toBeLessThanOrEqual(TUESDAY + 2 * MINUTE);
      line.time(line.nowMs + 30_000);
    }
    expect(line.marketData.closedThrough().size).toBe(0);
    line.acknowledge();
    line.time(line.nowMs + 1_000);
    expect(line.gaps).toEqual([
      { conId: 101, fromMs: TUESDAY + 2 * MINUTE, toMs: TUESDAY + 13 * MINUTE, reason: 'stale' },
    ]);
  });

  it('a halted instrument is not stale, and a print ends the halt', () => {
    const line = new MarketDataHarness().start();
    line.print(TUESDAY + 2_000, 100);
    line.drain();
    line.marketData.onTickGeneric(line.reqId('subscribe'), 49, 1);
    for (let atMs = line.nowMs; atMs < TUESDAY + 40 * MINUTE; atMs += 30_000) line.time(atMs);
    expect(stale(line)).toEqual([]);
    expect(line.requests('subscribe')).toHaveLength(1);
    // No bar is shown flat in a halt.
    expect([...line.candles().values()].filter((bar) => bar.source === 'flat')).toEqual([]);
    line.print(line.nowMs, 101);
    line.drain();
    for (let atMs = line.nowMs; atMs < TUESDAY + 45 * MINUTE; atMs += 30_000) line.time(atMs);
    expect(stale(line)).toHaveLength(1);
  });

  it('on a tape silence is only told: its pace is not ours', () => {
    const line = new MarketDataHarness().start();
    line.nowMs += 365 * 24 * 60 * MINUTE;
    for (let minute = 1; minute < 60; minute += 1) line.marketData.onTime((TUESDAY + minute * MINUTE) / 1000);
    expect(line.clock.tape).toBe(true);
    expect(stale(line)).toHaveLength(1);
    expect(line.requests('subscribe')).toHaveLength(1);
  });
});

describe('ticks', () => {
  it('a volume without a price, which IB sends, is no event and breaks nothing', () => {
    const line = new MarketDataHarness().start();
    line.ticksWanted = true;
    line.marketData.onTickString(line.reqId('subscribe'), 48, `;5;${line.nowMs + 2_000};5;;false`);
    line.drain();
    line.print(line.nowMs + 3_000, 100);
    line.drain();
    expect(line.told).toHaveLength(1);
  });

  it('quotes are decimal text in canonical form; -1 is none', () => {
    const line = new MarketDataHarness().start();
    line.ticksWanted = true;
    const reqId = line.reqId('subscribe');
    line.marketData.onTickPrice(reqId, 2, -1);
    line.marketData.onTickPrice(reqId, 1, 0.0000001);
    line.marketData.onTickPrice(reqId, 2, 0.3);
    line.drain();
    expect(line.told.map(({ data }) => data)).toMatchObject([
      { kind: 'quote', bid: '0.0000001' },
      { kind: 'quote', bid: '0.0000001', ask: '0.3' },
    ]);
    expect(line.told[0]?.data).not.toHaveProperty('ask');
  });

  it('sampled ticks go to the bus outside, the others only to handlers inside the process', () => {
    const line = new MarketDataHarness({
      marketData: { tickSampling: { enabled: true, everyNth: 3 } },
    }).start();
    line.ticksWanted = true;
    for (let each = 1; each <= 6; each += 1) line.print(line.nowMs + 1, 100 + each);
    line.drain();
    expect(line.of('tick.received').map((tick) => tick.price)).toEqual(['101', '104']);
    expect(line.told).toHaveLength(4);
  });

  it('ticks that were held back for over a minute are not refused as ticks from the future', () => {
    const line = new MarketDataHarness().start();
    line.marketData.buffer.pause();
    line.print(TUESDAY + 2_000, 100);
    line.print(TUESDAY + 72_000, 101);
    line.marketData.buffer.resume();
    expect(line.clock.futureEvents).toBe(0);
    expect(line.marketData.lines[0]?.trades).toBe(2);
  });

  it('of ticks that are held back only those expire that are too old themselves', () => {
    const line = new MarketDataHarness().start();
    line.marketData.buffer.pause();
    for (let each = 1; each <= 8; each += 1) line.print(TUESDAY + each * 10_000, 100);
    expect(line.marketData.buffer.flushExpired(line.nowMs)).toBe(1);
    line.marketData.buffer.resume();
    line.time(TUESDAY + 2 * MINUTE + 2_000);
    expect(line.candles().get('101 15:01')).toMatchObject({ partial: true });
  });
});
