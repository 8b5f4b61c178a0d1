import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { evenkeelHere } from '../helpers/operator.ts';
import { type Ended, programEnvironment, run } from '../helpers/programs.ts';

const program = fileURLToPath(new URL('../../bin/evenkeel.ts', import.meta.url));

afterAll(cleanFolders);

it('the operator command line against a running sandbox, as a person starts it', async () => {
  const dataDir = scratchFolder();
  const config = quickConfig(dataDir);
  // What the streamer says of itself is read several times here.
  appendFileSync(join(config.EVENKEEL_CONFIG_DIR!, 'sandbox.yml'), 'heartbeat: { everyMs: 1000 }\n');
  const evenkeel = (...args: string[]): Promise<Ended> => evenkeelHere(['--data', dataDir, ...args], config);
  const json = async (...args: string[]) => JSON.parse((await evenkeel(...args, '--json')).stdout);
  /** As a process of its own, which has to end by itself. */
  const process = (...args: string[]): Promise<Ended> => run(program, ['--data', dataDir, ...args], config);

  const ready = { alive: true, heartbeat: { ready: true, orders: { synced: true } } };
  await withDesk({ speed: '60', minutes: 120, dataDir, streamerEnv: config }, async (desk) => {
    // Asked in this process for as long as it takes; the command line then sees the same, a heartbeat later.
    const patient = { timeout: 60_000, interval: 100 };
    const synced = { ready: true, orders: { synced: true } };
    await vi.waitFor(async () => expect(await desk.streamerStats()).toMatchObject(synced), patient);
    await vi.waitFor(async () => expect(await json('status')).toMatchObject(ready), {
      ...patient,
      interval: 400,
    });
    await place(desk, 'BUY');
    await vi.waitFor(async () => expect((await desk.broker()).executions).toHaveLength(1), patient);
    await vi.waitFor(async () => expect((await json('fills')).fills).toHaveLength(1), {
      ...patient,
      interval: 400,
    });

    const status = await process('status', '--verbose');
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(/streamer +ready, heard/);
    expect(status.stdout).toMatch(/lease +held, token 1/);

    const [order] = (await json('orders', '--all')).orders;
    const shown = await json('orders', 'show', order.orderKey);
    expect(shown.order).toMatchObject({ status: 'Filled', filled: '1' });
    expect(shown.events.map(({ event }: { event: string }) => event)).toContain('fill.received');

    const set = await evenkeel('flags', 'set', 'SAFE_MODE', 'false', '--reason', 'the system test says so');
    expect(set).toMatchObject({ code: 0, stderr: '' });
    expect(await json('flags')).toMatchObject({
      flags: { SAFE_MODE: false },
      reason: 'the system test says so',
    });
    const { rows } = await json('audit');
    expect(rows.at(-1).cause).toMatchObject({ id: 'arn:aws:iam::000000000000:user/operator' });

    const verified = await evenkeel('audit', 'verify', '--against-book');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    expect(verified.stdout).toContain('byte for byte');

    const snapshot = await evenkeel('snapshot', '--json');
    expect(snapshot.code, snapshot.stderr).toBe(0);
    expect(JSON.parse(snapshot.stdout).parts).toContainEqual({ name: 'positions', outcome: 'ok', rows: 1 });

    const doctor = await evenkeel('doctor', '--seconds', '30');
    expect(doctor.code, doctor.stdout).toBe(0);
    for (const line of ['connected', 'subscription active', 'receiving ticks'])
      expect(doctor.stdout).toMatch(new RegExp(`^ok +${line} `, 'm'));

    expect((await json('candles', 'GC', '--latest', '1')).candles).toHaveLength(1);
    expect((await evenkeel('logs', 'book-keeper', '--since', '10m')).stdout).toContain('booked');

    const wrong: [string[], string][] = [
      [['flags', 'set', 'SAVE_MODE', 'true', '--reason', 'x'], 'Did you mean SAFE_MODE?'],
      [['--account', 'DU7654321', 'orders'], 'valid: DU1234567'],
      [['candles', 'GCX'], 'There is no symbol GCX'],
      [['--stage', 'papr', 'orders'], 'Did you mean paper?'],
    ];
    await Promise.all(
      wrong.map(async ([args, words]) => {
        const { code, stdout, stderr } = await evenkeel(...args);
        expect({ code, stdout }, args.join(' ')).toEqual({ code: 2, stdout: '' });
        expect(stderr).toContain(words);
      }),
    );

    const { code, stderr } = await run(
      program,
      ['--data', dataDir, 'logs', '--since', '1h', '--json'],
      config,
      {
        closeStdoutAfterFirstLine: true,
      },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await interrupted(['--data', dataDir, 'status', '--watch', '--json'], config)).toBe(130);
  });

  const gone = await process('orders');
  expect(gone.code).toBe(4);
  expect(gone.stderr).toContain(`Start it in another terminal: npm run sandbox -- --data ${dataDir}`);
});

/** A market order that a person types into TWS. */
async function place(desk: Desk, side: 'BUY' | 'SELL'): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${desk.gateway?.controlPort}/trade`, {
    method: 'POST',
    body: JSON.stringify({
      action: 'place',
      symbol: await symbolOf(desk),
      side,
      quantity: '1',
      orderType: 'MKT',
    }),
  });
  expect(response.ok, await response.text()).toBe(true);
}

async function symbolOf(desk: Desk): Promise<string> {
  const stats = await desk.streamerStats();
  return stats?.marketData.lines[0]?.localSymbol ?? '';
}

/** Ctrl-C after the first output; the exit code. */
async function interrupted(args: readonly string[], env: Record<string, string>): Promise<number | null> {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    env: { ...programEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  await once(child.stdout!, 'data');
  child.kill('SIGINT');
  return (await exited)[0];
}
