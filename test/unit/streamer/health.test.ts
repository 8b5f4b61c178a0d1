import { afterEach, describe, expect, it } from 'vitest';
import { type HealthServer, type HealthSource, serveHealth } from '../../../streamer/health.ts';
import type { LeaseStats } from '../../../streamer/lease-keeper.ts';
import { createMetrics } from '../../../streamer/metrics.ts';

const held: LeaseStats = { held: true, token: 7, holder: 'main/a', waitingFor: null, trouble: '' };
const other = {
  holder: 'main/b',
  token: 6,
  version: 40,
  renewedAtMs: 0,
  released: false,
  unchangedMs: 3_000,
};
const waiting: LeaseStats = { held: false, token: 0, holder: 'main/a', waitingFor: other, trouble: '' };
/** Figures that nobody looks at here. */
const zeros: object = new Proxy(
  {},
  { get: (_target, name) => (name === 'publisher' ? zeros : 0), ownKeys: () => [] },
);
const stats = {
  session: { phase: 'ready', failures: 0, attempts: 1 },
  marketMs: 0,
  marketData: { buffer: zeros, malformedTicks: 0, lines: [{ symbol: 'GC', feed: 'live', candles: 3 }] },
  gaps: zeros,
  orders: { synced: true, syncedAtMs: 0, working: 0, held: 0, facts: 0, lists: {} },
  outbox: zeros,
  publisher: zeros,
  book: null,
  candleLatenessMs: null,
  commands: zeros,
  listenerFaults: 0,
};
const streamer = { ready: true, stats: () => stats } as unknown as NonNullable<
  ReturnType<HealthSource['streamer']>
>;

let server: HealthServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function pages(lease: LeaseStats, running: boolean) {
  const source = {
    streamer: () => (running ? streamer : undefined),
    lease: () => lease,
    delivery: { stats: () => ({ bus: { depth: 4 }, book: null }) },
  } as unknown as HealthSource;
  server = await serveHealth(source, createMetrics(source, { stage: 'paper', streamer: 'main' }), {
    host: '127.0.0.1',
    port: 0,
  });
  const { port } = server;
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
}

describe('the health pages', () => {
  it('with the lease, all is well', async () => {
    const get = await pages(held, true);
    for (const path of ['/livez', '/healthz', '/readyz', '/stats', '/metrics'])
      expect(await get(path)).toMatchObject({ status: 200 });
    expect((await get('/metrics')).text).toMatch(/^evenkeel_lease_token 7$/m);
    expect(JSON.parse((await get('/stats')).text)).toMatchObject({
      session: { phase: 'ready' },
      lease: { token: 7 },
    });
  });

  it('while another one has it, the process lives, is not healthy, and says whom it waits for', async () => {
    const get = await pages(waiting, false);
    expect(await get('/livez')).toMatchObject({ status: 200 });
    const health = await get('/healthz');
    expect(health.status).toBe(503);
    expect(JSON.parse(health.text)).toMatchObject({
      healthy: false,
      lease: { waitingFor: { holder: 'main/b' } },
    });
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('waiting-for-lease'),
    });
    const told = await get('/stats');
    expect(told.status).toBe(503);
    expect(JSON.parse(told.text)).toMatchObject({ waiting: true, delivery: { bus: { depth: 4 } } });
    const metrics = (await get('/metrics')).text;
    expect(metrics).toMatch(/^evenkeel_lease_held 0$/m);
    expect(metrics).not.toMatch(/^evenkeel_session_ready /m);
  });

  it('a lease that has run out is not healthy, before anybody has noticed', async () => {
    const get = await pages({ ...held, held: false }, true);
    expect(await get('/healthz')).toMatchObject({ status: 503 });
  });
});
