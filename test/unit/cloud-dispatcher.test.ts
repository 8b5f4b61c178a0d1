import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Delivery, DeliveryStore, type NewDelivery } from '../../sandbox/cloud/delivery-store.ts';
import { Dispatcher, FINISHED, type Lane } from '../../sandbox/cloud/dispatcher.ts';
import { temporaryFolder } from '../helpers/cloud-fixture.ts';

let folder: string;
let remove: () => void;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});
afterEach(() => remove());

const numbered = (from: number, count: number, target = 'a'): NewDelivery[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: 'rule',
    target,
    payload: String(from + i),
    requestId: 'r',
  }));

async function drained(store: DeliveryStore): Promise<void> {
  for (let i = 0; i < 2_000 && store.count > 0; i += 1) await sleep(5);
  expect(store.count).toBe(0);
}

it('carries out more deliveries than memory holds, each once and in order', async () => {
  const store = new DeliveryStore(folder);
  const seen: number[] = [];
  const lane: Lane = {
    concurrency: 1,
    attempt: async ({ payload }) => {
      seen.push(Number(payload));
      return Promise.resolve(FINISHED);
    },
  };
  const dispatcher = new Dispatcher({ store, timeScale: 1, laneOf: () => lane });
  dispatcher.start();
  for (let batch = 0; batch < 12; batch += 1) dispatcher.accept(numbered(batch * 1_000, 1_000));
  await drained(store);
  expect(seen).toEqual(Array.from({ length: 12_000 }, (_, i) => i));
  await dispatcher.stop(100);
  store.close();
});

it('what was not finished at the end of one run is carried out by the next, with its attempts kept', async () => {
  const first = new DeliveryStore(folder);
  const failing: Lane = {
    concurrency: 4,
    attempt: async () => Promise.resolve({ kind: 'retry', laterMs: 60_000 }),
  };
  const dispatcher = new Dispatcher({ store: first, timeScale: 0.001, laneOf: () => failing });
  dispatcher.start();
  dispatcher.accept(numbered(0, 8));
  await sleep(20);
  await dispatcher.stop(100);
  first.close();

  const second = new DeliveryStore(folder);
  expect(second.count).toBe(8);
  const seen: Delivery[] = [];
  const lane: Lane = {
    concurrency: 1,
    attempt: async (delivery) => {
      seen.push({ ...delivery });
      return Promise.resolve(FINISHED);
    },
  };
  const again = new Dispatcher({ store: second, timeScale: 1, laneOf: () => lane });
  again.start();
  await drained(second);
  expect(seen.map((d) => d.payload).toSorted((a, b) => Number(a) - Number(b))).toEqual([
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '7',
  ]);
  expect(seen.every((d) => d.attempts >= 1 && d.agedMs >= 60_000)).toBe(true);
  await again.stop(100);
  second.close();
});

it('a slow target does not hold up another, and no lane goes above its concurrency', async () => {
  const store = new DeliveryStore(folder);
  let running = 0;
  let most = 0;
  let quick = 0;
  const lanes: Record<string, Lane> = {
    slow: {
      concurrency: 3,
      attempt: async () => {
        running += 1;
        most = Math.max(most, running);
        await sleep(30);
        running -= 1;
        return FINISHED;
      },
    },
    quick: {
      concurrency: 1,
      attempt: async () => {
        quick += 1;
        return Promise.resolve(FINISHED);
      },
    },
  };
  const dispatcher = new Dispatcher({ store, timeScale: 1, laneOf: ({ target }) => lanes[target] });
  dispatcher.start();
  dispatcher.accept([...numbered(0, 12, 'slow'), ...numbered(0, 50, 'quick')]);
  await sleep(10);
  expect(quick).toBe(50);
  await drained(store);
  expect(most).toBe(3);
  await dispatcher.stop(100);
  store.close();
});

it('a delivery whose target is gone is given up, not kept for ever', async () => {
  const store = new DeliveryStore(folder);
  const dispatcher = new Dispatcher({ store, timeScale: 1, laneOf: () => undefined });
  dispatcher.start();
  dispatcher.accept(numbered(0, 3));
  await drained(store);
  await dispatcher.stop(100);
  store.close();
});
