/** A gateway that means harm, against the whole streamer in this process: session, tracker, market data, outbox. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configSchema } from '../../../config/schema.ts';
import { type Envelope, parseEnvelope } from '../../../lib/events/envelope.ts';
import type { EventPublisher } from '../../../lib/ports/event-publisher.ts';
import { type EventDelivery, openDelivery } from '../../../streamer/event-delivery.ts';
import { epochFromClock } from '../../../streamer/outbox.ts';
import { Streamer } from '../../../streamer/streamer.ts';
import { frame, HostileGateway, lengthOf, type Manners, type Visit } from '../../helpers/hostile-gateway.ts';
import { account, brokerSeconds, conId, sample, sampleNames } from '../../helpers/hostile-samples.ts';

let folder: string;
let gateway: HostileGateway;
let delivery: EventDelivery;
let streamer: Streamer;
let events: Envelope[] = [];
let lines: string[] = [];
let fatal: Error[] = [];
/** What a reader of the bus or the book would refuse, and why. */
let refused: string[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-hostile-'));
  events = [];
  lines = [];
  fatal = [];
  refused = [];
  gateway = await HostileGateway.start();
});

afterEach(async () => {
  await streamer.stop();
  await delivery.close(1_000);
  gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(manners: Manners): void {
  gateway.manners = manners;
  const config = configSchema.parse({
    stage: 'sandbox',
    streamers: [
      {
        name: 'main',
        account,
        symbols: ['GC'],
        dbPath: join(folder, 'streamer.db'),
        gateway: { port: gateway.port, handshakeTimeoutMs: 1_000 },
      },
    ],
    reconnect: { firstMs: 250, maxMs: 250, jitter: 0 },
    resetWindows: [],
  });
  // Both parse every event: what would be refused by its readers fails here.
  const publisher: EventPublisher = {
    publish: async (batch) => {
      for (const event of batch) {
        const text = JSON.stringify(event);
        try {
          events.push(parseEnvelope(JSON.parse(text)));
        } catch (error) {
          refused.push(`${String(error)} ${text}`);
        }
      }
      return batch.map(() => ({ ok: true }));
    },
  };
  const log = (message: string, fields: object = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { debug: () => undefined, info: log, warn: log, error: log };
  const [first] = config.streamers;
  delivery = openDelivery({ config, streamer: first!, logger, bus: publisher, book: publisher });
  streamer = new Streamer({
    config,
    streamer: first!,
    waitForGateway: true,
    delivery,
    epoch: epochFromClock(delivery.outbox, Date.now()),
    mayWrite: () => true,
    logger,
    onFatal: (error) => void fatal.push(error),
  });
  streamer.start();
}

async function until(what: string, probe: () => boolean): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!probe()) {
    if (Date.now() > endMs)
      throw new Error(
        `waited for ${what}: ${JSON.stringify(streamer.stats().session)} ${lines.slice(-5).join('\n')}`,
      );
    await sleep(10);
  }
}

/** From the attack to a session that is ready again with a gateway that has come to its senses. */
async function healed(attempts: number): Promise<void> {
  gateway.manners = {};
  await until('another attempt', () => streamer.stats().session.attempts > attempts);
  await until('a session that is ready again', () => streamer.ready && streamer.stats().orders.synced);
  expect(streamer.stats().session.phase).toBe('ready');
}

const everything = (visit: Visit): Buffer[] => {
  const [reqId = '1'] = visit.ids('1');
  return sampleNames.filter((name) => name !== 'nextValidId').map((name) => frame(sample(name, reqId)));
};

it.each<[what: string, attack: (visit: Visit) => void, why: RegExp]>([
  ['a length that the library would read for ever', (visit) => visit.bytes(lengthOf(-4)), /length of -4/],
  ['a length and never the bytes', (visit) => visit.bytes(lengthOf(16_000_000)), /length of 16000000/],
  [
    'refused orders whose JSON is none, then a message without its end',
    (visit) => {
      for (let id = 1; id < 200; id += 1) visit.tell(4, 2, id, 201, 'no', '{"a":');
      visit.bytes(Buffer.concat([lengthOf(2), Buffer.from('12')]));
    },
    /does not end with NUL/,
  ],
])('%s: the connection is dropped, told once, and the next gateway is ready', async (_, attack, why) => {
  start({ attack: (visit) => void setTimeout(() => attack(visit), 50) });
  await until('the drop', () => events.some(({ type }) => type === 'gateway.disconnected'));
  expect(streamer.stats().session.phase).toBe('lost');
  const told = events.filter(({ type }) => type === 'gateway.disconnected');
  expect(told).toHaveLength(1);
  expect(told[0]!.data).toMatchObject({ message: expect.stringMatching(why) });
  expect(lines.filter((line) => line.includes('The link to the gateway is lost'))).toHaveLength(1);
  await healed(1);
  expect(fatal).toEqual([]);
});

it('a handshake that never ends, one that is garbage and one without accounts of ours: tried on, then ready', async () => {
  start({ greeting: null });
  await until('a second attempt', () => gateway.visits.length >= 2);
  gateway.manners = { greeting: ['garbage'] };
  await until('a third attempt', () => gateway.visits.length >= 3);
  gateway.manners = { nextValidId: 'NaN' };
  await until('a fifth attempt', () => gateway.visits.length >= 5);
  expect(streamer.ready).toBe(false);
  expect(events.some(({ type }) => type === 'gateway.connected')).toBe(false);
  await healed(5);
});

it('a flood of what cannot be read: told a few times, counted all of it, the lists are not whole, and what is known stays', async () => {
  start({});
  await until('the first session', () => streamer.ready && streamer.stats().orders.synced);
  const [visit] = gateway.visits;
  const bad = Buffer.concat([
    frame([61, 3, account]),
    frame([11, -1, 5]),
    frame(sample('contractDetails', 9).with(14, 'NaN')),
    frame(['49', 1, 'NaN']),
    frame([4, 2, 77, 201, '\x1b[2Jrefused', '']),
    frame(sample('position').with(14, 'abc')),
  ]);
  for (let count = 0; count < 200; count += 1) visit!.bytes(bad);
  await until('all of it', () => streamer.stats().wire.unreadable >= 400);
  await until('the last of it', () => streamer.stats().listenerFaults >= 1_000);
  expect(lines.length).toBeLessThan(60);
  expect(lines.join('\n')).not.toMatch(/\p{Cc}\[2J/u);
  await until('the alerts', () => events.filter(({ type }) => type === 'alert.raised').length >= 4);
  expect(events.filter(({ type }) => type === 'alert.raised').length).toBeLessThan(20);
  expect(events.filter(({ type }) => type === 'position.changed')).toEqual([]);
  expect(streamer.ready).toBe(true);
});

it('a row that is too short makes its list incomplete: no position is taken for closed', async () => {
  const manners = { positions: [sample('position')] };
  start(manners);
  await until('the position', () => events.some(({ type }) => type === 'position.changed'));
  await until('the round', () => streamer.stats().orders.synced);
  manners.positions = [sample('position').slice(0, 9)];
  const { outcome } = await streamer.lists.collect('positions');
  expect(outcome).toBe('failed');
  const { rounds } = streamer.stats().orders;
  gateway.visits[0]!.tell(4, 2, -1, 1101, 'Connectivity restored - data lost', '');
  await until('the round that says nothing', () => streamer.stats().orders.rounds > rounds);
  expect(streamer.stats().orders.synced).toBe(false);
  // Once for the bus and once for the book.
  expect(new Set(events.filter(({ type }) => type === 'position.changed').map(({ id }) => id)).size).toBe(1);
});

it('nonsense in every field of every kind becomes no event that a reader would refuse', async () => {
  start({});
  await until('the first session', () => streamer.ready && streamer.stats().orders.synced);
  const [visit] = gateway.visits;
  const [reqId] = visit!.ids('1');
  const values = ['NaN', '1e999', '-1', 'abc', '\x1b[31m', '9'.repeat(30), '', '1e-30'];
  for (const name of sampleNames.filter((each) => each !== 'nextValidId' && each !== 'error')) {
    const good = sample(name, reqId);
    for (let at = 1; at < good.length; at += 1)
      for (const value of values) visit!.bytes(frame(good.with(at, value)));
    await sleep(0);
  }
  visit!.bytes(Buffer.concat(everything(visit!)));
  await until('the last of it', () => events.some(({ type }) => type === 'fill.received'));
  await until('all of it sent', () => delivery.stats().bus.depth === 0 && delivery.stats().book!.depth === 0);
  expect(refused).toEqual([]);
  expect(events.length).toBeGreaterThan(50);
  for (const { type, data } of events) {
    if (type === 'candle.completed') expect(Number(data.high)).toBeLessThan(1e6);
    if (type === 'instrument.resolved') expect(data.conId).toBeGreaterThan(0);
  }
  // An honest gateway afterwards: the time has not run away, and the same contract is served.
  const { attempts } = streamer.stats().session;
  visit!.socket.destroy();
  await healed(attempts);
  expect(streamer.stats().marketMs).toBeLessThan((brokerSeconds + 86_400) * 1_000);
  expect(streamer.stats().marketData.lines[0]).toMatchObject({ conId, covered: true });
});
