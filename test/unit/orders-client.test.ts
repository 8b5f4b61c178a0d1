import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commandIdOf,
  OrderCommandError,
  type OrderInput,
  type OrdersClient,
  ordersClient,
} from '../../lib/aws/orders-client.ts';
import { type Command, commandSchema } from '../../lib/events/command.ts';

const nowMs = Date.UTC(2026, 0, 5, 14, 30);
const account = 'DU1234567';
const order: OrderInput = {
  conId: 98765432,
  action: 'BUY',
  quantity: '1',
  orderType: 'LMT',
  limitPrice: '2600.1',
};

interface Sent {
  readonly id: string;
  readonly group: string;
  readonly body: string;
}

function client(more: { readonly validForMs?: number; readonly by?: 'person' } = {}): {
  readonly orders: OrdersClient;
  readonly sent: Sent[];
} {
  const sent: Sent[] = [];
  const sender = { send: async (command: Sent) => void sent.push(command) };
  return {
    sent,
    orders: ordersClient({ sender, account, issuedBy: 'breakout', nowMs: () => nowMs, ...more }),
  };
}

const bodyOf = ({ body }: Sent): Command => JSON.parse(body) as Command;

describe('orders client', () => {
  it('sends one command to the group of the account, valid for 30 s', async () => {
    const { orders, sent } = client();
    const result = await orders.place(order, { key: 'breakout-17' });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ id: result.commandId, group: `trade#${account}` });
    expect(result.key).toBe('breakout-17');
    expect(bodyOf(sent[0]!)).toEqual({
      id: result.commandId,
      version: 1,
      type: 'place',
      account,
      by: 'program',
      issuedBy: 'breakout',
      issuedAt: '2026-01-05T14:30:00.000Z',
      validUntil: '2026-01-05T14:30:30.000Z',
      key: 'breakout-17',
      conId: 98765432,
      order: {
        leg: 'entry',
        action: 'BUY',
        quantity: '1',
        orderType: 'LMT',
        limitPrice: '2600.1',
        stopPrice: null,
        timeInForce: 'DAY',
        outsideRth: false,
      },
    });
  });

  it('the same key is the same command id, in another process and at another time too', async () => {
    const [first, again] = [client(), client({ validForMs: 5_000 })];
    const one = await first.orders.place(order, { key: 'breakout-17' });
    const two = await again.orders.place({ ...order, quantity: '2' }, { key: 'breakout-17' });
    expect(two.commandId).toBe(one.commandId);
    // Frozen: with another id, what an older version has sent could be carried out twice.
    expect(one.commandId).toBe(commandIdOf(account, 'place', 'breakout-17'));
    expect(one.commandId).toBe('186a466b-fc06-821c-9f04-5b6d6e18e294');
  });

  it('another key, account or type is another command; no key is always another', async () => {
    const { orders } = client();
    const ids = [
      (await orders.place(order, { key: 'a' })).commandId,
      (await orders.place(order, { key: 'b' })).commandId,
      (await orders.flatten({ conId: 1 }, { key: 'a' })).commandId,
      commandIdOf('DU7654321', 'place', 'a'),
      (await orders.place(order)).commandId,
      (await orders.place(order)).commandId,
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect((await orders.place(order)).key).toBe('');
  });

  it('every id is a UUID that the schema takes, and two keys never share one', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const id = commandIdOf(account, 'place', a);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(commandIdOf(account, 'place', b) === id).toBe(a === b);
      }),
      { numRuns: 200 },
    );
  });

  it('a bracket has opposite children of the entry, good till cancelled', async () => {
    const { orders, sent } = client();
    const { conId, ...entry } = order;
    await orders.placeBracket(
      { conId, entry, takeProfit: { limitPrice: '2620' }, stopLoss: { stopPrice: '2590' } },
      { key: 'breakout-17' },
    );
    const command = bodyOf(sent[0]!);
    if (command.type !== 'place-bracket') throw new Error(command.type);
    const child = { action: 'SELL', quantity: '1', timeInForce: 'GTC', outsideRth: false };
    expect(command.legs).toEqual([
      expect.objectContaining({ leg: 'entry', action: 'BUY', timeInForce: 'DAY' }),
      { ...child, leg: 'take-profit', orderType: 'LMT', limitPrice: '2620', stopPrice: null },
      { ...child, leg: 'stop-loss', orderType: 'STP', limitPrice: null, stopPrice: '2590' },
    ]);
    await orders.placeBracket({
      conId,
      entry: { ...entry, action: 'SELL' },
      stopLoss: { stopPrice: '2610', limitPrice: '2612', timeInForce: 'DAY' },
    });
    const short = bodyOf(sent[1]!);
    expect(short).toMatchObject({
      legs: [
        { leg: 'entry' },
        { leg: 'stop-loss', action: 'BUY', orderType: 'STP LMT', limitPrice: '2612', timeInForce: 'DAY' },
      ],
    });
  });

  it('modify, cancel, cancel-all, settle and flatten', async () => {
    const { orders, sent } = client({ by: 'person' });
    await orders.modify('breakout-17', { leg: 'stop-loss', stopPrice: '2595' });
    await orders.cancel({ permId: 17, clientId: 1, orderId: 3 });
    await orders.cancelAll();
    await orders.cancelAll({ conId: 5 });
    await orders.settle('P17', { end: 'Cancelled', reason: 'the statement has it' });
    await orders.flatten({ conId: 5 }, { key: 'out-1' });
    expect(sent.map(bodyOf)).toMatchObject([
      { type: 'modify', key: 'breakout-17', leg: 'stop-loss', stopPrice: '2595', by: 'person' },
      { type: 'cancel', permId: 17, clientId: 1, orderId: 3, by: 'person' },
      { type: 'cancel-all', conId: null },
      { type: 'cancel-all', conId: 5 },
      { type: 'settle', orderKey: 'P17', end: 'Cancelled', reason: 'the statement has it', by: 'person' },
      { type: 'flatten', conId: 5, key: 'out-1' },
    ]);
    expect(sent.every(({ body }) => commandSchema.safeParse(JSON.parse(body)).success)).toBe(true);
  });

  it('changes of one order are commands of their own, also back and forth', async () => {
    const { orders } = client();
    const change = () => orders.modify('breakout-17', { limitPrice: '2601' });
    expect((await change()).commandId).not.toBe((await change()).commandId);
    const named = () => orders.modify('breakout-17', { limitPrice: '2601' }, { key: 'chase-1' });
    expect((await named()).commandId).toBe((await named()).commandId);
  });

  const { conId: _conId, ...withoutConId } = order;
  it.each<[string, (orders: OrdersClient) => Promise<unknown>]>([
    ['key', (orders) => orders.place(order, { key: 'no spaces' })],
    ['key', (orders) => orders.place(order, { key: '' })],
    ['key', (orders) => orders.cancelAll({}, { key: 'x'.repeat(65) })],
    ['key', (orders) => orders.modify('-', { quantity: '1' })],
    // A program's: it cannot know.
    ['by', (orders) => orders.settle('P17', { end: 'Filled', reason: 'surely' })],
    // As a strategy in plain JavaScript may call it.
    ['order.quantity', (orders) => orders.place({ ...order, quantity: 1 as never })],
    ['order.limitPrice', (orders) => orders.place({ ...order, limitPrice: Number.NaN as never })],
    ['order.orderType', (orders) => orders.place({ ...order, orderType: 'MOC' as never })],
    ['order.action', (orders) => orders.place({ ...order, action: 'HOLD' as never })],
    ['order.quantity', (orders) => orders.place({ ...order, quantity: '1'.repeat(41) })],
    ['conId', (orders) => orders.place(withoutConId as never)],
    [
      'legs.1.limitPrice',
      (orders) => orders.placeBracket({ conId: 1, entry: order, takeProfit: { limitPrice: 5 as never } }),
    ],
    ['permId', (orders) => orders.cancel({ permId: 0, clientId: 1, orderId: 1 })],
  ])('what no streamer could read is refused before it is sent, and names %s', async (field, call) => {
    const { orders, sent } = client();
    const error = await call(orders).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OrderCommandError);
    expect(error).toMatchObject({ code: 'ORDER_COMMAND_INVALID', field });
    expect((error as Error).message).toMatch(/^ORDER_COMMAND_INVALID: .* Nothing was sent\./);
    expect(sent).toEqual([]);
  });

  it('leaves what is no decimal to the gate, which says what would be allowed', async () => {
    const { orders, sent } = client();
    await orders.place({ ...order, quantity: 'NaN', limitPrice: '1e3' });
    expect(bodyOf(sent[0]!)).toMatchObject({ order: { quantity: 'NaN', limitPrice: '1e3' } });
  });

  it('passes on that the queue could not be reached', async () => {
    const sender = { send: () => Promise.reject(new Error('no answer')) };
    await expect(ordersClient({ sender, account, issuedBy: 'x' }).place(order)).rejects.toThrow('no answer');
  });
});
