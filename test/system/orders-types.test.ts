/** The kinds of orders and what is done to them, from the command queue to the simulated broker's own record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it, vi } from 'vitest';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { OrdersOut, tradedLine } from '../helpers/orders-out.ts';

afterAll(cleanFolders);

it('S107 S110 S111 S113 S124 all order types, amended, cancelled, refused and flattened; a setup told again is no second order', async () => {
  const dataDir = scratchFolder();
  const options = { speed: '1', minutes: 30, dataDir, streamerEnv: quickConfig(dataDir) };
  await withDesk(options, async (desk) => {
    const orders = new OrdersOut(desk);
    const { conId, last } = await tradedLine(desk);
    await orders.open();
    const at = (share: number) => (last * share).toFixed(1);
    const limit = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: at(0.98) } as const;
    const record = async (key: string, leg = 'entry') => {
      const ref = (await orders.intent(key))?.legs.find((one) => one.leg === leg)?.orderRef;
      return (await desk.broker()).orders.filter(({ orderRef }) => orderRef === ref);
    };
    const place = async (key: string, order: object) => {
      await orders.send({ type: 'place', key, conId, order: { ...limit, ...order } as never });
      return orders.ended(key);
    };
    const waits = { timeout: 60_000, interval: 50 };

    // S113: the types and times in force.
    const rests = {
      limit: {},
      gtc: { timeInForce: 'GTC' },
      stop: { orderType: 'STP', limitPrice: null, stopPrice: at(1.02) },
    };
    for (const [key, order] of Object.entries(rests)) expect((await place(key, order)).state).toBe('sent');
    await place('stop-limit', {
      orderType: 'STP LMT',
      limitPrice: at(1.03),
      stopPrice: at(1.02),
      timeInForce: 'GTC',
    });
    await place('ioc', { timeInForce: 'IOC' });
    await place('market', { orderType: 'MKT', limitPrice: null, quantity: '2' });
    await vi.waitFor(
      async () => expect(await record('market')).toMatchObject([{ status: 'Filled', filled: '2' }]),
      waits,
    );
    expect(await record('gtc')).toMatchObject([
      { orderType: 'LMT', timeInForce: 'GTC', limitPrice: at(0.98) },
    ]);
    expect(await record('stop')).toMatchObject([{ orderType: 'STP', stopPrice: at(1.02) }]);
    expect(await record('stop-limit')).toMatchObject([{ orderType: 'STP LMT', limitPrice: at(1.03) }]);
    expect(await record('ioc')).toMatchObject([{ status: 'Cancelled', filled: '0' }]);

    // S113: an amendment keeps the order.
    const [before] = await record('limit');
    const id = await orders.send({ type: 'modify', key: 'limit', quantity: '3', limitPrice: at(0.97) });
    expect(await orders.ended(`MOD-${id}`)).toMatchObject({ state: 'sent' });
    expect(await record('limit')).toMatchObject([
      { permId: before!.permId, quantity: '3', limitPrice: at(0.97) },
    ]);

    // S107: the same setup with every candle.
    for (let candle = 0; candle < 3; candle += 1)
      await orders.send({ type: 'place', key: 'limit', conId, order: limit });
    // S110, S124: the broker's refusals are ends, and no retry follows.
    await desk.fault({ type: 'reject-order' });
    expect(await place('refused', {})).toMatchObject({ state: 'rejected' });
    await desk.fault({ type: 'read-only' });
    expect(await place('read-only', {})).toMatchObject({
      state: 'rejected',
      message: expect.stringContaining('321') as string,
    });
    await desk.fault({ type: 'read-only', on: false });
    expect(await record('limit')).toHaveLength(1);

    // S111: a cancel of what is filled is answered, and changes nothing.
    const [filled] = await record('market');
    const { permId, clientId, orderId } = filled!;
    await orders.send({ type: 'cancel', by: 'person', permId, clientId, orderId });
    await sleep(500);
    expect(await record('market')).toMatchObject([{ status: 'Filled' }]);

    // Flatten ends our working orders of the contract first.
    await orders.send({ type: 'flatten', key: 'flat', conId, by: 'person' });
    expect(await orders.ended('flat')).toMatchObject({ state: 'sent' });
    await vi.waitFor(async () => {
      const broker = await desk.broker();
      expect(broker.positions.filter(({ position }) => position !== '0')).toEqual([]);
      expect(
        broker.orders.filter(({ status }) => !['Filled', 'Cancelled', 'Inactive'].includes(status)),
      ).toEqual([]);
    }, waits);
    const refs = (await desk.broker()).orders.map(({ orderRef }) => orderRef);
    expect(new Set(refs).size).toBe(refs.length);
    expect(await orders.auditFindings()).toEqual([]);
  });
});
