import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrokerFact } from '../../../lib/domain/orders/broker-facts.ts';
import { ListDesk } from '../../../streamer/broker-lists.ts';
import { FakeLink } from './fake-link.ts';

const TIMEOUT = 20_000;
const position = (conId: number): BrokerFact => ({ kind: 'position', contract: { conId } }) as never;
const order = (permId: number): BrokerFact => ({ kind: 'open-order', permId }) as never;

let link: FakeLink;
let lists: ListDesk;

beforeEach(() => {
  vi.useFakeTimers();
  link = new FakeLink(undefined, {} as never);
  let reqId = 1;
  lists = new ListDesk(link as never, { account: 'DU1', timeoutMs: TIMEOUT, nextReqId: () => reqId++ });
  lists.connected();
});
afterEach(() => void vi.useRealTimers());

const asked = (): string[] => link.sent.map(({ what }) => what);

describe("the broker's lists", () => {
  it('is whole with its end marker, and has the rows since the question', async () => {
    lists.onFact(order(1));
    const answer = lists.collect('open-orders');
    lists.onFact(order(2));
    lists.onFact(position(1));
    lists.onEnd({ list: 'open-orders' });
    expect(await answer).toEqual({ list: 'open-orders', outcome: 'ok', facts: [order(2)] });
  });

  it('without an end marker is partial with rows and failed without, never whole', async () => {
    const orders = lists.collect('open-orders');
    const positions = lists.collect('positions');
    lists.onFact(order(2));
    await vi.advanceTimersByTimeAsync(TIMEOUT);
    expect((await orders).outcome).toBe('partial');
    expect(await positions).toEqual({ list: 'positions', outcome: 'failed', facts: [] });
  });

  it('a row that cannot be read makes it partial', async () => {
    const answer = lists.collect('open-orders');
    lists.onFact(order(2));
    lists.onUnreadable('open-orders');
    lists.onEnd({ list: 'open-orders' });
    expect((await answer).outcome).toBe('partial');
  });

  it("is not whole while the gateway is without IB's servers, be it for a part of the time", async () => {
    const before = lists.collect('executions');
    lists.onServers(false);
    lists.onEnd({ list: 'executions', reqId: 1 });
    const during = lists.collect('positions');
    lists.onServers(true);
    lists.onEnd({ list: 'positions' });
    const after = lists.collect('open-orders');
    lists.onEnd({ list: 'open-orders' });
    expect(await Promise.all([before, during, after])).toMatchObject([
      { outcome: 'failed' },
      { outcome: 'failed' },
      { outcome: 'ok' },
    ]);
  });

  it("is not whole on a link that was made while the gateway was without IB's servers", async () => {
    lists.disconnected();
    // IB says so (2110) before the session is ready.
    lists.onServers(false);
    lists.connected();
    const answer = lists.collect('positions');
    lists.onEnd({ list: 'positions' });
    expect((await answer).outcome).toBe('failed');
  });

  it('an end marker that comes too late is not taken for that of the next question', async () => {
    const late = lists.collect('completed-orders');
    await vi.advanceTimersByTimeAsync(TIMEOUT);
    expect((await late).outcome).toBe('failed');
    const next = lists.collect('completed-orders');
    lists.onEnd({ list: 'completed-orders' });
    expect(lists.stats()['completed-orders']).toMatchObject({ asked: 2, ok: 0 });
    lists.onEnd({ list: 'completed-orders' });
    expect((await next).outcome).toBe('ok');
  });

  it('after an end marker that never came, the second question after it is answered again', async () => {
    for (const outcome of ['failed', 'failed', 'ok']) {
      const answer = lists.collect('open-orders');
      if (lists.stats()['open-orders'].asked > 1) lists.onEnd({ list: 'open-orders' });
      await vi.advanceTimersByTimeAsync(TIMEOUT);
      expect((await answer).outcome).toBe(outcome);
    }
  });

  it('one question at a time: who asks meanwhile gets the next answer, together with the others', async () => {
    const first = lists.collect('open-orders');
    lists.onFact(order(1));
    const second = lists.collect('open-orders');
    const third = lists.collect('open-orders');
    expect(asked()).toEqual(['open-orders']);
    lists.onEnd({ list: 'open-orders' });
    expect(asked()).toEqual(['open-orders', 'open-orders']);
    lists.onFact(order(2));
    lists.onEnd({ list: 'open-orders' });
    expect((await first).facts).toEqual([order(1)]);
    expect((await second).facts).toEqual([order(2)]);
    expect((await third).facts).toEqual([order(2)]);
  });

  it('positions and account values stay subscribed, and are asked anew for the whole', async () => {
    const first = lists.collect('positions');
    lists.onEnd({ list: 'positions' });
    await first;
    lists.onFact(position(7));
    const second = lists.collect('positions');
    lists.onFact(position(8));
    lists.onEnd({ list: 'positions' });
    expect((await second).facts).toEqual([position(8)]);
    expect(asked()).toEqual(['positions', 'positions-end', 'positions']);
    void lists.collect('account-values');
    lists.onEnd({ list: 'account-values', account: 'DU2' });
    expect(lists.stats()['account-values'].ok).toBe(0);
    lists.onEnd({ list: 'account-values', account: 'DU1' });
    expect(lists.stats()['account-values'].ok).toBe(1);
  });

  it('executions end by their own request', async () => {
    const answer = lists.collect('executions');
    const reqId = link.reqId('executions');
    lists.onEnd({ list: 'executions', reqId: reqId + 5 });
    expect(lists.onRequestError(reqId + 5)).toBe(false);
    expect(lists.onRequestError(reqId)).toBe(true);
    expect((await answer).outcome).toBe('failed');
  });

  it('a lost link fails what was asked, forgets what it owed, and answers nothing until it is back', async () => {
    const running = lists.collect('open-orders');
    const waiting = lists.collect('open-orders');
    lists.onFact(order(1));
    lists.disconnected();
    expect((await running).outcome).toBe('partial');
    expect((await waiting).outcome).toBe('failed');
    expect((await lists.collect('positions')).outcome).toBe('failed');
    expect(asked()).toEqual(['open-orders']);
    lists.connected();
    const again = lists.collect('open-orders');
    lists.onEnd({ list: 'open-orders' });
    expect(await again).toEqual({ list: 'open-orders', outcome: 'ok', facts: [] });
  });
});
