import { afterEach, describe, expect, it } from 'vitest';
import type { AccountValueFact } from '../../../lib/domain/orders/broker-facts.ts';
import { readTradingState, tradingBody } from '../../../lib/domain/safety/trading-state.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { AccountWorth } from '../../../streamer/account-worth.ts';
import { OrderBook } from '../../../streamer/order-book.ts';
import { TradingWatch } from '../../../streamer/trading-watch.ts';
import { MemoryBook } from '../../helpers/memory-book.ts';

const account = 'DU1234567';
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const none = {
  maxQuantity: null,
  maxNotional: null,
  maxPosition: null,
  maxOpenOrders: null,
  maxOrdersPerMinute: null,
  priceCollar: null,
};
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function desk(
  limits: { maxDailyLoss: string | null; maxDrawdown: string | null },
  memory = new MemoryBook(),
) {
  // Monday 5 January 2026, 10:00 in New York.
  const clock = { marketMs: Date.parse('2026-01-05T15:00:00Z') };
  const view = { lines: () => [], marketMs: () => clock.marketMs };
  const worth = new AccountWorth(
    account,
    view,
    () => undefined,
    () => clock.marketMs,
  );
  const refreshed: number[] = [];
  const book = new OrderBook({ book: memory, account, token: 1, nowMs: () => clock.marketMs });
  const raised: EventData<'alert.raised'>[] = [];
  const watch = new TradingWatch({
    account,
    book,
    limits: { ...none, ...limits },
    worth,
    mayWrite: () => true,
    raise: (alert) => raised.push(alert),
    logger: silent,
    refresh: () => refreshed.push(clock.marketMs),
  });
  ends.push(() => watch.stop());
  const told = async (value: string) => {
    const fact: AccountValueFact = {
      kind: 'account-value',
      account,
      key: 'NetLiquidation',
      value,
      currency: 'USD',
    };
    worth.fact(fact);
    await watch.look();
  };
  const state = async () => {
    const [item] = await memory.read(account, [{ kind: 'trading', id: '' }]);
    return readTradingState(item?.body);
  };
  return { clock, worth, watch, raised, refreshed, told, state, memory };
}

describe('the watch over trading', () => {
  it('has a value told anew before it is too old, once a minute, and only where a limit rests on it', async () => {
    const { clock, worth, watch, refreshed, told } = desk({ maxDailyLoss: '1000', maxDrawdown: null });
    expect(worth.ageMs).toBeNull();
    await watch.look();
    await told('100000');
    clock.marketMs += 239_999;
    expect(worth.ageMs).toBe(239_999);
    await watch.look();
    expect(refreshed).toEqual([]);
    clock.marketMs += 1;
    await watch.look();
    await watch.look();
    expect(refreshed).toEqual([clock.marketMs]);
    await told('100000');
    expect(worth.ageMs).toBe(0);
    worth.disconnected();
    expect(worth.ageMs).toBeNull();

    const free = desk({ maxDailyLoss: null, maxDrawdown: null });
    await free.told('100000');
    free.clock.marketMs += 1_000_000;
    await free.watch.look();
    expect(free.refreshed).toEqual([]);
  });

  it('halts once when the loss of the session date passes its limit, in an audited change', async () => {
    const { told, state, raised } = desk({ maxDailyLoss: '1000', maxDrawdown: null });
    await told('100000');
    await told('99000');
    expect((await state()).mode).toBe('active');
    await told('98999.99');
    expect(await state()).toMatchObject({ mode: 'halted', by: 'limit DAILY_LOSS' });
    await told('90000');
    expect(raised.map(({ alert, severity }) => [alert, severity])).toEqual([
      ['kill_switch_triggered', 'CRITICAL'],
    ]);
  });

  it('counts the drawdown from the highest value, also over a restart', async () => {
    const first = desk({ maxDailyLoss: null, maxDrawdown: '1000' });
    await first.told('100000');
    await first.told('103000');
    await first.told('102500');
    expect((await first.state()).mode).toBe('active');
    await first.told('101900');
    expect(await first.state()).toMatchObject({ mode: 'halted', by: 'limit DRAWDOWN' });
  });

  it('a new session date begins anew, midnight in UTC does not', async () => {
    const { clock, told, state, worth } = desk({ maxDailyLoss: '1000', maxDrawdown: null });
    await told('100000');
    clock.marketMs = Date.parse('2026-01-06T00:30:00Z');
    await told('99500');
    expect(worth.day(null)).toMatchObject({ date: '2026-01-05', atStart: '100000' });
    clock.marketMs = Date.parse('2026-01-06T15:00:00Z');
    await told('98900');
    expect(worth.day(null)).toMatchObject({ date: '2026-01-06', atStart: '98900' });
    expect((await state()).mode).toBe('active');
  });

  it('the value at the start of the date survives a restart', async () => {
    const before = desk({ maxDailyLoss: '1000', maxDrawdown: null });
    await before.told('100000');
    const after = desk({ maxDailyLoss: '1000', maxDrawdown: null }, before.memory);
    await after.told('98900');
    expect(await after.state()).toMatchObject({ mode: 'halted', by: 'limit DAILY_LOSS' });
  });

  it('tells of a halt by a person, and of its end, once each, and not of a halt that was there before it began', async () => {
    const { watch, memory, raised } = desk({ maxDailyLoss: null, maxDrawdown: null });
    const set = async (mode: 'halted' | 'active', version: number) =>
      memory.commit({
        account,
        writer: 'operator',
        cause: { kind: 'operator', id: 'anna', name: mode, reason: 'test' },
        atMs: 0,
        orderKey: '',
        writes: [
          {
            ref: { kind: 'trading', id: '' },
            expectedVersion: version,
            body: tradingBody({ mode, by: 'anna', reason: 'news', at: '2026-01-05T15:00:00.000Z' }),
          },
        ],
      });
    await set('halted', 0);
    await watch.look();
    expect(raised).toEqual([]);
    await set('active', 1);
    await watch.look();
    await set('halted', 2);
    await watch.look();
    await watch.look();
    await set('active', 3);
    await watch.look();
    await watch.look();
    const resumed = { alert: 'trading_resumed', severity: 'INFO', subject: `account ${account}` };
    expect(raised).toMatchObject([
      resumed,
      {
        alert: 'kill_switch_triggered',
        message: expect.stringContaining('is halted by anna: news. Nothing leaves but') as string,
      },
      resumed,
    ]);
  });
});
