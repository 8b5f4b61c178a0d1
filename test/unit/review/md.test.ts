import { describe, expect, it } from 'vitest';
import { gold, MarketDataHarness, MINUTE, stock, TUESDAY } from '../streamer/market-data-harness.ts';

describe('review', () => {
  it('baseline: complete bar', () => {
    const h = new MarketDataHarness().start();
    h.print(TUESDAY + 61_000, 100);
    h.drain();
    h.time(TUESDAY + 123_000);
    console.log([...h.candles().entries()].map(([k, c]) => [k, c.close, c.volume, c.partial]), h.gaps);
    expect(h.candles().get('101 15:01')).toMatchObject({ partial: false, close: '100' });
  });

  it('A stock on a failed contract question', () => {
    const h = new MarketDataHarness().start();
    h.marketData.coverageLost('disconnected', true);
    h.marketData.subscribeAll();
    h.marketData.onRequestError(h.reqId('contract'), 504, 'Not connected');
    const last = h.sent.at(-1);
    expect(h.sent.filter((s) => s.contract?.secType === 'STK')).toHaveLength(0);
    console.log(last);
  });
  it('A1 error with request id 0 is nobodys question', () => {
    const h = new MarketDataHarness().start();
    const before = h.sent.length;
    h.marketData.onRequestError(0, 321, 'x');
    expect(h.sent.length).toBe(before);
  });
  it('A2 partial list then error', () => {
    const h = new MarketDataHarness().start();
    h.marketData.coverageLost('disconnected', true);
    h.marketData.subscribeAll();
    h.marketData.onContract(h.reqId('contract'), gold(102, 'GCJ6', '20260428'));
    h.marketData.onRequestError(h.reqId('contract'), 100, 'pacing');
    expect(h.marketData.lines[0]!.instrument!.conId).toBe(101);
  });
  it('B roll with ticks in the buffer', () => {
    const h = new MarketDataHarness().start();
    h.print(TUESDAY + 61_000, 100, 5000);
    h.marketData.subscribeAll();
    const reqId = h.reqId('subscribe');
    h.print(TUESDAY + 62_000, 100, 5, { reqId });
    h.answer([gold(102, 'GCJ6', '20260428')]);
    h.drain();
    h.time(TUESDAY + 200_000);
    const c = [...h.candles().values()].filter((x) => x.conId === 102);
    expect(c).toEqual([]);
  });
  it('C tbt cancel on resubscribe', () => {
    const h = new MarketDataHarness({ candles: { volumeSource: 'tick-by-tick' } }).start();
    const first = h.reqId('tick-by-tick');
    h.marketData.coverageLost('connectivity-lost', false);
    h.marketData.subscribeAll();
    expect(h.requests('tick-by-tick-end')).toEqual([first]);
  });
  it('D tbt refused while the quote line is acknowledged', () => {
    const h = new MarketDataHarness({ candles: { volumeSource: 'tick-by-tick' } });
    h.marketData.subscribeAll();
    h.answer([gold()]);
    h.acknowledge();
    h.marketData.onRequestError(h.reqId('tick-by-tick'), 10190, 'Max number of tick-by-tick requests');
    h.time();
    expect(h.marketData.lines[0]!.covered).toBe(false);
  });
  it('E tick8 outage', () => {
    const h = new MarketDataHarness({ candles: { volumeSource: 'tick8' } }).start();
    const id = () => h.reqId('subscribe');
    h.marketData.onTickPrice(id(), 4, 100);
    h.marketData.onTickSize(id(), 8, 1000);
    h.nowMs += 5000;
    h.marketData.onTickSize(id(), 8, 1010);
    h.time();
    h.marketData.coverageLost('disconnected', true);
    h.nowMs += 300_000;
    h.marketData.subscribeAll();
    h.answer([gold()]);
    h.acknowledge();
    h.time();
    h.nowMs += 61_000;
    h.marketData.onTickPrice(id(), 4, 101);
    h.marketData.onTickSize(id(), 8, 5000);
    h.nowMs += 1_000;
    h.marketData.onTickSize(id(), 8, 5003);
    h.drain();
    h.time(h.nowMs + 120_000);
    console.log([...h.candles().entries()].map(([k, c]) => [k, c.close, c.volume, c.partial]));
    expect([...h.candles().values()].filter((x) => !x.partial && x.volume !== '3' && x.volume !== '0')).toEqual([]);
  });
  it('F tick8 last -1', () => {
    const h = new MarketDataHarness({ candles: { volumeSource: 'tick8' } }).start();
    const id = h.reqId('subscribe');
    h.nowMs += 2000;
    h.marketData.onTickSize(id, 8, 1000);
    h.marketData.onTickPrice(id, 4, 100);
    h.marketData.onTickPrice(id, 4, -1);
    h.marketData.onTickSize(id, 8, 1010);
    h.marketData.onTickPrice(id, 4, 0);
    h.marketData.onTickSize(id, 8, 1011);
    h.drain();
    h.time(h.nowMs + 120_000);
    expect([...h.candles().values()].map((c) => c.low)).not.toContain('-1');
    expect([...h.candles().values()].map((c) => c.low)).not.toContain('0');
  });
  it('G stale at session open', () => {
    const open = Date.UTC(2026, 0, 6, 23); // 18:00 New York
    const h = new MarketDataHarness({ startMs: open - 70 * MINUTE }).start(); // 16:50
    h.print(h.nowMs + 2000, 100);
    h.drain();
    for (let t = h.nowMs; t < open + 1000; t += 30_000) h.time(t);
    h.time(open + 1000);
    console.log(h.of('feed.changed'));
    expect(h.of('feed.changed').filter((e) => e.to === 'stale' && /3[0-9]{3} s/.test(e.reason))).toEqual([]);
    expect(h.requests('subscribe')).toHaveLength(1);
  });
  it('H renewal doubles', () => {
    const h = new MarketDataHarness({ marketData: { staleAfterMs: 60_000 } }).start();
    h.print(h.nowMs + 2000, 100);
    h.drain();
    const at: number[] = [];
    let n = 1;
    for (let t = h.nowMs; t < TUESDAY + 6.5 * 60 * MINUTE; t += 30_000) {
      h.time(t);
      if (h.requests('subscribe').length > n) {
        n = h.requests('subscribe').length;
        at.push((t - TUESDAY) / MINUTE);
        h.acknowledge();
        h.time(t + 100);
      }
    }
    console.log(at, h.gaps);
    expect(at.length).toBeGreaterThan(1);
    expect(at.length).toBeLessThan(7);
  });
  it('I dead feed renewal gap covers the silence', () => {
    const h = new MarketDataHarness({ marketData: { staleAfterMs: 60_000 } }).start();
    h.print(h.nowMs + 2000, 100);
    h.drain();
    const lastTick = h.nowMs;
    h.gaps.length = 0;
    for (let t = h.nowMs; h.requests('subscribe').length < 2; t += 30_000) h.time(t);
    h.acknowledge();
    h.time(h.nowMs + 1000);
    console.log(h.gaps.map((g) => [new Date(g.fromMs).toISOString(), new Date(g.toMs).toISOString(), g.reason]));
    expect(h.gaps[0]!.fromMs).toBeLessThanOrEqual(lastTick);
  });
  it('J no price in rtvolume and somebody wants ticks', () => {
    const h = new MarketDataHarness().start();
    h.ticksWanted = true;
    h.marketData.onTickString(h.reqId('subscribe'), 48, `;5;${h.nowMs + 2000};5;;false`);
    expect(() => h.drain()).not.toThrow();
  });
  it('K quotes as decimal text', () => {
    const h = new MarketDataHarness().start();
    h.ticksWanted = true;
    h.marketData.onTickPrice(h.reqId('subscribe'), 1, 0.0000001);
    h.marketData.onTickPrice(h.reqId('subscribe'), 2, -1);
    expect(() => h.drain()).not.toThrow();
    console.log(h.events.at(-1), h.told.at(-1));
  });
  it('L NaN time tick-by-tick poisons the clock', () => {
    const h = new MarketDataHarness({ candles: { volumeSource: 'tick-by-tick' } }).start();
    h.marketData.onTickByTick(h.reqId('tick-by-tick'), Number.NaN, 100, 1);
    h.drain();
    expect(h.clock.marketMs).toBe(TUESDAY);
  });
  it('M paused buffer: prints received a minute later are from the future', () => {
    const h = new MarketDataHarness().start();
    h.print(h.nowMs + 2000, 100);
    h.drain();
    h.marketData.buffer.pause();
    for (let i = 0; i < 9; i++) h.print(h.nowMs + 10_000, 100 + i);
    h.marketData.buffer.resume();
    expect(h.clock.futureEvents).toBe(0);
  });
  it('M2 expiry of young ticks', () => {
    const h = new MarketDataHarness().start();
    h.marketData.buffer.pause();
    for (let i = 0; i < 7; i++) h.print(h.nowMs + 10_000, 100 + i);
    expect(h.marketData.buffer.flushExpired(h.nowMs)).toBeLessThan(2);
  });
  it('N dropped trades tbt: bar is not complete', () => {
    const h = new MarketDataHarness({ candles: { volumeSource: 'tick-by-tick' }, marketData: { bufferCapacity: 100 } }).start();
    h.marketData.buffer.pause();
    const id = h.reqId('tick-by-tick');
    h.nowMs = TUESDAY + 61_000;
    for (let i = 0; i < 150; i++) h.marketData.onTickByTick(id, h.nowMs / 1000, 100, 1);
    h.marketData.buffer.resume();
    h.time(TUESDAY + 130_000);
    console.log([...h.candles().entries()].map(([k, c]) => [k, c.close, c.volume, c.partial]), h.gaps);
    expect(h.candles().get('101 15:01')!.partial).toBe(true);
  });
  it('O refused later', () => {
    const h = new MarketDataHarness().start();
    h.gaps.length = 0;
    h.marketData.onRequestError(h.reqId('subscribe'), 10182, 'Failed to request live updates (disconnected).');
    for (let t = h.nowMs; t < TUESDAY + 120 * MINUTE; t += 30_000) h.time(t);
    expect(h.requests('subscribe').length).toBeGreaterThan(1);
    h.acknowledge();
    h.time(h.nowMs + 30_000);
    console.log(h.gaps);
  });
  it('P delayed data on tick8 told complete', () => {
    const h = new MarketDataHarness({ marketDataType: 'delayed', candles: { volumeSource: 'tick8' } });
    h.marketData.subscribeAll();
    h.answer([gold()]);
    h.acknowledge(undefined, 3);
    h.time();
    const id = h.reqId('subscribe');
    h.nowMs += 61_000;
    h.marketData.onTickPrice(id, 68, 100);
    h.marketData.onTickSize(id, 74, 1000);
    h.marketData.onTickSize(id, 74, 1003);
    h.drain();
    h.time(h.nowMs + 120_000);
    console.log([...h.candles().entries()].map(([k, c]) => [k, c.close, c.volume, c.partial]));
    expect([...h.candles().values()].some((c) => !c.partial)).toBe(false);
  });
  it('Q delayed while live is wanted, in a running session', () => {
    const h = new MarketDataHarness().start();
    const id = h.reqId('subscribe');
    h.marketData.onRequestError(id, 10167, 'Displaying delayed');
    h.marketData.onMarketDataType(id, 3);
    h.time(h.nowMs + 1000);
    expect(h.marketData.lines[0]!.covered).toBe(false);
  });
  it('R two symbols one contract', () => {
    const h = new MarketDataHarness({ symbols: ['GC', 'GCG6'] });
    h.marketData.subscribeAll();
    const [a, b] = h.requests('contract');
    h.marketData.onContract(a!, gold()); h.marketData.onContractEnd(a!);
    h.marketData.onContract(b!, gold()); h.marketData.onContractEnd(b!);
    console.log(h.sent, h.fatal);
    expect(h.requests('subscribe')).toHaveLength(1);
  });
  it('S tick8 new session smaller than half rule', () => {
    const open = Date.UTC(2026, 0, 6, 23);
    const h = new MarketDataHarness({ startMs: open - 62 * MINUTE, candles: { volumeSource: 'tick8' } }).start();
    const id = h.reqId('subscribe');
    h.marketData.onTickPrice(id, 4, 100);
    h.marketData.onTickSize(id, 8, 100);
    h.drain();
    for (let t = h.nowMs; t < open; t += 30_000) h.time(t);
    h.time(open + 1_000);
    h.nowMs = open + 5_000;
    h.marketData.onTickSize(h.reqId('subscribe'), 8, 60);
    h.drain();
    h.time(open + 70_000);
    expect(h.candles().get('101 23:00')?.volume).toBe('60');
  });
  it('T ticks in-process only do not go to the bus', () => {
    const h = new MarketDataHarness().start();
    h.ticksWanted = true;
    h.print(h.nowMs + 2000, 100);
    h.drain();
    expect(h.of('tick.received')).toHaveLength(0);
  });
  it('U front month from system time although the broker is a tape', () => {
    const h = new MarketDataHarness({ startMs: Date.UTC(2030, 0, 1) });
    h.marketData.subscribeAll();
    h.answer([gold(), gold(102, 'GCJ6', '20260428')]);
    expect(h.fatal).toEqual([]);
  });
  it('V halted is not stale', () => {
    const h = new MarketDataHarness().start();
    h.print(h.nowMs + 2000, 100);
    h.drain();
    h.marketData.onTickGeneric(h.reqId('subscribe'), 49, 1);
    for (let t = h.nowMs; t < TUESDAY + 40 * MINUTE; t += 30_000) h.time(t);
    expect(h.of('feed.changed').filter((e) => e.to === 'stale')).toEqual([]);
    expect(h.requests('subscribe')).toHaveLength(1);
  });
  void stock;
});
