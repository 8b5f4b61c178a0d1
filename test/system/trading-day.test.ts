/**
 * A day of orders with streamer and book-keeper killed (SIGKILL of the real process) at points that are counted at the
 * gateway's socket, at the streamer's SQLite file and at the AWS endpoint. At its end the book equals the broker's own
 * record, and the audit trail alone makes the book. `EVENKEEL_PROOF=1` plays 500 orders, the suite a short form.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, describe, expect, it } from 'vitest';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { bookSort } from '../../lib/aws/keys.ts';
import { foldTrail } from '../../lib/domain/audit/fold.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { pause } from '../../lib/reconcile/pause.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { differences, readBook } from '../helpers/book-against-broker.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { TradingClient } from '../helpers/trading-day.ts';

afterAll(cleanFolders);

const account = 'DU1234567';
const keeper = 'evenkeel-sandbox-book-keeper';
const bookQueue = 'evenkeel-sandbox-book.fifo';
const isProof = process.env.EVENKEEL_PROOF === '1';
const ordersOfDay = isProof ? 520 : 56;
const roundsOfKills = isProof ? 3 : 1;
/** More than so many messages wait for the book-keeper: who trades waits too, or a slow machine never catches up. */
const backlogMax = isProof ? 200 : 100;
/** Between the orders beyond those of the day, which last until everything is killed. */
const calmMs = isProof ? 0 : 200;
const stuckMs = 60_000;

describe('a day of orders', () => {
  it(`${ordersOfDay} orders with brackets, partial fills, amendments and cancels, everything killed on the way, end in the book as the broker has them`, {
    timeout: 900_000,
  }, async () => {
    const dataDir = scratchFolder();
    await withDesk(
      {
        speed: '60',
        minutes: 390,
        seed: 7,
        dataDir,
        functionProcesses: true,
        streamerEnv: quickConfig(dataDir),
        gatewayArgs: ['--fill-share', '1'],
      },
      async (desk) => {
        const [instrument] = await instruments(desk);
        const clients = await Promise.all(
          [7, 8].map((clientId) => TradingClient.open({ desk, ...instrument!, clientId, seed: clientId })),
        );
        await withoutReconcile(desk);
        await broken(desk);
        const keepers = watchKeepers(desk);
        let killing = true;
        const kills = killOnTheWay(desk, dataDir).finally(() => {
          killing = false;
        });
        // Orders go on for as long as something is still to be killed.
        const trading = clients.map(async (client) => {
          const own = ordersOfDay * 0.55;
          while (killing || client.placed < own) {
            await client.trade(client.placed < own || isProof ? 5 : 1);
            await untilBooked(desk, backlogMax);
            if (client.placed >= own) await sleep(calmMs);
          }
        });
        await Promise.all([kills, ...trading]);
        for (const client of clients) await client.wind();
        for (const client of clients) client.close();

        const { book, audit } = tables(desk);
        let left = ['nothing was compared'];
        // The wait is for progress: a slow machine books slowly, a stuck queue books nothing more. Differences are no measure of
        // it: an order that was not there differs once, and half booked in several ways.
        let last = '';
        for (let deadline = Date.now() + stuckMs; Date.now() < deadline; await sleep(500)) {
          const waiting = await desk.cloud.queueDepth(bookQueue);
          let now = `${waiting} wait`;
          // To read all of the book again and again would take the processor from those who write it.
          if (waiting === 0) {
            const before = canonicalJson((await desk.broker()).orders as never);
            const seen = await readBook(book, account);
            left = differences(await desk.broker(), seen, account);
            if (left.length === 0 && before === canonicalJson((await desk.broker()).orders as never)) break;
            now = canonicalJson(seen as never);
          }
          if (now !== last) deadline = Date.now() + stuckMs;
          last = now;
        }
        expect(left).toEqual([]);
        const record = await desk.broker();
        expect(record.orders.length).toBeGreaterThanOrEqual(ordersOfDay);
        // The day was one: partly filled, changed, cancelled, filled.
        expect(new Set(record.orders.map(({ status }) => status)).size).toBeGreaterThanOrEqual(3);
        // Kills may meet in one process: what was struck is counted, and a process after a killed one is seen.
        expect(desk.cloud.stats().faultsInjected).toBeGreaterThan(roundsOfKills * 2);
        expect(keepers.stop().size).toBeGreaterThan(1);

        await desk.endStreamer('SIGTERM');
        await untilQuiet(desk);
        expect((await verifyAudit(audit, account, digest)).flatMap(({ finding }) => finding ?? [])).toEqual(
          [],
        );
        const folded = await foldTrail(audit, account, chainTools.keyOf);
        const stored = new Map<string, string>();
        for await (const { ref, version, body } of book.all(account))
          stored.set(bookSort(ref), canonicalJson({ version, body } as never));
        expect(
          new Map(
            [...folded].map(([key, { version, body }]) => [key, canonicalJson({ version, body } as never)]),
          ),
        ).toEqual(stored);
      },
    );
  });
});

async function instruments(desk: Desk): Promise<readonly { symbol: string; conId: number }[]> {
  for (;;) {
    const stats = await desk.streamerStats();
    const lines = stats?.marketData.lines.filter(({ conId }) => conId > 0) ?? [];
    if (lines.length > 0) return lines.map(({ symbol, conId }) => ({ symbol, conId }));
    await sleep(50);
  }
}

/** A run whose snapshot a killed streamer took with it waits for it a minute: that is not what this day is about. */
async function withoutReconcile(desk: Desk): Promise<void> {
  await untilQuiet(desk);
  const { book } = tables(desk);
  const person = { account, who: 'test', reason: 'everything is killed' };
  await pause(person, Date.now() + 3_600_000, { book, nowMs: Date.now, sleep });
}

/** What IB does to those who trust it. */
async function broken(desk: Desk): Promise<void> {
  for (const fault of [
    { type: 'duplicate-execution', count: 10 },
    { type: 'late-execution', count: 5, afterMs: 2_000 },
    { type: 'missing-execution', count: 4 },
    { type: 'missing-status', count: 6 },
    { type: 'corrected-execution', count: 4, priceShift: '0.1', afterMs: 1_000 },
    { type: 'commission', count: 4, how: 'before' },
    { type: 'late-perm-id', count: 4 },
    { type: 'reject-order', count: 3 },
  ] as const) {
    await desk.fault(fault);
  }
}

async function killOnTheWay(desk: Desk, dataDir: string): Promise<void> {
  for (let round = 0; round < roundsOfKills; round += 1) {
    killKeeper(desk, 'before', 20 + round);
    // At the socket: right after the n-th message on orders was written to it.
    await killed(desk, () =>
      desk.fault({
        type: 'signal',
        pid: desk.streamerPid()!,
        afterOrderMessages: 60 + 7 * round,
        clientId: 1,
      }),
    );
    killKeeper(desk, 'after', 15 + round);
    // At the AWS endpoint: events were accepted, the answer never comes.
    await killed(desk, () =>
      desk.cloud.faults.add({
        service: 'sqs',
        operation: 'SendMessageBatch',
        kind: 'signal',
        when: round % 2 === 0 ? 'after' : 'before',
        after: 3 + round,
        pid: () => desk.streamerPid(),
      }),
    );
    killKeeper(desk, 'after', 10 + round);
    // At the SQLite file: once its log was written so many times.
    await killed(desk, async () => {
      await writes(join(dataDir, 'streamer.db-wal'), 12 + round);
      process.kill(desk.streamerPid()!, 'SIGKILL');
    });
  }
}

/** Waits until a file was written `count` times more. */
async function writes(file: string, count: number): Promise<void> {
  const written = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (let seen = 0, last = written(); seen < count; await sleep(5)) {
    if (written() === last) continue;
    last = written();
    seen += 1;
  }
}

/** Waits for the streamer's death, which `prepare` has set up, and starts it again. */
async function killed(desk: Desk, prepare: () => unknown): Promise<void> {
  const pid = desk.streamerPid();
  if (pid === undefined) throw new Error('the streamer does not run');
  await prepare();
  for (const deadline = Date.now() + 120_000; isAlive(pid); await sleep(10)) {
    if (Date.now() > deadline) throw new Error('the streamer was not killed within 120 s');
  }
  await desk.endStreamer('SIGKILL');
  await desk.startStreamer();
}

function killKeeper(desk: Desk, when: 'before' | 'after', after: number): void {
  desk.cloud.faults.add({
    service: 'dynamodb',
    operation: 'TransactWriteItems',
    kind: 'signal',
    when,
    after,
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Every process that the book-keeper has run in. */
function watchKeepers(desk: Desk): { stop(): ReadonlySet<number> } {
  const seen = new Set<number>();
  const timer = setInterval(() => {
    for (const pid of desk.cloud.functionPids(keeper)) seen.add(pid);
  }, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return seen;
    },
  };
}

async function untilBooked(desk: Desk, messagesMax: number): Promise<void> {
  while ((await desk.cloud.queueDepth(bookQueue)) > messagesMax) await sleep(50);
}

async function untilQuiet(desk: Desk): Promise<void> {
  while (desk.cloud.stats().pending > 0 || (await desk.cloud.queueDepth(bookQueue)) > 0) await sleep(50);
}

function tables(desk: Desk) {
  const client = new DynamoDBClient({
    endpoint: desk.cloud.endpoint,
    region: desk.cloud.region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  });
  const names = { bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' };
  const book = new BookTable({ client, ...names });
  return { book, audit: new AuditTable({ client, ...names, book }) };
}
