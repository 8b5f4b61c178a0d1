import { createKeeper } from '../functions/book-keeper/keeper.ts';
import type { Envelope } from '../lib/events/envelope.ts';
import { commissionEvent, fillEvent, orderEvent, positionEvent } from '../test/helpers/book-events.ts';
import { type BookTables, createBookTables } from '../test/helpers/book-tables.ts';
import { engineIsHere, startDynamoEngine, whenNoEngine } from '../test/helpers/dynamo-engine.ts';
import type { BenchResult, Figure } from './figure.ts';
import { percentile } from './statistics.ts';

/**
 * Order events through the book-keeper into book and audit trail, on the local DynamoDB engine: what a message costs
 * from its text to the committed transaction. One account is one message group, so its events are booked one after the
 * other; accounts are booked beside each other. The engine shares the machine with the book-keeper, and is no DynamoDB:
 * the figures compare one version of this code with another.
 */
export interface BookKeeperOptions {
  /** Orders of each account; an order has six events. */
  readonly orders: number;
  /** Accounts beside each other in the second figure. */
  readonly accounts: number;
}

interface Run {
  readonly events: number;
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
}

export async function bookKeeper({ orders, accounts }: BookKeeperOptions): Promise<BenchResult> {
  if (!engineIsHere) return { name: 'book-keeper', figures: [], invalid: whenNoEngine };
  const engine = await startDynamoEngine();
  try {
    const tables = await createBookTables(engine);
    await measure(tables, ['DU-warm'], 20);
    const alone = await measure(tables, ['DU-alone'], orders);
    const names = Array.from({ length: accounts }, (_, index) => `DU-${index}`);
    const beside = await measure(tables, names, orders);
    return {
      name: 'book-keeper',
      figures: [...figuresOf('one account', alone), ...figuresOf(`${accounts} accounts`, beside)],
    };
  } finally {
    await engine.stop();
  }
}

function figuresOf(what: string, { events, seconds, latenciesMs }: Run): Figure[] {
  const detail = `${events.toLocaleString('en')} events, each with its audit row`;
  return [
    { name: `${what}, order events`, value: events / seconds, unit: 'events/s', detail },
    { name: `${what}, message to commit, p50`, value: percentile(latenciesMs, 0.5), unit: 'ms' },
    { name: `${what}, message to commit, p99`, value: percentile(latenciesMs, 0.99), unit: 'ms' },
  ];
}

async function measure(tables: BookTables, accounts: readonly string[], orders: number): Promise<Run> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  await Promise.all(
    accounts.map(async (account) => {
      const messages = dayOf(account, orders).map((event, index) => ({
        id: `${account}-${index}`,
        group: account,
        body: JSON.stringify(event),
      }));
      const keep = keeperOf(tables);
      for (const message of messages) {
        const fromMs = performance.now();
        await keep(message);
        latenciesMs.push(performance.now() - fromMs);
      }
    }),
  );
  return { events: latenciesMs.length, seconds: (performance.now() - startMs) / 1_000, latenciesMs };
}

/** One process of the function: its own memory of the chains. Nothing is refused here, and nothing logged. */
function keeperOf(tables: BookTables): ReturnType<typeof createKeeper> {
  const silent = () => undefined;
  const refused = async (): Promise<never> => {
    throw new Error('A message of the benchmark was refused.');
  };
  return createKeeper({
    book: tables.another(),
    deadLetters: { put: refused },
    publisher: { publish: refused },
    stage: 'sandbox',
    logger: { info: silent, warn: silent, error: silent },
    nowMs: Date.now,
    sleep: refused,
    random: Math.random,
  });
}

/** Orders that are placed, accepted, filled and paid for, and the position after each. */
function dayOf(account: string, orders: number): Envelope[] {
  let seq = 0;
  const next = () => {
    seq += 1;
    return { account, seq };
  };
  return Array.from({ length: orders }, (_, index) => {
    const permId = 1_000 + index;
    const own = { orderId: index + 1, orderRef: `${account}-${permId}` };
    const execBase = `0000e0d5.${permId}.01`;
    return [
      orderEvent(
        'order.placed',
        permId,
        { ...own, status: 'PreSubmitted', brokerStatus: 'PreSubmitted' },
        next(),
      ),
      orderEvent('order.changed', permId, { ...own, status: 'Submitted', brokerStatus: 'Submitted' }, next()),
      fillEvent(permId, { ...own, execBase, revision: 1, quantity: '2' }, next()),
      orderEvent('order.filled', permId, { ...own, status: 'Filled', brokerStatus: 'Filled' }, next()),
      commissionEvent(`P${permId}`, execBase, 1, '2.32', next()),
      positionEvent(5, String((index % 5) + 1), next()),
    ];
  }).flat();
}
