/** Orders that make no sense: denied with a reason that says what would be allowed, one audit row each, nothing sent. */
import { afterAll, expect, it } from 'vitest';
import { ordersWriter } from '../../lib/domain/audit/writers.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { collect } from '../helpers/dynamo-engine.ts';
import { account, OrdersOut, tradedLine } from '../helpers/orders-out.ts';

afterAll(cleanFolders);

it('S115 price off the tick, quantity off the lot, NaN, a negative size, an unknown contract, a child without its parent', async () => {
  const dataDir = scratchFolder();
  const options = { speed: '1', minutes: 30, dataDir, streamerEnv: quickConfig(dataDir) };
  await withDesk(options, async (desk) => {
    const orders = new OrdersOut(desk);
    const { conId, last } = await tradedLine(desk);
    await orders.open();
    const price = (last * 0.98).toFixed(1);
    const good = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: price } as const;
    const stop = {
      leg: 'stop-loss',
      action: 'SELL',
      quantity: '1',
      orderType: 'STP',
      stopPrice: price,
    } as const;
    const bad: readonly [string, string, RegExp, Parameters<OrdersOut['send']>[0]][] = [
      [
        'TICK_SIZE',
        'tick',
        /\d+\.\d or \d+\.\d/,
        { type: 'place', conId, order: { ...good, limitPrice: `${price}5` } },
      ],
      ['LOT_SIZE', 'lot', /1 or 2/, { type: 'place', conId, order: { ...good, quantity: '1.5' } }],
      [
        'QUANTITY_INVALID',
        'nan',
        /[Dd]ecimal/,
        { type: 'place', conId, order: { ...good, quantity: 'NaN' } },
      ],
      [
        'QUANTITY_INVALID',
        'negative',
        /above 0/,
        { type: 'place', conId, order: { ...good, quantity: '-1' } },
      ],
      [
        'PRICE_INVALID',
        'price',
        /[Dd]ecimal/,
        { type: 'place', conId, order: { ...good, limitPrice: 'NaN' } },
      ],
      ['CONTRACT_UNKNOWN', 'contract', /./, { type: 'place', conId: 17, order: good }],
      ['BRACKET_INVALID', 'child', /entry/, { type: 'place', conId, order: stop }],
      ['BRACKET_INVALID', 'orphan', /entry/, { type: 'place-bracket', conId, legs: [stop] }],
      ['ORDER_UNKNOWN', '', /./, { type: 'modify', key: 'never-placed', quantity: '2' }],
    ];
    for (const [code, key, allowed, command] of bad) {
      const id = await orders.send((key === '' ? command : { ...command, key }) as typeof command);
      const intent = await orders.ended(key === '' ? `MOD-${id}` : key);
      expect(intent).toMatchObject({ state: 'denied', code, legs: [] });
      expect(`${intent.message} ${intent.allowed}`).toMatch(allowed);
      expect(intent.allowed).not.toBe('');
    }
    const rows = await collect(orders.audit.rows(account, ordersWriter));
    const intents = rows.filter(({ changes }) => changes.some(({ item }) => item.startsWith('INTENT#')));
    expect(intents).toHaveLength(bad.length);
    expect((await desk.gatewayStatus())!.counters.placeOrders).toBe(0);
    expect(await orders.auditFindings()).toEqual([]);
  });
});
