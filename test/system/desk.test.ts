import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, expect, it, vi } from 'vitest';
import { clientsOf } from '../helpers/cloud-clients.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';

afterAll(cleanFolders);

it('a running sandbox says where it is, and its parts can be looked at and killed', async () => {
  const dataDir = scratchFolder();
  const file = join(dataDir, 'endpoint.json');
  // A person's own account, as a .env has it: the simulated login manages that one.
  const streamerEnv = { ...quickConfig(dataDir), IB_ACCOUNT: 'DU7654321' };
  const options = { speed: '1', minutes: 5, dataDir, streamerEnv };
  await withDesk({ ...options, functionProcesses: true }, async (desk) => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      endpoint: desk.cloud.endpoint,
      region: desk.cloud.region,
      stage: 'sandbox',
      gatewayPort: desk.gateway?.port,
      gatewayControlPort: desk.gateway?.controlPort,
      pid: process.pid,
    });
    expect((await desk.broker()).accounts).toEqual(['DU7654321']);
    await vi.waitFor(
      () => expect(desk.cloud.functionPids('evenkeel-sandbox-candle-keeper')).toHaveLength(1),
      {
        timeout: 60_000,
      },
    );

    const pid = desk.streamerPid();
    expect(pid).toBeGreaterThan(0);
    const { logs } = clientsOf(desk.cloud.endpoint, 'operator');
    await vi.waitFor(
      async () => {
        const { events } = await logs.send(
          new FilterLogEventsCommand({
            logGroupName: '/evenkeel-sandbox/streamer-main',
            logStreamNamePrefix: 'streamer',
            startTime: Date.now() - 600_000,
          }),
        );
        expect(events?.length).toBeGreaterThan(0);
      },
      { timeout: 60_000 },
    );
    expect(await desk.endStreamer('SIGKILL')).toBeNull();
    expect(desk.streamerPid()).toBeUndefined();
    await desk.startStreamer();
    expect(desk.streamerPid()).not.toBe(pid);

    // A run that nobody answers is told and cut off; its delivery is kept for the next start.
    await desk.endStreamer('SIGKILL');
    desk.cloud.fireSchedule('evenkeel-sandbox-reconcile-main');
    const runs = (): readonly string[] => desk.cloud.underWay().map(({ functionName }) => functionName);
    await vi.waitFor(() => expect(runs()).toContain('evenkeel-sandbox-reconcile'), { timeout: 60_000 });
    const said: string[] = [];
    await desk.rest((text) => said.push(text));
    expect(said.at(-1)).toMatch(/^Cut off: .*evenkeel-sandbox-reconcile/);
    expect(runs()).toContain('evenkeel-sandbox-reconcile');
  });
  expect(existsSync(file)).toBe(false);
  const deliveries = new DatabaseSync(join(dataDir, 'cloud', 'deliveries.sqlite'), { readOnly: true });
  expect(deliveries.prepare("SELECT target FROM deliveries WHERE kind = 'schedule'").all()).toEqual([
    { target: expect.stringContaining('evenkeel-sandbox-reconcile') },
  ]);
  deliveries.close();
});
