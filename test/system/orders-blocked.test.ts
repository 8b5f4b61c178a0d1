/**
 * What holds orders back holds them at the socket: the simulated gateway counts the placeOrder messages that reach it, and
 * while something holds there is none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { account, OrdersOut, tradedLine } from '../helpers/orders-out.ts';

afterAll(cleanFolders);

const by = { who: 'test', reason: 'hold' };
const reached = async (desk: Desk) => (await desk.gatewayStatus())!.counters.placeOrders;

describe('nothing reaches the gateway', () => {
  it('S077 S136 in SAFE_MODE, DRY_RUN, locked, halted, reduce-only, unreadable flags, delayed and stale feeds, and after the lease is lost', async () => {
    const dataDir = scratchFolder();
    const options = { speed: '1', minutes: 30, dataDir, streamerEnv: quickConfig(dataDir) };
    await withDesk(options, async (desk) => {
      const orders = new OrdersOut(desk);
      const { conId, last } = await tradedLine(desk);
      const order = {
        action: 'BUY',
        quantity: '1',
        orderType: 'LMT',
        limitPrice: (last * 0.98).toFixed(1),
      } as const;
      let count = 0;
      const tried = async () => {
        count += 1;
        const key = `try-${count}`;
        await orders.send({ type: 'place', key, conId, order });
        const { state, code } = await orders.ended(key);
        return code === '' ? state : code;
      };
      const flags = (set: object) => orders.safety.setFlags(account, set, by);

      expect(await tried()).toBe('SAFE_MODE');
      await orders.open();
      await flags({ DRY_RUN: true });
      expect(await tried()).toBe('would-send');
      await flags({ DRY_RUN: false, SAFE_MODE: true });
      expect(await tried()).toBe('SAFE_MODE');
      await flags({ SAFE_MODE: false });
      await orders.lock('locked');
      expect(await tried()).toBe('RECONCILE_LOCKED');
      await orders.lock('open');
      await orders.trading('halted');
      expect(await tried()).toBe('HALTED');
      await orders.trading('reduce-only');
      expect(await tried()).toBe('REDUCE_ONLY');
      await orders.trading('active');

      // The book does not answer: there is nothing to record either, and the same key is free afterwards.
      const unreadable = { service: 'dynamodb', operation: 'TransactGetItems', kind: 'internal' } as const;
      desk.cloud.faults.add(unreadable);
      await orders.send({ type: 'place', key: 'unreadable', conId, order }, { validMs: 2_500 });
      await vi.waitFor(
        async () => expect(await desk.cloud.queueDepth('evenkeel-sandbox-orders-main.fifo')).toBe(0),
        { timeout: 60_000, interval: 100 },
      );
      desk.cloud.faults.clear();
      expect(await orders.intent('unreadable')).toBeUndefined();

      await desk.fault({ type: '1100' });
      await vi.waitFor(async () => expect((await desk.streamerStats())!.session.phase).not.toBe('ready'), {
        timeout: 60_000,
        interval: 50,
      });
      await orders.send({ type: 'place', key: 'cut-off', conId, order }, { validMs: 2_500 });
      expect(await orders.ended('cut-off')).toMatchObject({ code: 'NOT_CONNECTED' });
      await desk.fault({ type: '1102' });
      await tradedLine(desk);
      expect(await reached(desk)).toBe(0);

      // Free again, the same way lets an order through: what was tested is the hold, not a broken way.
      await orders.send({ type: 'place', key: 'unreadable', conId, order });
      expect(await orders.ended('unreadable')).toMatchObject({ state: 'sent' });
      expect(await reached(desk)).toBe(1);

      await desk.fault({ type: 'delayed' });
      await desk.fault({ type: 'drop' });
      await vi.waitFor(
        async () => expect((await desk.streamerStats())!.marketData.lines[0]!.feed).toBe('delayed'),
        { timeout: 60_000, interval: 50 },
      );
      await vi.waitFor(async () => expect((await desk.streamerStats())!.orders.synced).toBe(true), {
        timeout: 60_000,
        interval: 50,
      });
      expect(await tried()).toBe('FEED_DELAYED');

      // Somebody else holds the lease now: the reservation fails at the table, whatever this process still believes.
      await orders.stealLease();
      await orders.send({ type: 'place', key: 'fenced', conId, order });
      await sleep(3_000);
      expect(await orders.intent('fenced')).toBeUndefined();
      expect(await reached(desk)).toBe(1);
      expect(await orders.auditFindings()).toEqual([]);
    });
  });
});
