/**
 * The short form of `npm run soak`: the night in which the clocks change, in a market that never closes, through the
 * streamer's real process on simulated time. A reset at 23:45, the end of the login at 01:00, a person at 01:50, and in
 * autumn a second 01:00.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Report } from '../soak/report.ts';

const program = fileURLToPath(new URL('../soak/main.ts', import.meta.url));

it('a night through the real streamer: a reset, the login, the change of the clocks; every bar and fill is there once', async () => {
  const child = spawn(process.execPath, [program, '--short', '--json', '--ticks-per-minute', '4'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(said.out, said.err).toMatch(/^\{/);
  const report = JSON.parse(said.out) as Report;
  expect(report.problems).toEqual([]);
  expect(code).toBe(0);
  // Three hours and three quarters by the clocks of New York, and an hour that comes twice.
  expect(report.simulatedHours).toBe(4.75);
  const [bars] = report.bars;
  expect(bars!.live + bars!.backfill + bars!.flat + bars!.silent).toBe(285);
  // The reset and the fifty minutes without a login are filled from history.
  expect(bars!.backfill).toBeGreaterThan(50);
  expect(bars!.live).toBeGreaterThan(180);
  expect(report.fills.fills).toBe(report.fills.executions);
  expect(report.fills.executions).toBeGreaterThan(5);
  expect(report.loginsAwaited).toBeGreaterThanOrEqual(3);
  expect(report.resets).toBe(1);
});
