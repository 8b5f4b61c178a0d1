/** The streamer against the order side of the simulated gateway: one event for each real change, whoever trades. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrderType } from '@stoqey/ib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Config, configSchema } from '../../config/schema.ts';
import { type Envelope, parseEnvelope } from '../../lib/events/envelope.ts';
import type { EventPublisher, PublishResult } from '../../lib/ports/event-publisher.ts';
import { type EventDelivery, openDelivery } from '../../streamer/event-delivery.ts';
import { Streamer } from '../../streamer/streamer.ts';
import { OrderGateway } from '../helpers/order-gateway.ts';

const ACCOUNT = 'DU1234567';
const CLIENT = 11;
const closing: (() => unknown)[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-tracker-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** As a desk should set it up, the streamer is the client that is told of the orders of all others at once. */
const start = (masterClientId = CLIENT) => OrderGateway.start(closing, { account: ACCOUNT, masterClientId });

class Keeper implements EventPublisher {
  readonly events: Envelope[] = [];
  isDown = false;

  publish(events: readonly object[]): Promise<readonly PublishResult[]> {
    const refusal = { ok: false, code: 'ServiceUnavailable', message: 'down' } as const;
    if (!this.isDown) for (const event of events) this.events.push(parseEnvelope(event));
    return Promise.resolve(events.map(() => (this.isDown ? refusal : { ok: true })));
  }

  names(): string[] {
    return this.events.map(({ type }) => type);
  }

  of<N extends Envelope['type']>(name: N): Envelope<N>[] {
    return this.events.filter((event): event is Envelope<N> => event.type === name);
  }
}

interface Desk {
  readonly streamer: Streamer;
  readonly delivery: EventDelivery;
  readonly bus: Keeper;
  readonly book: Keeper;
  mayWrite: boolean;
  /** Ends the run as a lost lease or the end of the process does. */
  end(): Promise<void>;
}

let epoch = 100;

function desk(port: number, books = { bus: new Keeper(), book: new Keeper() }): Desk {
  const config: Config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account: ACCOUNT,
        symbols: ['GCG6'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port, clientId: CLIENT, timeZone: 'US/Eastern' },
      },
    ],
    resetWindows: [],
    reconnect: { firstMs: 100, maxMs: 200 },
    orders: { resyncMs: 1_000, listTimeoutMs: 2_000 },
  });
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const own = config.streamers[0]!;
  const delivery = openDelivery({ config, streamer: own, logger, ...books });
  epoch += 1;
  const started: Desk = {
    ...books,
    delivery,
    mayWrite: true,
    streamer: new Streamer({
      config,
      streamer: own,
      logger,
      delivery,
      epoch,
      mayWrite: () => started.mayWrite,
      waitForGateway: true,
      onFatal: (error) => expect.unreachable(error.message),
    }),
    end: async () => {
      await started.streamer.stop();
      await delivery.close(1_000);
    },
  };
  closing.push(() => started.end());
  started.streamer.start();
  return started;
}

const synced = (started: Desk) => vi.waitUntil(() => started.streamer.stats().orders.synced, 60_000);
const until = (probe: () => unknown) => vi.waitUntil(probe, { timeout: 60_000, interval: 10 });

/** Orders and fills in their order, by what the book would fold. */
const told = (keeper: Keeper, permId?: number): string[] =>
  keeper.events.flatMap((event) => {
    if (!/^(order|fill)\./.test(event.type)) return [];
    const data = event.data as { permId: number; status?: string };
    if (permId !== undefined && data.permId !== permId) return [];
    return [data.status === undefined ? event.type : `${event.type} ${data.status}`];
  });

describe('the order tracker of a streamer', () => {
  it('another client and a person trade: each change is told once, in order, to the book and on the bus', async () => {
    const gateway = await start();
    const started = desk(gateway.gateway.port);
    await synced(started);
    const other = await gateway.client(7);
    gateway.rest(other, 1, { totalQuantity: 2, orderRef: 'resting' });
    await until(() => started.book.of('order.placed').length === 1);
    gateway.place(other, 2, { totalQuantity: 3 });
    const { permId } = gateway.gateway.trade({
      action: 'place',
      symbol: 'GCG6',
      side: 'BUY',
      quantity: '1',
    });
    await until(() => started.book.of('order.filled').length === 2);
    await until(
      () => started.book.of('commission.received').length === started.book.of('fill.received').length,
    );
    other.ib.cancelOrder(1);
    await until(() => started.book.of('order.cancelled').length === 1);
    await until(() => started.book.of('position.changed').at(-1)?.data.position === '4');
    await until(() => started.book.of('balance.changed').length > 0);

    const { book, bus } = started;
    const manual = book.of('order.filled').find(({ data }) => data.permId === permId);
    expect(manual?.data).toMatchObject({ origin: 'manual', status: 'Filled', orderKey: `P${permId}` });
    const resting = book.of('order.placed').find(({ data }) => data.orderRef === 'resting')!;
    expect(told(book, resting.data.permId).at(0)).toMatch(/order\.placed/);
    expect(told(book, resting.data.permId).at(-1)).toBe('order.cancelled Cancelled');
    // Every event of the book is on the bus too; each id once; sequence numbers grow.
    const ids = book.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(book.events.map(({ seq }) => seq)).toEqual(
      book.events.map(({ seq }) => seq).toSorted((a, b) => a - b),
    );
    await until(() => bus.events.length >= ids.length);
    expect(bus.events.filter(({ id }) => ids.includes(id))).toHaveLength(ids.length);
    expect(new Set(book.events.map((event) => event.account))).toEqual(new Set([ACCOUNT]));
    expect(book.names().every((name) => /^(order|fill|commission|position|balance)\./.test(name))).toBe(true);
    // The sums are the broker's own.
    const record = gateway.gateway.broker();
    const standing = record.executions.filter(({ superseded }) => !superseded).map(({ execId }) => execId);
    expect(
      book
        .of('fill.received')
        .map(({ data }) => data.execId)
        .toSorted(),
    ).toEqual(standing.toSorted());
  });

  it('of orders that are not told to this client, the lists tell', async () => {
    const gateway = await start(1);
    const started = desk(gateway.gateway.port);
    await synced(started);
    const other = await gateway.client(7);
    gateway.place(other, 1);
    await until(() => started.book.of('order.filled').length === 1);
    await until(() => started.book.of('commission.received').length === 1);
    expect(started.book.of('fill.received')).toHaveLength(1);
  });

  it('nothing that the lists repeat is told again', async () => {
    const gateway = await start();
    const started = desk(gateway.gateway.port);
    await synced(started);
    const other = await gateway.client(7);
    gateway.rest(other, 1);
    gateway.place(other, 2);
    await until(() => started.book.of('commission.received').length === 1);
    await until(() => started.book.of('order.filled').length === 1);
    const before = told(started.book);
    const { rounds } = started.streamer.stats().orders;
    await until(() => started.streamer.stats().orders.rounds >= rounds + 2);
    expect(told(started.book)).toEqual(before);
    expect(started.streamer.stats().orders).toMatchObject({ synced: true, working: 1, held: 0 });
  });

  it('what happens while the link is lost is told after it, and nothing else', async () => {
    const gateway = await start();
    const started = desk(gateway.gateway.port);
    await synced(started);
    const other = await gateway.client(7);
    gateway.rest(other, 1, { orderRef: 'stays' });
    gateway.rest(other, 2, { orderRef: 'goes' });
    await until(() => started.book.of('order.placed').length === 2);
    const before = started.book.events.length;
    gateway.fault({ type: 'refuse' });
    gateway.fault({ type: 'drop', clientId: CLIENT });
    await until(() => !started.streamer.stats().orders.synced);
    const goes = started.book.of('order.placed').find(({ data }) => data.orderRef === 'goes')!.data;
    gateway.gateway.trade({ action: 'cancel', permId: goes.permId });
    const { permId } = gateway.gateway.trade({
      action: 'place',
      symbol: 'GCG6',
      side: 'SELL',
      quantity: '1',
    });
    await until(() => gateway.gateway.broker().executions.length === 1);
    gateway.fault({ type: 'refuse', on: false });
    await synced(started);
    await until(() => started.book.of('commission.received').length === 1);
    await until(() => started.book.of('order.filled').length === 1);
    const since = started.book.events.slice(before);
    expect(new Set(since.flatMap(({ data }) => ('permId' in data ? [data.permId] : [])))).toEqual(
      new Set([goes.permId, permId]),
    );
    expect(told({ events: since } as Keeper, goes.permId)).toEqual(['order.cancelled Cancelled']);
    expect(since.filter(({ type }) => type === 'fill.received')).toHaveLength(1);
  });

  it('a restart goes on from what was told: nothing twice, what was missed once, under the new epoch', async () => {
    const gateway = await start();
    const first = desk(gateway.gateway.port);
    await synced(first);
    const other = await gateway.client(7);
    gateway.rest(other, 1);
    await until(() => first.book.of('order.placed').length === 1);
    await until(() => first.book.of('balance.changed').length > 0);
    first.book.isDown = true;
    await first.end();
    first.book.isDown = false;
    gateway.place(other, 2, { orderType: OrderType.MKT });
    await until(() => gateway.gateway.broker().executions.length === 1);
    const books = { bus: new Keeper(), book: new Keeper() };
    const second = desk(gateway.gateway.port, books);
    await synced(second);
    await until(() => books.book.of('order.filled').length === 1);
    await until(() => books.book.of('commission.received').length === 1);
    expect(books.book.of('order.placed').filter(({ data }) => data.orderId === 1)).toEqual([]);
    expect(new Set(books.book.events.map((event) => event.epoch))).toEqual(new Set([epoch]));
    expect(books.book.of('fill.received')).toHaveLength(1);
  });

  it("a book's queue that is down holds nothing up, and gets everything in order when it is back", async () => {
    const gateway = await start();
    const started = desk(gateway.gateway.port);
    await synced(started);
    await until(() => started.streamer.stats().book!.depth === 0);
    started.book.isDown = true;
    const other = await gateway.client(7);
    gateway.place(other, 1);
    await until(() => started.bus.of('order.filled').length === 1);
    expect(started.streamer.stats().book!.depth).toBeGreaterThan(0);
    started.book.isDown = false;
    await until(() => started.streamer.stats().book!.depth === 0);
    expect(started.book.of('order.filled')).toHaveLength(1);
    const seqs = started.book.events.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  });

  it('the lists of a snapshot are whole, also a second time, and beside the rounds of the tracker', async () => {
    const gateway = await start();
    const started = desk(gateway.gateway.port);
    await synced(started);
    const other = await gateway.client(7);
    gateway.rest(other, 1);
    gateway.place(other, 2);
    await until(() => started.book.of('order.filled').length === 1);
    for (const _ of [1, 2]) {
      const all = await Promise.all(
        (['open-orders', 'completed-orders', 'executions', 'positions', 'account-values'] as const).map(
          (list) => started.streamer.lists.collect(list),
        ),
      );
      expect(all.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
      const kinds = all.map(({ facts }) => new Set(facts.map(({ kind }) => kind)));
      expect(kinds[0]).toEqual(new Set(['open-order', 'order-status']));
      expect(kinds[1]).toEqual(new Set(['completed-order']));
      expect([...kinds[2]!]).toContain('execution');
      expect(kinds[3]).toEqual(new Set(['position']));
      expect(kinds[4]).toEqual(new Set(['account-value']));
    }
  });
});

describe('fencing', () => {
  /** Counts what the streamer sends to the gateway. */
  async function tap(port: number): Promise<{ port: number; bytes: () => number; open: () => number }> {
    let bytes = 0;
    const sockets = new Set<Socket>();
    const server: Server = createServer((inner) => {
      const outer = netConnect(port, '127.0.0.1');
      sockets.add(inner);
      inner.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        outer.write(chunk);
      });
      outer.on('data', (chunk: Buffer) => void inner.write(chunk));
      for (const [one, two] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        one.on('error', () => two.destroy());
        one.on('close', () => {
          sockets.delete(one);
          two.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port: tapped } = server.address() as { port: number };
    return { port: tapped, bytes: () => bytes, open: () => sockets.size };
  }

  it('without the lease not one byte leaves, neither of what waits in the queue nor of a new attempt', async () => {
    const gateway = await start();
    const line = await tap(gateway.gateway.port);
    const started = desk(line.port);
    await synced(started);
    // More than the rate limiter lets go at once: most of it waits in the library.
    for (let each = 0; each < 40; each += 1) void started.streamer.lists.collect('executions');
    const waiting = (['positions', 'account-values', 'open-orders', 'completed-orders'] as const).map(
      (list) => started.streamer.lists.collect(list),
    );
    started.mayWrite = false;
    const before = line.bytes();
    const answers = await Promise.all(waiting);
    await until(() => line.open() === 0);
    // Long enough for several attempts to connect again.
    const { attempts } = started.streamer.stats().session;
    await until(() => started.streamer.stats().session.attempts > attempts + 1);
    expect(line.bytes()).toBe(before);
    expect(line.open()).toBe(0);
    expect(answers.some(({ outcome }) => outcome !== 'ok')).toBe(true);
    started.mayWrite = true;
    await synced(started);
    expect(line.bytes()).toBeGreaterThan(before);
  });
});
