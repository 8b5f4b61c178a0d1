/** Orders from the command queue to the simulated broker, through the deployed streamer. */
import { afterAll, describe, expect, it } from 'vitest';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { OrdersOut, tradedLine } from '../helpers/orders-out.ts';

afterAll(cleanFolders);

describe('orders out', () => {
  it('an order leaves once, a bracket as a whole, and what the gate denies never', async () => {
    const dataDir = scratchFolder();
    await withDesk({ speed: '1', minutes: 30, dataDir, streamerEnv: quickConfig(dataDir) }, async (desk) => {
      const orders = new OrdersOut(desk);
      const { conId, last } = await tradedLine(desk);
      const low = (last * 0.98).toFixed(1);
      const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: low } as const;

      // Nobody has set a flag yet.
      await orders.send({ type: 'place', key: 'first', conId, order });
      expect(await orders.ended('first')).toMatchObject({ state: 'denied', code: 'SAFE_MODE', legs: [] });

      await orders.open();
      const id = await orders.send({ type: 'place', key: 'second', conId, order });
      const second = await orders.ended('second');
      expect(second).toMatchObject({ state: 'sent', commandId: id, legs: [{ leg: 'entry' }] });

      await orders.send({
        type: 'place-bracket',
        key: 'third',
        conId,
        legs: [
          { leg: 'entry', action: 'BUY', quantity: '2', orderType: 'MKT' },
          {
            leg: 'take-profit',
            action: 'SELL',
            quantity: '2',
            orderType: 'LMT',
            limitPrice: (last * 1.02).toFixed(1),
          },
          { leg: 'stop-loss', action: 'SELL', quantity: '2', orderType: 'STP', stopPrice: low },
        ],
      });
      const third = await orders.ended('third');
      expect(third.state).toBe('sent');
      expect(third.legs.map(({ leg }) => leg)).toEqual(['entry', 'take-profit', 'stop-loss']);

      await orders.send({
        type: 'place',
        key: 'fourth',
        conId,
        order: { ...order, limitPrice: `${low.slice(0, -1)}05` },
      });
      expect(await orders.ended('fourth')).toMatchObject({ state: 'denied', code: 'TICK_SIZE' });

      const broker = await desk.broker();
      const byRef = new Map(broker.orders.map((one) => [one.orderRef, one]));
      expect(byRef.size).toBe(4);
      expect(broker.orders).toHaveLength(4);
      expect(byRef.get(second.legs[0]!.orderRef)).toMatchObject({ status: 'Submitted' });
      expect(await orders.auditFindings()).toEqual([]);
    });
  });
});
