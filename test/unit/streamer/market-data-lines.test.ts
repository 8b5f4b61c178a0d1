import { describe, expect, it } from 'vitest';
import { gold, MarketDataHarness, MINUTE, TUESDAY } from './market-data-harness.ts';

const april = gold(102, 'GCJ6', '20260428');

describe('the contract of a line', () => {
  it('a print of a proven line is in a complete bar, and the stretch before the proof is a gap', () => {
    const line = new MarketDataHarness().start();
    line.print(TUESDAY + 61_000, 100);
    line.drain();
    line.time(TUESDAY + 122_000);
    expect(line.candles().get('101 15:01')).toMatchObject({ partial: false, close: '100', volume: '1' });
    expect(line.gaps).toEqual([{ conId: 101, fromMs: TUESDAY, toMs: TUESDAY + MINUTE, reason: 'start' }]);
  });

  it('a question that fails on reconnect does not turn the gold future into the stock with the ticker GC', () => {
    const line = new MarketDataHarness().start();
    line.marketData.coverageLost('disconnected', true);
    line.marketData.subscribeAll();
    for (let failure = 0; failure < 3; failure += 1)
      line.marketData.onRequestError(line.reqId('contract'), 504, 'Not connected');
    expect(line.sent.filter((each) => each.contract?.secType === 'STK')).toEqual([]);
    expect(line.marketData.lines[0]?.instrument?.localSymbol).toBe('GCG6');

    // It is put again, and not in a hurry.
    const questions = line.requests('contract').length;
    line.time(TUESDAY + 14_000);
    expect(line.requests('contract')).toHaveLength(questions);
    line.time(TUESDAY + 15_000);
    expect(line.requests('contract')).toHaveLength(questions + 1);
  });

  it('a question that is not answered for a minute is put again', () => {
    const line = new MarketDataHarness();
    line.marketData.subscribeAll();
    line.time(TUESDAY + 59_000);
    expect(line.requests('contract')).toHaveLength(1);
    line.time(TUESDAY + 60_000);
    expect(line.requests('contract')).toHaveLength(2);
    line.answer([gold()]);
    expect(line.requests('subscribe')).toHaveLength(1);
  });

  it('only "no such contract" leads to the next question: root, local symbol, stock, and then an error', () => {
    const line = new MarketDataHarness({ symbols: ['XYZ'] });
    line.marketData.subscribeAll();
    for (let each = 0; each < 3; each += 1)
      line.marketData.onRequestError(line.reqId('contract'), 200, 'No security definition has been found');
    expect(line.sent.filter((each) => each.what === 'contract').map((each) => each.contract)).toEqual([
      { symbol: 'XYZ', secType: 'FUT' },
      { localSymbol: 'XYZ', secType: 'FUT' },
      { symbol: 'XYZ', secType: 'STK', exchange: 'SMART', currency: 'USD' },
    ]);
    expect(line.fatal.map((error) => error.code)).toEqual(['SYMBOL_UNKNOWN']);
  });

  describe('a root that stands for contracts of two sizes', () => {
    const [full, mini] = [gold(), gold(90, 'SILG6', '20260220')];
    const small = { ...mini, contract: { ...mini.contract, multiplier: 10 } };

    it('is refused with their names: which one is meant is not guessed', () => {
      const line = new MarketDataHarness();
      line.marketData.subscribeAll();
      line.answer([small, full]);
      expect(line.requests('subscribe')).toHaveLength(0);
      expect(line.fatal.map(({ code }) => code)).toEqual(['SYMBOL_AMBIGUOUS']);
      expect(line.fatal[0]?.message).toMatch(/SILG6 .*multiplier 10 .*GCG6 .*multiplier 100 /);
    });

    it('is taken in the size that the configuration says', () => {
      const line = new MarketDataHarness({ symbols: [{ root: 'GC', multiplier: 10 }] });
      line.marketData.subscribeAll();
      line.answer([full, small]);
      expect(line.fatal).toEqual([]);
      expect(line.marketData.lines[0]?.instrument?.localSymbol).toBe('SILG6');
    });

    it('is unknown in a size that the broker does not have', () => {
      const line = new MarketDataHarness({ symbols: [{ root: 'GC', multiplier: 50 }] });
      line.marketData.subscribeAll();
      line.answer([full, small]);
      expect(line.fatal.map(({ code }) => code)).toEqual(['SYMBOL_UNKNOWN']);
    });

    it('rolls within the size that it has', () => {
      const line = new MarketDataHarness().start();
      line.marketData.coverageLost('disconnected', true);
      line.marketData.subscribeAll();
      line.answer([small, april]);
      expect(line.fatal).toEqual([]);
      expect(line.marketData.lines[0]?.instrument?.conId).toBe(102);
    });
  });

  it('a list of months that breaks off with an error is no verdict on the front month', () => {
    const line = new MarketDataHarness().start();
    line.marketData.coverageLost('disconnected', true);
    line.marketData.subscribeAll();
    line.marketData.onContract(line.reqId('contract'), april);
    line.marketData.onRequestError(line.reqId('contract'), 100, 'Max rate of messages per second');
    expect(line.marketData.lines[0]?.instrument?.conId).toBe(101);
  });

  it('an error that names no request is not taken for the answer to a question that was never put', () => {
    const line = new MarketDataHarness().start();
    const before = line.sent.length;
    line.marketData.onRequestError(0, 200, 'No security definition has been found');
    expect(line.sent).toHaveLength(before);
    expect(line.fatal).toEqual([]);
  });

  it('two symbols that are one contract: the second is refused, or every bar would be told twice', () => {
    const line = new MarketDataHarness({ symbols: ['GC', 'GCG6'] });
    line.marketData.subscribeAll();
    for (const reqId of line.requests('contract')) {
      line.marketData.onContract(reqId, gold());
      line.marketData.onContractEnd(reqId);
    }
    expect(line.requests('subscribe')).toHaveLength(1);
    expect(line.fatal.map((error) => error.code)).toEqual(['SYMBOL_TWICE']);
  });
});

describe('a roll on reconnect', () => {
  it('prints of the old month that still wait are not taken for prints of the new one', () => {
    const line = new MarketDataHarness().start();
    line.print(TUESDAY + 61_000, 100, 5_000);
    line.drain();
    line.marketData.subscribeAll();
    line.print(TUESDAY + 62_000, 101, 5);
    line.answer([april]);
    line.drain();
    line.acknowledge(102);
    line.time(TUESDAY + 200_000);
    const bars = line.candles();
    expect([...bars.keys()].filter((key) => key.startsWith('102'))).toEqual([]);
    expect(bars.get('101 15:01')).toMatchObject({ close: '101', volume: '5005', partial: true });
  });

  it('nor are those that wait because the outbox is full: they are dropped and counted', () => {
    const line = new MarketDataHarness().start();
    line.marketData.subscribeAll();
    line.marketData.buffer.pause();
    line.print(TUESDAY + 61_000, 100, 5);
    line.answer([april]);
    line.marketData.buffer.resume();
    line.time(TUESDAY + 200_000);
    expect([...line.candles().keys()]).toEqual([]);
    expect(line.marketData.buffer.stats()).toMatchObject({ depth: 0, droppedTrades: 1 });
  });

  it('the new month is announced as live, its gap begins at its start, and the old one is told as retired', () => {
    const line = new MarketDataHarness().start();
    line.print(TUESDAY + 30_000, 100);
    line.drain();
    line.marketData.coverageLost('disconnected', true);
    line.time(TUESDAY + 5 * MINUTE);
    line.marketData.subscribeAll();
    const old = line.reqId('subscribe', 101);
    line.answer([april]);
    expect(line.sent.at(-2)).toEqual({ what: 'unsubscribe', reqId: old });
    line.acknowledge(102);
    line.time(TUESDAY + 5 * MINUTE + 1_000);
    expect(line.of('feed.changed').findLast((event) => event.conId === 102)).toMatchObject({
      from: 'unknown',
      to: 'live',
    });
    expect(line.retired).toEqual([{ conId: 101, reason: 'rolled to GCJ6' }]);
    // What the outage cost of the old month is a gap too, before it is given up.
    expect(line.gaps.filter((gap) => gap.conId === 101)).toContainEqual({
      conId: 101,
      fromMs: TUESDAY,
      toMs: TUESDAY + 5 * MINUTE,
      reason: 'disconnected',
    });
    expect(line.of('instrument.resolved').map((each) => each.localSymbol)).toEqual(['GCG6', 'GCJ6']);
    expect(line.marketData.lines[0]?.recent).toEqual([]);
    // Late ticks of the old subscription have no owner.
    line.print(TUESDAY + 6 * MINUTE, 1, 1, { reqId: old });
    expect(line.marketData.buffer.empty).toBe(true);
  });

  it('resumes from the watermark that an earlier life has left for the contract', () => {
    const line = new MarketDataHarness();
    line.watermarks.set(101, TUESDAY - 10 * MINUTE);
    line.start();
    expect(line.gaps).toEqual([
      { conId: 101, fromMs: TUESDAY - 10 * MINUTE, toMs: TUESDAY + MINUTE, reason: 'restart' },
    ]);
  });

  it('S132 on a disk that knows nothing, behind a term that may have lost its own, it asks for the hour before', () => {
    const line = new MarketDataHarness({ hasForerunner: true }).start();
    const lost = { conId: 101, fromMs: TUESDAY - 60 * MINUTE, toMs: TUESDAY + MINUTE, reason: 'restart' };
    expect(line.gaps).toEqual([lost]);
    // The next month has lost nothing with any disk.
    line.marketData.subscribeAll();
    line.answer([april]);
    line.acknowledge(102);
    line.time(TUESDAY + 5 * MINUTE + 1_000);
    expect(line.gaps.filter(({ conId }) => conId === 102)).toEqual([
      { conId: 102, fromMs: TUESDAY + 5 * MINUTE, toMs: TUESDAY + 6 * MINUTE, reason: 'start' },
    ]);
  });

  it('is asked for nothing of before in its first term', () => {
    const line = new MarketDataHarness().start();
    expect(line.gaps).toEqual([{ conId: 101, fromMs: TUESDAY, toMs: TUESDAY + MINUTE, reason: 'start' }]);
  });
});

describe('two symbols', () => {
  const silver = {
    ...gold(202, 'SIH6', '20260327'),
    contract: { ...gold(202, 'SIH6', '20260327').contract, symbol: 'SI' },
  };

  function both(): MarketDataHarness {
    const lines = new MarketDataHarness({ symbols: ['GC', 'SI'] });
    lines.marketData.subscribeAll();
    const [first, second] = lines.requests('contract') as [number, number];
    // The answers come interleaved.
    lines.marketData.onContract(second, silver);
    lines.marketData.onContract(first, gold());
    lines.marketData.onContractEnd(second);
    lines.marketData.onContractEnd(first);
    lines.acknowledge(101);
    lines.acknowledge(202);
    lines.time();
    return lines;
  }

  it('prints that come interleaved go to their own bars', () => {
    const lines = both();
    for (const [conId, price] of [
      [101, 4_400],
      [202, 75],
      [101, 4_401],
      [202, 76],
    ] as const)
      lines.print(TUESDAY + 61_000, price, 1, {
        reqId: lines.reqId('subscribe', conId),
        cum: price % 2 === 0 ? 2 : 1,
      });
    lines.drain();
    lines.time(TUESDAY + 122_000);
    expect(lines.candles().get('101 15:01')).toMatchObject({ high: '4401', low: '4400' });
    expect(lines.candles().get('202 15:01')).toMatchObject({ high: '76', low: '75' });
  });

  it('one is refused later on: the other goes on, the refused one is asked for again, ever more rarely, and its gap told', () => {
    const lines = both();
    lines.print(TUESDAY + 61_000, 4_400, 1, { reqId: lines.reqId('subscribe', 101) });
    lines.drain();
    lines.gaps.length = 0;
    lines.marketData.onRequestError(lines.reqId('subscribe', 202), 10182, 'Failed to request live updates');
    const [gc, si] = lines.marketData.lines;
    expect([gc?.covered, si?.covered, si?.feed]).toEqual([true, false, 'lost']);
    expect(lines.fatal.map((error) => error.code)).toEqual(['SUBSCRIPTION_REFUSED']);

    // A late acknowledgement of what was refused proves nothing.
    lines.marketData.onTickReqParams(lines.reqId('subscribe', 202));
    lines.time(TUESDAY + 70_000);
    expect(si?.covered).toBe(false);

    const askedAt: number[] = [];
    const asked = () =>
      lines.sent.filter((each) => each.what === 'subscribe' && each.contract?.conId === 202);
    for (let atMs = TUESDAY + 90_000; atMs <= TUESDAY + 30 * MINUTE; atMs += 30_000) {
      const before = asked().length;
      lines.print(atMs, 4_400, 1, { reqId: lines.reqId('subscribe', 101) });
      lines.drain();
      lines.time(atMs);
      if (asked().length === before) continue;
      askedAt.push((atMs - TUESDAY) / MINUTE);
      lines.marketData.onRequestError(lines.reqId('subscribe', 202), 354, 'not subscribed');
    }
    expect(askedAt).toEqual([2.5, 4.5, 8.5, 16.5]);
    lines.time(TUESDAY + 33 * MINUTE);
    lines.acknowledge(202);
    lines.time(TUESDAY + 33 * MINUTE + 1_000);
    expect(si).toMatchObject({ covered: true, feed: 'live' });
    expect(lines.gaps).toEqual([
      {
        conId: 202,
        fromMs: TUESDAY + MINUTE,
        toMs: TUESDAY + 34 * MINUTE,
        reason: 'subscription-lost',
      },
    ]);
    expect(gc?.covered).toBe(true);
  });

  it('stats say what each line is and shows', () => {
    const lines = both();
    lines.marketData.onTickPrice(lines.reqId('subscribe', 101), 1, 4_399.9);
    lines.marketData.onTickPrice(lines.reqId('subscribe', 101), 2, -1);
    lines.drain();
    lines.print(TUESDAY + 61_000, 4_400, 2, { reqId: lines.reqId('subscribe', 101) });
    lines.marketData.onTickString(lines.reqId('subscribe', 101), 48, 'no print at all');
    lines.drain();
    lines.time(TUESDAY + 122_000);
    expect(lines.marketData.nextCloseMs).toBeGreaterThan(TUESDAY + 122_000);
    const stats = lines.marketData.stats();
    expect(stats).toMatchObject({ malformedTicks: 1, buffer: { depth: 0, pushed: 3 } });
    expect(stats.lines[0]).toMatchObject({
      symbol: 'GC',
      localSymbol: 'GCG6',
      feed: 'live',
      covered: true,
      trades: 1,
      quotes: 2,
      candles: 1,
      lastPrice: '4400',
      bid: 4_399.9,
      ask: null,
      recent: [{ close: '4400' }],
    });
    expect(stats.lines[1]).toMatchObject({ symbol: 'SI', lastPrice: null, recent: [] });
  });
});
