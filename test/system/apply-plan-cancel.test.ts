/** The command `cancel` through the streamer to the simulated gateway: our own order ends, that of another client stays. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import type { EventData } from '../../lib/events/catalogue.ts';
import { commandSchema } from '../../lib/events/command.ts';
import { type Envelope, parseEnvelope } from '../../lib/events/envelope.ts';
import type { QueuedCommand } from '../../lib/ports/command-queue.ts';
import { cancelOrder } from '../../streamer/cancel-order.ts';
import { CommandRunner } from '../../streamer/command-runner.ts';
import { openDelivery } from '../../streamer/event-delivery.ts';
import { Streamer } from '../../streamer/streamer.ts';
import { OrderGateway } from '../helpers/order-gateway.ts';

const account = 'DU1234567';
const ours = 11;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const commandOf = (permId: number, clientId: number, orderId: number) =>
  commandSchema.parse({
    id: crypto.randomUUID(),
    type: 'cancel',
    version: 1,
    account,
    issuedAt: new Date().toISOString(),
    issuedBy: 'plan 1f2e',
    validUntil: new Date(Date.now() + 30_000).toISOString(),
    permId,
    clientId,
    orderId,
  });

it('a cancel of our own order ends it; one of another client is answered by an alert and leaves it', async () => {
  const gateway = await OrderGateway.start(closing, { account, masterClientId: ours });
  const before = await gateway.client(ours);
  gateway.rest(before, 5);
  const other = await gateway.client(7);
  gateway.rest(other, 6);
  const permIdOf = async (client: typeof before, orderId: number): Promise<number> => {
    const seen = () =>
      client.all('orderStatus').find(([id, status]) => id === orderId && status === 'Submitted');
    await vi.waitUntil(seen, { timeout: 60_000, interval: 10 });
    return (client.all('openOrder').find(([id]) => id === orderId)![2] as { permId: number }).permId;
  };
  const permId = await permIdOf(before, 5);
  const foreign = await permIdOf(other, 6);
  before.disconnect();

  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-cancel-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account,
        symbols: ['GCG6'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port: gateway.gateway.port, clientId: ours, timeZone: 'US/Eastern' },
      },
    ],
    resetWindows: [],
    reconnect: { firstMs: 100, maxMs: 200 },
    orders: { resyncMs: 1_000, listTimeoutMs: 2_000 },
  });
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const events: Envelope[] = [];
  const keep = (into: Envelope[]) => ({
    publish: async (some: readonly object[]) => {
      into.push(...some.map(parseEnvelope));
      return some.map(() => ({ ok: true as const }));
    },
  });
  const own = config.streamers[0]!;
  const delivery = openDelivery({ config, streamer: own, logger, bus: keep([]), book: keep(events) });
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
  closing.push(async () => {
    await streamer.stop();
    await delivery.close(1_000);
  });
  streamer.start();
  await vi.waitUntil(() => streamer.stats().orders.synced, { timeout: 60_000, interval: 10 });

  const alerts: EventData<'alert.raised'>[] = [];
  const queue: QueuedCommand[] = [
    commandOf(foreign, 7, 6),
    commandOf(foreign, ours, 6),
    commandOf(permId, ours, 5),
  ].map((command, index) => ({ body: JSON.stringify(command), receipt: String(index) }));
  const removed: string[] = [];
  const runner = new CommandRunner({
    account,
    source: {
      receive: (signal) => {
        const next = queue.shift();
        if (next) return Promise.resolve([next]);
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        );
      },
      hold: async () => undefined,
      giveBack: async () => undefined,
      remove: async (receipt) => void removed.push(receipt),
    },
    perform: async (command, signal) => {
      if (command.type !== 'cancel') throw new Error('nobody asked for this');
      const collect = () => streamer.lists.collect('open-orders');
      await cancelOrder(
        command,
        {
          clientId: ours,
          collect,
          mayWrite: () => true,
          cancel: (orderId) => streamer.cancelOrder(orderId),
          raise: (alert) => void alerts.push(alert),
          logger,
          systemMs: Date.now,
        },
        signal,
      );
    },
    raise: (alert) => void alerts.push(alert),
    mayWrite: () => true,
    logger,
    systemMs: Date.now,
  });
  closing.push(() => runner.stop());
  runner.start();

  const cancelled = () =>
    events.filter((event): event is Envelope<'order.cancelled'> => event.type === 'order.cancelled');
  await vi.waitUntil(() => cancelled().length > 0, { timeout: 60_000, interval: 10 });
  expect(cancelled().map(({ data }) => data.permId)).toEqual([permId]);
  expect(removed).toEqual(['0', '1', '2']);
  expect(alerts.map(({ alert, subject }) => `${alert} ${subject}`)).toEqual([
    `cancel_foreign_order order ${foreign}`,
    `cancel_foreign_order order ${foreign}`,
  ]);
  const { facts } = await streamer.lists.collect('open-orders');
  expect(facts.flatMap((fact) => (fact.kind === 'open-order' ? [fact.permId] : []))).toEqual([foreign]);
});
