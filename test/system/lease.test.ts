import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { HeartbeatTable } from '../../lib/aws/heartbeat-table.ts';
import { startCloud } from '../../sandbox/cloud/cloud.ts';
import { synth } from '../../sandbox/cloud/synth.ts';
import { startChild } from '../../sandbox/desk/child.ts';
import { startGateway } from '../../sandbox/gateway/index.ts';
import type { EventDelivery } from '../../streamer/event-delivery.ts';
import type { LeaseStats } from '../../streamer/lease-keeper.ts';
import type { PublisherStats } from '../../streamer/publisher.ts';
import { tablesOf } from '../chaos/tables.ts';
import { clientsOf } from '../helpers/cloud-clients.ts';
import { cleanFolders, scratchFolder } from '../helpers/desk-runs.ts';

const STREAMER_MAIN = fileURLToPath(new URL('../../streamer/main.ts', import.meta.url));

afterAll(cleanFolders);

/** A stage with a short lease. Long enough that a busy machine does not lose it by chance. */
function leaseConfig(folder: string): Record<string, string> {
  const dir = join(folder, 'config');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'sandbox.yml'),
    `stage: sandbox
streamers:
  - name: main
    account: DU1234567
    symbols: [GC]
    gateway: { probeIntervalMs: 250, probeTimeoutMs: 400, handshakeTimeoutMs: 1500 }
    health: { port: 0 }
lease: { ttlMs: 3000, renewMs: 300 }
reconnect: { firstMs: 100, maxMs: 400, jitter: 0.2, breakerFailures: 10, breakerRetryMs: 500 }
resetWindows: []
`,
  );
  return { EVENKEEL_CONFIG_DIR: dir };
}

/** A wire that counts: what one streamer has ever sent to the gateway, byte by byte. */
async function countingWire(port: number) {
  const counted = { bytes: 0, open: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    counted.open += 1;
    sockets.add(near).add(far);
    near.on('data', (chunk: Buffer) => {
      counted.bytes += chunk.length;
    });
    near.on('close', () => {
      counted.open -= 1;
    });
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as { port: number }).port, counted, stop };
}

interface Told {
  readonly status: number;
  readonly body: {
    readonly ready?: boolean;
    readonly waiting?: boolean;
    readonly lease: LeaseStats;
    readonly book?: { readonly depth: number; readonly publisher: PublisherStats } | null;
    readonly delivery?: ReturnType<EventDelivery['stats']>;
  };
}

const isHealth = (message: unknown): message is { kind: 'health'; port: number } =>
  (message as { kind?: string }).kind === 'health';

const until = (check: () => Promise<void>, timeout = 15_000) => vi.waitFor(check, { timeout, interval: 25 });

/** The cloud that the template defines, a gateway, and streamers as tasks of one service: each with an outbox of its own. */
async function stageOf(dataDir: string) {
  const gateway = await startGateway({ port: 0, speed: 1, minutes: 5, start: 'now' });
  const { assembly, stack } = await synth({ stage: 'sandbox' });
  const cloud = await startCloud({ assembly, stack, dataDir: join(dataDir, 'cloud'), schedules: false });
  const symbol = gateway.tape.contracts[0]!.localSymbol;
  const config = leaseConfig(dataDir);
  const stops: (() => unknown)[] = [];
  const task = async (name: string, clientId: number) => {
    const wire = await countingWire(gateway.port);
    const logFile = join(dataDir, 'logs', `${name}.log`);
    const child = startChild({
      name,
      script: STREAMER_MAIN,
      env: {
        ...cloud.containerEnvironment('streamer'),
        ...config,
        IB_GATEWAY_HOST: '127.0.0.1',
        IB_GATEWAY_PORT: String(wire.port),
        // In the cloud each task has a gateway of its own; here a paused one keeps its client id.
        IB_CLIENT_ID: String(clientId),
        SYMBOLS: symbol,
        DB_PATH: join(dataDir, `${name}.db`),
      },
      logFile,
    });
    stops.push(() => {
      child.process.kill('SIGCONT');
      return child.stop(10_000);
    }, wire.stop);
    const { port } = await child.message(isHealth, 15_000);
    const get = (page: string) => fetch(`http://127.0.0.1:${port}${page}`);
    const stats = async (): Promise<Told> => {
      const response = await get('/stats');
      return { status: response.status, body: (await response.json()) as Told['body'] };
    };
    const lease = async () => (await stats()).body.lease;
    const pause = (signal: 'SIGSTOP' | 'SIGCONT') => child.process.kill(signal);
    return { child, wire: wire.counted, get, stats, lease, pause, log: () => readFileSync(logFile, 'utf8') };
  };
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0)) await step();
    await cloud.stop();
    await gateway.stop();
  };
  const { dynamodb } = clientsOf(cloud.endpoint, 'operator');
  const tableName = cloud.containerEnvironment('streamer').CONTROL_TABLE!;
  const heartbeats = new HeartbeatTable({ client: dynamodb, tableName });
  return { cloud, gateway, symbol, task, heartbeat: () => heartbeats.read('DU1234567'), stop };
}

it('two streamers: the second waits and says so, takes over from a paused one, which then sends not one byte', async () => {
  const stage = await stageOf(scratchFolder());
  try {
    const first = await stage.task('first', 1);
    await until(async () => expect((await first.stats()).body.ready).toBe(true));
    const held = await first.lease();
    expect(held.held).toBe(true);

    const second = await stage.task('second', 2);
    await until(async () => expect((await second.lease()).waitingFor).not.toBeNull());
    expect(await second.stats()).toMatchObject({
      status: 503,
      body: { waiting: true, lease: { held: false, waitingFor: { holder: held.holder, token: held.token } } },
    });
    expect((await second.get('/healthz')).status).toBe(503);
    expect((await second.get('/livez')).status).toBe(200);
    // The log comes through a pipe, after the answer.
    await until(async () => expect(second.log()).toContain('Another streamer holds the lease of DU1234567'));
    expect(second.log()).toContain(held.holder);
    expect(second.wire).toEqual({ bytes: 0, open: 0 });

    // Facts that the first has seen and cannot send: its queue takes nothing.
    const { faults } = stage.cloud;
    faults.add({ service: 'sqs', operation: 'SendMessageBatch', kind: 'internal' });
    const { gateway, symbol } = stage;
    gateway.trade({ action: 'place', symbol, side: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '1' });
    await until(async () => expect((await first.stats()).body.book?.depth).toBeGreaterThan(0));
    const sent = (await first.stats()).body.book!.publisher.published;

    first.pause('SIGSTOP');
    await until(async () => expect((await second.get('/healthz')).status).toBe(200));
    expect(await second.lease()).toMatchObject({ held: true, token: held.token + 1 });
    await until(async () => expect((await stage.heartbeat())?.epoch).toBe(held.token + 1));
    await until(async () => expect((await second.stats()).body.ready).toBe(true));

    // The paused one wakes: its timers are long due, and its link still stands.
    expect(first.wire.open).toBe(1);
    const { bytes } = first.wire;
    first.pause('SIGCONT');
    await until(async () => expect(first.wire.open).toBe(0));
    await until(async () =>
      expect((await first.lease()).waitingFor).toMatchObject({ token: held.token + 1, released: false }),
    );
    // What it had seen at the broker is sent all the same, as soon as the queue takes it.
    expect((await first.stats()).body.delivery?.book?.depth).toBeGreaterThan(0);
    faults.clear();
    await until(async () => {
      const { delivery } = (await first.stats()).body;
      expect(delivery?.book?.depth).toBe(0);
      expect(delivery?.book?.publisher.published).toBeGreaterThan(sent);
    });
    expect(first.wire.bytes).toBe(bytes);
    expect(first.log()).toContain('The lease is lost');
    const { alerts } = tablesOf(stage.cloud);
    await until(async () => {
      const { memory } = await alerts.read();
      expect(Object.values(memory?.records ?? {}).map(({ alert }) => alert)).toContain('lease_lost');
    });
    expect(await second.lease()).toMatchObject({ held: true, token: held.token + 1 });

    // Given back by a clean stop, it is the first one's again, with a token of its own.
    await second.child.stop(10_000);
    expect((await second.child.exited).code).toBe(0);
    await until(async () => expect((await first.stats()).body.ready).toBe(true));
    expect((await first.lease()).token).toBe(held.token + 2);
    expect(first.wire.bytes).toBeGreaterThan(bytes);
  } finally {
    await stage.stop();
  }
});
