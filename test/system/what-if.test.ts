/** Orders that ask for their margin first: the real streamer and the sender of orders against the simulated gateway. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { digest } from '../../lib/aws/audit-hash.ts';
import type { BookRef } from '../../lib/domain/book/item.ts';
import { readIntent } from '../../lib/domain/orders/intent.ts';
import { firstFlags, flagsBody } from '../../lib/domain/safety/flags.ts';
import { lockBody } from '../../lib/domain/safety/lock.ts';
import type { EventData } from '../../lib/events/catalogue.ts';
import { type Envelope, parseEnvelope } from '../../lib/events/envelope.ts';
import type { EventPublisher, PublishResult } from '../../lib/ports/event-publisher.ts';
import { AccountWorth } from '../../streamer/account-worth.ts';
import { openDelivery } from '../../streamer/event-delivery.ts';
import { OrderDesk } from '../../streamer/order-desk.ts';
import { Streamer } from '../../streamer/streamer.ts';
import { MemoryBook } from '../helpers/memory-book.ts';
import { OrderGateway } from '../helpers/order-gateway.ts';
import { commandOf } from '../helpers/orders-out.ts';

const account = 'DU1234567';
const clientId = 11;
const closing: (() => unknown)[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-what-if-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

class Keeper implements EventPublisher {
  readonly events: Envelope[] = [];

  publish(events: readonly object[]): Promise<readonly PublishResult[]> {
    for (const event of events) this.events.push(parseEnvelope(event));
    return Promise.resolve(events.map(() => ({ ok: true })));
  }

  of<N extends Envelope['type']>(name: N): EventData<N>[] {
    return this.events.flatMap((event) => (event.type === name ? [event.data as EventData<N>] : []));
  }
}

async function start() {
  const { gateway } = await OrderGateway.start(closing, { account, masterClientId: clientId });
  const config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account,
        symbols: ['GCG6'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port: gateway.port, clientId, timeZone: 'US/Eastern' },
      },
    ],
    resetWindows: [],
    orders: { resyncMs: 1_000, listTimeoutMs: 2_000 },
    risk: { whatIf: true },
  });
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const own = config.streamers[0]!;
  const book = new Keeper();
  const bus = new Keeper();
  const delivery = openDelivery({ config, streamer: own, logger, bus, book });
  const streamer = new Streamer({
    config,
    streamer: own,
    logger,
    delivery,
    epoch: 1,
    mayWrite: () => true,
    waitForGateway: true,
    onFatal: (error) => expect.unreachable(error.message),
  });
  const view = streamer.trading;
  const memory = new MemoryBook();
  const at = new Date().toISOString();
  const write = (ref: BookRef, body: object) =>
    memory.items.set(`${account} ${ref.kind} ${ref.id}`, {
      account,
      ref,
      version: 1,
      body: JSON.parse(JSON.stringify(body)),
    });
  write(
    { kind: 'flags', id: '' },
    flagsBody({ ...firstFlags, DRY_RUN: false, SAFE_MODE: false }, 'op', 'test', at),
  );
  write(
    { kind: 'lock', id: '' },
    lockBody({ state: 'open', reason: 'reconciled', runId: 'run', token: 1 }, 'run', at),
  );
  const alerts: EventData<'alert.raised'>[] = [];
  const worth = new AccountWorth(account, view, () => undefined);
  view.listen(worth);
  const desk = new OrderDesk({
    config,
    streamer: own,
    view,
    book: memory,
    journal: delivery.outbox.journal,
    holder: delivery.outbox.holder,
    token: 1,
    mayWrite: () => true,
    answer: () => undefined,
    raise: (alert) => alerts.push(alert),
    logger,
    systemMs: Date.now,
    sha256: digest,
    worth,
  });
  closing.push(async () => {
    desk.stop();
    await streamer.stop();
    await delivery.close(1_000);
  });
  streamer.start();
  await vi.waitUntil(
    () => {
      const { orders, marketData } = streamer.stats();
      return orders.synced && marketData.lines[0]?.feed === 'live' && worth.now !== null;
    },
    { timeout: 60_000, interval: 20 },
  );
  const conId = streamer.stats().marketData.lines[0]!.conId;
  const order = { action: 'BUY', quantity: '2', orderType: 'LMT', limitPrice: '2650' } as const;
  const send = async (key: string, more: object = {}) => {
    const bare = { type: 'place', key, conId, order: { ...order, ...more } } as const;
    await perform(key, bare as Parameters<typeof commandOf>[0]);
    return readIntent(memory.items.get(`${account} intent ${key}`)!.body);
  };
  const perform = async (key: string, bare: Parameters<typeof commandOf>[0]) => {
    const command = commandOf(bare, { id: randomUUID() });
    await desk.place(command as Parameters<OrderDesk['place']>[0], AbortSignal.timeout(20_000));
    await vi.waitUntil(
      () => {
        const item = memory.items.get(`${account} intent ${key}`);
        return item !== undefined && readIntent(item.body).state !== 'sending';
      },
      { timeout: 60_000, interval: 10 },
    );
  };
  /** placeOrder messages that reached the gateway: questions, and orders. */
  const reached = () => {
    const { placeOrders, whatIfs } = gateway.status().counters;
    return { questions: whatIfs, orders: placeOrders - whatIfs };
  };
  return { gateway, streamer, memory, book, bus, alerts, conId, order, send, perform, reached };
}

it('one question for each order that opens something, and no order of ours comes of a question', async () => {
  const { gateway, streamer, memory, book, bus, alerts, conId, order, send, perform, reached } =
    await start();

  // The entry of a bracket is asked; its children are not.
  const legs = [
    { ...order, leg: 'entry' },
    { leg: 'take-profit', action: 'SELL', quantity: '2', orderType: 'LMT', limitPrice: '2750' },
    { leg: 'stop-loss', action: 'SELL', quantity: '2', orderType: 'STP', stopPrice: '2600' },
  ] as const;
  await perform('pair', {
    type: 'place-bracket',
    key: 'pair',
    conId,
    legs: legs as unknown as [],
  });
  expect(readIntent(memory.items.get(`${account} intent pair`)!.body)).toMatchObject({ state: 'sent' });
  expect(reached()).toEqual({ questions: 1, orders: 3 });
  // The question had an id of its own, below those of the order.
  expect(gateway.broker().orders.map(({ orderId }) => orderId)).toEqual([2, 3, 4]);

  // Too little: by the figures, then by an error; nothing leaves.
  gateway.fault({ type: 'margin', factor: '100' });
  expect(await send('poor')).toMatchObject({
    state: 'denied',
    code: 'MARGIN',
    legs: [],
    message: expect.stringMatching(/initial margin of 54\d{5} .* too little/) as string,
  });
  expect(reached()).toEqual({ questions: 2, orders: 3 });
  gateway.fault({ type: 'margin', factor: '1' });
  gateway.fault({ type: 'what-if', how: 'rejected' });
  expect(await send('refused')).toMatchObject({
    state: 'denied',
    code: 'MARGIN',
    message: expect.stringContaining('201') as string,
  });
  expect(reached()).toEqual({ questions: 3, orders: 3 });

  // Figures that are not there yet are waited for; a market order fills.
  gateway.fault({ type: 'what-if', how: 'unset-first' });
  expect(await send('filled', { orderType: 'MKT', limitPrice: null })).toMatchObject({ state: 'sent' });
  expect(reached()).toEqual({ questions: 4, orders: 4 });
  await vi.waitUntil(() => streamer.trading.positions()[0]?.position === '2', { timeout: 60_000 });

  // What only reduces is not asked, however little there is.
  gateway.fault({ type: 'margin', factor: '1000' });
  expect(await send('smaller', { action: 'SELL', quantity: '1', limitPrice: '2720' })).toMatchObject({
    state: 'sent',
  });
  expect(reached()).toEqual({ questions: 4, orders: 5 });

  // The tracker, the broker's list and the book know the orders of the broker, and nothing else.
  const { orders } = gateway.broker();
  const permIds = new Set(orders.map(({ permId }) => permId));
  expect(permIds.size).toBe(5);
  const { facts, outcome } = await streamer.lists.collect('open-orders');
  expect(outcome).toBe('ok');
  const open = facts.flatMap((fact) => (fact.kind === 'open-order' ? [fact.permId] : []));
  expect(open.toSorted((a, b) => a - b)).toEqual(
    orders.flatMap(({ permId, status }) => (status === 'Filled' ? [] : [permId])).toSorted((a, b) => a - b),
  );
  expect(streamer.stats().orders).toMatchObject({ working: 4, held: 0 });
  await vi.waitUntil(() => book.of('order.filled').length === 1, { timeout: 60_000 });
  const told = book.events.flatMap(({ type, data }) =>
    /^(order|fill)\./.test(type) ? [(data as { permId: number }).permId] : [],
  );
  expect(new Set(told)).toEqual(permIds);
  expect([alerts, bus.of('alert.raised').map(({ alert }) => alert)]).toEqual([[], []]);
});

it('a gateway that takes the question for an order has it cancelled, and the order itself never leaves', async () => {
  const { gateway, bus, send, reached } = await start();
  gateway.fault({ type: 'what-if', how: 'placed' });
  expect(await send('asked')).toMatchObject({
    state: 'denied',
    code: 'MARGIN',
    message: expect.stringContaining('made an order of the question 1') as string,
  });
  expect(reached()).toEqual({ questions: 1, orders: 0 });
  await vi.waitUntil(() => gateway.broker().orders[0]?.status === 'Cancelled', { timeout: 60_000 });
  expect(gateway.broker().orders).toMatchObject([{ orderId: 1, orderRef: 'what-if', filled: '0' }]);
  await vi.waitUntil(() => bus.of('alert.raised').some(({ subject }) => subject === 'order 1'), {
    timeout: 60_000,
  });
  const [alert] = bus.of('alert.raised').filter(({ subject }) => subject === 'order 1');
  expect(alert).toMatchObject({ alert: 'order_unresolved', severity: 'CRITICAL' });
});
