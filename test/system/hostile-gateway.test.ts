/** The streamer as it is deployed, as a process of its own, and a gateway that means harm. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { parseEnvelope } from '../../lib/events/envelope.ts';
import { cleanFolders, quickConfig, scratchFolder } from '../helpers/desk-runs.ts';
import { frame, HostileGateway, lengthOf } from '../helpers/hostile-gateway.ts';
import { sample } from '../helpers/hostile-samples.ts';
import { programEnvironment } from '../helpers/programs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rssMaxMb = 400;

afterAll(cleanFolders);

interface Stats {
  readonly session: { readonly phase: string; readonly attempts: number };
  readonly ready: boolean;
  readonly wire: { readonly unreadable: number; readonly ignored: number; readonly broken: number };
}

it('frames that hang or kill the library, a flood and garbage: the process lives, answers, and is ready with a good gateway', async () => {
  const folder = scratchFolder();
  const gateway = await HostileGateway.start();
  const config = quickConfig(folder);
  const file = join(config.EVENKEEL_CONFIG_DIR!, 'sandbox.yml');
  const standard = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    standard
      // A busy machine must not cut the flood short.
      .replace(/probeTimeoutMs: \d+/, 'probeTimeoutMs: 20000')
      // Two handshakes are waited for in vain.
      .replace(/handshakeTimeoutMs: \d+/, 'handshakeTimeoutMs: 2000'),
  );
  const child = spawn(process.execPath, ['streamer/main.ts', '--print'], {
    cwd: root,
    env: {
      ...programEnvironment(),
      ...config,
      IB_GATEWAY_HOST: '127.0.0.1',
      IB_GATEWAY_PORT: String(gateway.port),
      DB_PATH: join(folder, 'streamer.db'),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  let logged = '';
  child.stdout!.on('data', (text: Buffer) => {
    printed += text.toString();
  });
  child.stderr!.on('data', (text: Buffer) => {
    logged += text.toString();
  });
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const get = (page: string) =>
      fetch(`http://127.0.0.1:${port}${page}`, { signal: AbortSignal.timeout(10_000) });
    const stats = async (): Promise<Stats> => (await get('/stats')).json() as Promise<Stats>;
    const until = async (what: string, fits: (now: Stats) => boolean): Promise<Stats> => {
      const endMs = Date.now() + 60_000;
      for (;;) {
        const now = await stats();
        if (fits(now)) return now;
        if (Date.now() > endMs)
          throw new Error(`waited for ${what}: ${JSON.stringify(now.session)} ${logged.slice(-2_000)}`);
        await sleep(50);
      }
    };
    const ready = ({ session, ready: isReady }: Stats): boolean => session.phase === 'ready' && isReady;

    for (const [index, bytes] of [
      lengthOf(-4),
      lengthOf(2 ** 31 - 1),
      Buffer.concat([frame([4, 2, 9, 201, 'no', '{"a":']), lengthOf(2), Buffer.from('12')]),
    ].entries()) {
      await until('a session', ready);
      gateway.visits.at(-1)!.bytes(bytes);
      await until('the drop', ({ wire }) => wire.broken === index + 1);
    }
    // A handshake that never ends, then garbage in its place.
    const { session } = await stats();
    gateway.manners = { greeting: null };
    await until('two more attempts', (now) => now.session.attempts >= session.attempts + 2);
    gateway.manners = {};
    await until('a session', ready);

    const visit = gateway.visits.at(-1)!;
    const flood = Buffer.concat([
      ...Array.from({ length: 1_000 }, () => frame([1, 6, 77, 1, 2700.5, 3, 0])),
      ...Array.from({ length: 10 }, () => frame([93, 5, 33_554_432])),
      frame(sample('execution').slice(0, 9)),
      frame(sample('position').with(14, 'NaN')),
    ]);
    for (let count = 0; count < 200; count += 1) {
      if (!visit.socket.write(flood)) await once(visit.socket, 'drain');
      if (count % 50 === 0) expect((await get('/livez')).status).toBe(200);
    }
    await until('all of the flood', ({ wire }) => wire.unreadable >= 200 && wire.ignored >= 2_000);
    const [, rss = '0'] =
      /^evenkeel_process_resident_memory_bytes (\d+)/m.exec(await (await get('/metrics')).text()) ?? [];
    expect(Number(rss) / 1024 / 1024).toBeLessThan(rssMaxMb);
    expect(Number(rss)).toBeGreaterThan(0);

    visit.socket.destroy();
    await until('a session with a good gateway', (now) => ready(now) && now.wire.unreadable === 0);
    expect(child.exitCode).toBeNull();
    expect(logged.split('\n').length).toBeLessThan(150);
    const events = printed
      .slice(0, printed.lastIndexOf('\n'))
      .split('\n')
      .map((line) => parseEnvelope(JSON.parse(line)));
    const told = (type: string) => events.filter((event) => event.type === type);
    expect(
      told('gateway.disconnected').filter(({ data }) => /GATEWAY_WIRE_BROKEN/.test(JSON.stringify(data))),
    ).toHaveLength(3);
    expect([...told('fill.received'), ...told('position.changed')]).toEqual([]);
    expect(told('alert.raised').length).toBeGreaterThan(0);
    expect(told('alert.raised').length).toBeLessThan(20);
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
    gateway.stop();
  }
}, 180_000);
