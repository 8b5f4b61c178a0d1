import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventName, type Execution, IBApi, type Order, OrderAction, OrderType } from '@stoqey/ib';
import { BookTable } from '../lib/aws/book-table.ts';
import { fillKey, parseExecId } from '../lib/domain/orders/exec-id.ts';
import { type Desk, startDesk } from '../sandbox/desk/desk.ts';
import type { BenchResult } from './figure.ts';
import { percentile } from './statistics.ts';

/**
 * From the gateway's message to the committed book: market orders, one after the other, on the whole sandbox. The clock
 * starts when a second client of the gateway reads the execution, which is when the streamer does, and stops when a
 * consistent read finds the fill in the book: streamer, outbox, FIFO queue, Lambda and transaction are between them.
 */
export interface OrderToBookOptions {
  readonly orders: number;
  readonly say: (text: string) => void;
}

const account = 'DU1234567';
const clientId = 7;
const warmUp = 20;

export async function orderToBook({ orders, say }: OrderToBookOptions): Promise<BenchResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const desk = await startDesk({ speed: '60', minutes: 390, dataDir });
  try {
    const latencies: number[] = [];
    const book = bookOf(desk);
    const conId = await tradedConId(desk);
    const client = await connect(desk);
    for (let index = 0; index < warmUp + orders; index += 1) {
      const { execId, atMs } = await client.buyOne(conId);
      await inBook(book, execId);
      if (index >= warmUp) latencies.push(performance.now() - atMs);
      if (index % 50 === 0) say(`order-to-book: ${index} of ${warmUp + orders}`);
    }
    client.close();
    const detail = `${orders} market orders, one after the other; read every 2 ms`;
    return {
      name: 'order-to-book',
      figures: [
        { name: "gateway's message to book, p50", value: percentile(latencies, 0.5), unit: 'ms', detail },
        { name: "gateway's message to book, p99", value: percentile(latencies, 0.99), unit: 'ms', detail },
      ],
    };
  } finally {
    await desk.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function bookOf({ cloud }: Desk): BookTable {
  const client = new DynamoDBClient({
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  });
  return new BookTable({
    client,
    bookTable: 'evenkeel-sandbox-book',
    auditTable: 'evenkeel-sandbox-audit',
  });
}

async function tradedConId(desk: Desk): Promise<number> {
  for (;;) {
    const stats = await desk.streamerStats();
    const line = stats?.marketData.lines.find(({ conId, trades }) => conId > 0 && trades > 0);
    if (line && stats?.orders.synced) return line.conId;
    await sleep(20);
  }
}

async function connect(desk: Desk) {
  const api = new IBApi({ host: '127.0.0.1', port: desk.gateway!.port, clientId, maxReqPerSec: 45 });
  const waiting = new Map<number, (execution: { execId: string; atMs: number }) => void>();
  api.on(EventName.error, () => undefined);
  api.on(EventName.execDetails, (_reqId, _contract, { orderId, execId }: Execution) => {
    waiting.get(orderId ?? 0)?.({ execId: execId ?? '', atMs: performance.now() });
  });
  let nextId = await new Promise<number>((resolve) => {
    api.once(EventName.nextValidId, resolve);
    api.connect(clientId);
  });
  return {
    buyOne: (conId: number) => {
      const orderId = nextId;
      nextId += 1;
      const order: Order = {
        action: OrderAction.BUY,
        orderType: OrderType.MKT,
        totalQuantity: 1,
        transmit: true,
      };
      return new Promise<{ execId: string; atMs: number }>((resolve) => {
        waiting.set(orderId, resolve);
        api.placeOrder(orderId, { conId, exchange: 'COMEX' }, order);
      });
    },
    close: () => {
      api.removeAllListeners();
      api.on(EventName.error, () => undefined);
      api.disconnect();
    },
  };
}

async function inBook(book: BookTable, execId: string): Promise<void> {
  const id = fillKey(parseExecId(execId));
  for (;;) {
    const [fill] = await book.read(account, [{ kind: 'fill', id }]);
    if (fill?.body.report) return;
    await sleep(2);
  }
}
