/**
 * The recorded order 13 of a live paper account, from the wire to the book: its seven messages are played as they came
 * over a socket to a streamer, whose events the book-keeper books on the real DynamoDB engine.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Config, configSchema } from '../../config/schema.ts';
import { createKeeper } from '../../functions/book-keeper/keeper.ts';
import { digest } from '../../lib/aws/audit-hash.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';
import { openDelivery } from '../../streamer/event-delivery.ts';
import { Streamer } from '../../streamer/streamer.ts';
import { readBook } from '../helpers/book-against-broker.ts';
import { createBookTables } from '../helpers/book-tables.ts';
import { collect, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

const account = 'DU1234567';
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const recorded =
  sharedDataDir === undefined
    ? []
    : gunzipSync(readFileSync(join(sharedDataDir, 'ib/tws_messages_sv173.jsonl.gz')))
        .toString()
        .split('\n')
        .slice(0, 7)
        .map((line) => (JSON.parse(line) as { fields: string[] }).fields);

describe.skipIf(sharedDataDir === undefined || !engineIsHere)(`recorded order 13 (${whenAbsent})`, () => {
  it('played as wire messages ends as one order, one fill, one commission, at most five audit rows and a whole chain', async () => {
    expect(recorded.map(([id]) => id)).toEqual(['5', '3', '11', '5', '3', '5', '59']);
    const engine = await startDynamoEngine();
    closing.push(() => engine.stop());
    const tables = await createBookTables(engine);
    const { book, audit } = tables;
    const keep = createKeeper({
      book: tables.another(),
      deadLetters: { put: () => Promise.reject(new Error('a message was refused')) },
      publisher: { publish: () => Promise.reject(new Error('an alert was raised')) },
      stage: 'sandbox',
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      nowMs: Date.now,
      sleep: () => Promise.resolve(),
      random: Math.random,
    });
    const gateway = await playedGateway();
    const streamer = startStreamer(gateway.port, {
      publish: async (events) => {
        for (const event of events as unknown as Envelope[])
          await keep({ id: event.id, group: account, body: JSON.stringify(event) });
        return events.map(() => ({ ok: true }) as const);
      },
    });
    await vi.waitUntil(() => streamer.stats().orders.synced, 60_000);
    gateway.play();
    await vi.waitUntil(
      async () => Object.keys((await readBook(book, account)).orders[0]?.commissions ?? {})[0],
      {
        timeout: 60_000,
        interval: 20,
      },
    );
    // Once more, as IB likes to: nothing changes.
    gateway.play();
    await vi.waitUntil(() => gateway.asked('49') > 3, 60_000);

    const { orders, fills } = await readBook(book, account);
    expect(orders).toHaveLength(1);
    expect(orders[0]).toMatchObject({
      permId: 1376327563,
      status: 'Filled',
      filled: '100',
      averagePrice: '196.52',
      missing: '0',
      commissions: { USD: '1' },
    });
    expect(fills).toHaveLength(1);
    expect(fills[0]).toMatchObject({
      execId: '00025b46.63f8f39c.01.01',
      report: { quantity: '100', price: '196.52', timeMs: Date.parse('2023-02-24T17:04:56Z') },
      commission: { commission: '1', currency: 'USD' },
    });
    const rows = await collect(audit.rows(account, 'book-keeper'));
    expect(rows.length).toBeLessThanOrEqual(5);
    expect((await verifyAudit(audit, account, digest)).flatMap(({ finding }) => finding ?? [])).toEqual([]);
  });
});

function startStreamer(port: number, book: EventPublisher): Streamer {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-recorded-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const config: Config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account,
        symbols: ['TSLA'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port, clientId: 100, probeIntervalMs: 100 },
      },
    ],
    resetWindows: [],
  });
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const own = config.streamers[0]!;
  const bus: EventPublisher = { publish: (events) => Promise.resolve(events.map(() => ({ ok: true }))) };
  const delivery = openDelivery({ config, streamer: own, logger, bus, book });
  const streamer = new Streamer({
    config,
    streamer: own,
    logger,
    delivery,
    epoch: 1,
    mayWrite: () => true,
    waitForGateway: true,
    // The recording has no market data: this streamer follows orders alone.
    onFatal: silent,
  });
  closing.push(async () => {
    await streamer.stop();
    await delivery.close(1_000);
  });
  streamer.start();
  return streamer;
}

/** Answers every question with its end marker, and plays the recorded messages when it is told to. */
async function playedGateway() {
  const asked = new Map<string, number>();
  let client: Socket | undefined;
  const send = (...fields: readonly (string | number)[]) => {
    const body = Buffer.from(`${fields.join('\0')}\0`);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    client?.write(Buffer.concat([head, body]));
  };
  const answers: Readonly<Record<string, (fields: readonly string[]) => void>> = {
    6: () => send(54, 1, account),
    7: ([, , reqId]) => send(55, 1, reqId ?? ''),
    9: ([, , reqId]) => send(4, 2, reqId ?? '', 200, 'No security definition has been found for the request'),
    16: () => send(53, 1),
    49: () => send(49, 1, 1_677_258_300),
    61: () => send(62, 1),
    71: () => {
      send(15, 1, account);
      send(9, 1, 14);
    },
    99: () => send(102),
  };
  const server = createServer((socket) => {
    client = socket;
    let rest = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      if (!greeted) {
        // The hello: `API\0`, a length, the versions.
        rest = rest.subarray(8 + rest.readUInt32BE(4));
        greeted = true;
        send(165, '20230224 12:04:50 EST');
      }
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0);
        const fields = rest
          .subarray(4, end - 1)
          .toString()
          .split('\0');
        rest = rest.subarray(end);
        asked.set(fields[0]!, (asked.get(fields[0]!) ?? 0) + 1);
        answers[fields[0]!]?.(fields);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    client?.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    asked: (id: string) => asked.get(id) ?? 0,
    play: () => {
      for (const fields of recorded) send(...(fields.at(-1) === '' ? fields.slice(0, -1) : fields));
    },
  };
}
