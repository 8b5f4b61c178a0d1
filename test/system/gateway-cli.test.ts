/** `npm run gateway` as a person or another program starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { generateTape, writeTape } from '../../sandbox/tapes/generate.ts';
import { byConId, IbClient, RawClient } from '../helpers/gateway-client.ts';

const main = fileURLToPath(new URL('../../sandbox/gateway/main.ts', import.meta.url));
const running: ChildProcess[] = [];
let dir = '';
let tape = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gateway-cli-'));
  tape = join(dir, 'tape.csv.gz');
  await writeTape(tape, generateTape({ seed: 4, minutes: 5 }));
});
afterAll(() => rm(dir, { recursive: true }));
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function run(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    out.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    out.stderr += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      if (out.stdout.includes('\n')) resolve(out.stdout.split('\n')[0]!);
    });
    void exited.then((code) => reject(new Error(`exit ${code}: ${out.stderr}`)));
  });
  // Whoever only waits for the exit does not look at the first line.
  firstLine.catch(() => undefined);
  return { child, out, exited, firstLine };
}

describe('the gateway from the command line', () => {
  it('says where it listens on its first line, serves a client and the control port, and stops by SIGTERM with 0', async () => {
    const gateway = run('--tape', tape, '--port', '0', '--speed', 'max', '--json');
    const first = JSON.parse(await gateway.firstLine) as { event: string; port: number; controlPort: number };
    expect(first).toMatchObject({
      event: 'listening',
      port: expect.any(Number),
      controlPort: expect.any(Number),
      symbols: [expect.any(String)],
    });
    const ib = await new IbClient(first.port).connect(3);
    ib.ib.reqContractDetails(1, { symbol: 'GC' });
    const [, details] = await ib.next('contractDetails');
    ib.ib.reqMktData(
      2,
      byConId((details as { contract: { conId: number } }).contract.conId),
      '233',
      false,
      false,
    );
    const status = async () =>
      (await (await fetch(`http://127.0.0.1:${first.controlPort}/status`)).json()) as { ended: boolean };
    while (!(await status()).ended) await new Promise((resolve) => setTimeout(resolve, 20));
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
    ib.disconnect();
    const lines = gateway.out.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(lines.at(-1)).toMatchObject({ event: 'stopped', ticksUnseen: 0 });
    expect(gateway.out.stderr).toBe('');
  });

  it('without --tape it plays a generated one; SIGINT stops it as SIGTERM does', async () => {
    const gateway = run('--port', '0', '--seed', '11');
    expect(await gateway.firstLine).toMatch(
      /^Simulated IB Gateway listening on 127\.0\.0\.1:\d+, control http:\/\/127\.0\.0\.1:\d+, speed 1x, generated tape, seed 11: \d+ rows of GCG6$/,
    );
    gateway.child.kill('SIGINT');
    expect(await gateway.exited).toBe(0);
    expect(gateway.out.stdout.trim().split('\n').at(-1)).toMatch(/^Stopped: 0 of \d+ rows played/);
  });

  it('a script file is followed', async () => {
    const script = join(dir, 'script.json');
    await writeFile(script, JSON.stringify([{ type: 'refuse', atMs: 0 }]));
    const gateway = run('--port', '0', '--script', script, '--json');
    const { port } = JSON.parse(await gateway.firstLine) as { port: number };
    await new Promise((resolve) => setTimeout(resolve, 50));
    const client = await RawClient.open(port);
    await client.end();
  });

  it('a port in use: which one, what to do, exit 1', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const taken = run('--port', String(port));
    expect(await taken.exited).toBe(1);
    expect(taken.out.stderr).toBe(
      `Port ${port} on 127.0.0.1 is in use. Stop the program that holds it, or choose another port (0 takes a free one).\n`,
    );
    const control = run('--port', '0', '--control-port', String(port));
    expect(await control.exited).toBe(1);
    expect(control.out.stderr).toContain(`Control port ${port} on 127.0.0.1 is in use.`);
    await new Promise((resolve) => server.close(resolve));
  });

  it('a bad tape, a bad script (exit 1) and bad options (exit 2): one clear message each', async () => {
    const bad = join(dir, 'bad.csv');
    await writeFile(bad, 'time_ms,symbol,price,size\n1767623400000,GCG6,27oo,1\n');
    const script = join(dir, 'bad.json');
    await writeFile(script, '[{"type":"explode","atMs":1}]');
    for (const [args, what] of [
      [['--tape', bad], `${bad}:2:20: price is "27oo".`],
      [['--tape', join(dir, 'absent.csv')], 'there is no such file. Check the path'],
      [['--script', script], '[0]: type "explode"; allowed are drop'],
      [['--speed', 'fast'], 'Allowed: max, or a number from 0.01'],
      [['--port', '70000'], 'Allowed: a whole number from 0 to 65535'],
      [['--start', 'later'], 'Allowed: on-subscribe, now'],
      [['--tempo', '2'], "unknown option '--tempo'"],
    ] as const) {
      const failed = run(...args);
      expect(await failed.exited).toBe(/\.csv:|no such file|explode/.test(what) ? 1 : 2);
      expect(failed.out.stderr).toContain(what);
      expect(failed.out.stderr).not.toContain('    at ');
      expect(failed.out.stdout).toBe('');
    }
  });
});
