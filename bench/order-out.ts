import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventName, IBApi, type Order } from '@stoqey/ib';
import { startDesk } from '../sandbox/desk/desk.ts';
import { OrdersOut, tradedLine } from '../test/helpers/orders-out.ts';
import type { BenchResult } from './figure.ts';
import { percentile } from './statistics.ts';

/**
 * From a command on the queue to placeOrder on the wire: limit orders far from the market, one after the other, on the whole
 * sandbox. The clock starts when SQS has taken the command and stops when a second client of the gateway, its master, is
 * told of the order. Between them are the queue, the reading of the book, the gate, the reservation and the journal.
 */
export interface OrderOutOptions {
  readonly orders: number;
  readonly say: (text: string) => void;
}

const masterClientId = 7;
const warmUp = 20;

export async function orderOut({ orders, say }: OrderOutOptions): Promise<BenchResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const desk = await startDesk({
    speed: '1',
    minutes: 60,
    dataDir,
    streamerEnv: withoutLimits(dataDir),
    gatewayArgs: ['--master-client-id', String(masterClientId)],
  });
  try {
    const { conId, last } = await tradedLine(desk);
    const out = new OrdersOut(desk);
    await out.open();
    const master = await connect(desk.gateway!.port);
    const latencies: number[] = [];
    for (let index = 0; index < warmUp + orders; index += 1) {
      const key = `bench-${index}`;
      const limitPrice = (last * 0.97).toFixed(1);
      await out.send({
        type: 'place',
        key,
        conId,
        order: { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice },
      });
      const sentMs = performance.now();
      const toldMs = await master.next();
      if (index >= warmUp) latencies.push(toldMs - sentMs);
      if (index % 50 === 0) say(`order-out: ${index} of ${warmUp + orders}`);
    }
    master.close();
    await sleep(500);
    const reservations = reservationsOf(dataDir).slice(warmUp);
    const p50 = percentile(latencies, 0.5);
    const reserved = percentile(reservations, 0.5);
    const detail = `${orders} limit orders, one after the other`;
    return {
      name: 'order-out',
      figures: [
        { name: 'command on the queue to placeOrder on the wire, p50', value: p50, unit: 'ms', detail },
        {
          name: 'command on the queue to placeOrder on the wire, p99',
          value: percentile(latencies, 0.99),
          unit: 'ms',
          detail,
        },
        {
          name: 'command on the queue to placeOrder on the wire, p99.9',
          value: percentile(latencies, 0.999),
          unit: 'ms',
          detail: orders < 1_000 ? 'the longest: fewer than 1,000 orders' : detail,
        },
        {
          name: 'reservation in the book, p50',
          value: reserved,
          unit: 'ms',
          detail: 'one transaction of eight actions',
        },
        {
          name: 'reservation in the book, p99',
          value: percentile(reservations, 0.99),
          unit: 'ms',
          detail: '',
        },
        { name: 'share of the reservation', value: (100 * reserved) / p50, unit: '%', detail: 'of the p50' },
      ],
    };
  } finally {
    await desk.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The limits on orders are no part of what is measured. */
function withoutLimits(folder: string): Record<string, string> {
  const dir = join(folder, 'config');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'sandbox.yml'),
    `stage: sandbox
streamers:
  - name: main
    account: DU1234567
    symbols: [GC]
    health: { port: 0 }
resetWindows: []
risk:
  maxQuantity: null
  maxNotional: null
  maxPosition: null
  maxOpenOrders: null
  maxOrdersPerMinute: null
`,
  );
  return { EVENKEEL_CONFIG_DIR: dir };
}

/** What the streamer wrote of each order to its log, in their order. */
function reservationsOf(dataDir: string): readonly number[] {
  return readFileSync(join(dataDir, 'logs', 'streamer.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"Order sent"'))
    .map((line) => (JSON.parse(line) as { reservationMs: number }).reservationMs);
}

async function connect(port: number) {
  const api = new IBApi({ host: '127.0.0.1', port, clientId: masterClientId, maxReqPerSec: 45 });
  const seen = new Set<number>();
  const told: number[] = [];
  let waiting: ((atMs: number) => void) | undefined;
  api.on(EventName.error, () => undefined);
  api.on(EventName.openOrder, (orderId: number, _contract: unknown, _order: Order) => {
    if (seen.has(orderId)) return;
    seen.add(orderId);
    const atMs = performance.now();
    if (waiting) waiting(atMs);
    else told.push(atMs);
    waiting = undefined;
  });
  await new Promise<void>((resolve) => {
    api.once(EventName.nextValidId, () => resolve());
    api.connect(masterClientId);
  });
  return {
    next: () =>
      new Promise<number>((resolve) => {
        const first = told.shift();
        if (first === undefined) waiting = resolve;
        else resolve(first);
      }),
    close: () => {
      api.removeAllListeners();
      api.on(EventName.error, () => undefined);
      api.disconnect();
    },
  };
}
