import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Desk, type DeskOptions, startDesk } from '../../sandbox/desk/desk.ts';

const folders: string[] = [];

/** A folder of this test's own; `cleanFolders` takes it away. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-desk-'));
  folders.push(folder);
  return folder;
}

export function cleanFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Configuration of the sandbox's stage with waits short enough for a test; what is not named stays as deployed. */
export function quickConfig(folder: string): Record<string, string> {
  const dir = join(folder, 'config');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'sandbox.yml'),
    `stage: sandbox
logLevel: info
streamers:
  - name: main
    account: DU1234567
    symbols: [GC]
    gateway: { probeIntervalMs: 250, probeTimeoutMs: 1000, handshakeTimeoutMs: 5000 }
    health: { port: 0 }
reconnect: { firstMs: 100, maxMs: 400, jitter: 0.2, breakerFailures: 10, breakerRetryMs: 500 }
backfill: { retryMs: 1000, maxAttempts: 30 }
resetWindows: []
`,
  );
  return { EVENKEEL_CONFIG_DIR: dir };
}

/** Runs `work` on a started desk and always stops it. Its schedules do not run by the clock. */
export async function withDesk<T>(options: DeskOptions, work: (desk: Desk) => Promise<T>): Promise<T> {
  const desk = await startDesk({ schedules: false, ...options });
  try {
    return await work(desk);
  } finally {
    await desk.stop();
  }
}

/** Waits until the tape has ended and everything has arrived; names what is missing when it does not. */
export async function untilSettled(desk: Desk, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let failure: Error | undefined;
  void desk.failed.then((error) => {
    failure = error;
  });
  while (Date.now() < deadline) {
    if (failure) throw failure;
    if (await desk.settled()) return;
    await sleep(250);
  }
  const [streamer, gateway] = await Promise.all([desk.streamerStats(), desk.gatewayStatus()]);
  throw new Error(
    `Not settled after ${timeoutMs} ms: ${JSON.stringify({ streamer, gateway, cloud: desk.cloud.stats() }, null, 1)}`,
  );
}

/** Waits until the tape has been played up to `share`. */
export async function untilPlayed(desk: Desk, share: number, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const status = await desk.gatewayStatus();
    if (status && status.ticksPlayed >= status.ticksTotal * share) return;
    await sleep(100);
  }
  throw new Error(`The tape did not reach ${share * 100} % within ${timeoutMs} ms.`);
}
