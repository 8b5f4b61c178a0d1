/** Processes that stand still (SIGSTOP) and go on later as if nothing had been: what a frozen machine does. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChild } from '../../../sandbox/desk/child.ts';
import { Front } from '../front.ts';
import { untilTrading } from '../recovery.ts';
import { leaseTtlMs, type Sandbox } from '../sandbox.ts';
import type { Experiment, Trial } from '../trial.ts';

const streamerMain = fileURLToPath(new URL('../../../streamer/main.ts', import.meta.url));
const gatewayStillMs = 6_000;
const functionStillMs = 10_000;
const engineShortMs = 2_500;
const engineLongMs = 12_000;

const isHealth = (message: unknown): message is { kind: 'health'; port: number } =>
  (message as { kind?: string }).kind === 'health';

/** Another task of the service, with a disk and a way to the gateway of its own. */
async function secondStreamer(sandbox: Sandbox) {
  const { desk, folder, streamerEnv } = sandbox;
  const front = await Front.start();
  front.lead(desk.gateway!.port);
  const child = startChild({
    name: 'second streamer',
    script: streamerMain,
    env: {
      ...desk.cloud.containerEnvironment('streamer'),
      ...streamerEnv,
      IB_GATEWAY_PORT: String(front.port),
      DB_PATH: join(folder, 'second.db'),
      SYMBOLS: (await desk.streamerStats())?.marketData.lines[0]?.localSymbol ?? '',
    },
    logFile: join(folder, 'second.log'),
  });
  const { port } = await child.message(isHealth, 20_000);
  return {
    healthPort: port,
    stop: async () => {
      await child.stop(20_000);
      front.stop();
    },
  };
}

/** Waits until a page of the second streamer answers 200. */
async function untilOk(port: number, page: string, timeoutMs: number): Promise<number | undefined> {
  const sinceMs = performance.now();
  for (; performance.now() - sinceMs < timeoutMs; await sleep(50)) {
    const answer = await fetch(`http://127.0.0.1:${port}${page}`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return performance.now() - sinceMs;
  }
  return undefined;
}

export const stopStreamer: Experiment = {
  name: 'stop-streamer',
  does: 'The streamer stands still for longer than its lease lives, while orders come; a second one takes over and trades; then the first goes on.',
  expects: `Taken over within the time to live (${leaseTtlMs / 1_000} s) and 6 s; the first writes not one byte to its socket once it wakes, says 503, and raises \`lease_lost\`.`,
  boundMs: 240_000,
  run: async (sandbox, trial) => {
    const { desk, front, watch, traffic } = sandbox;
    const second = await secondStreamer(sandbox);
    const pid = desk.streamerPid()!;
    try {
      const { token } = watch.now;
      const stoppedMs = performance.now();
      process.kill(pid, 'SIGSTOP');
      trial.expectWithin(
        'second has the lease',
        await untilOk(second.healthPort, '/healthz', 30_000),
        leaseTtlMs + 6_000,
      );
      // The second's gateway has the login now: the first one's has lost it.
      front.detach();
      trial.expectWithin('second is ready', await untilOk(second.healthPort, '/readyz', 20_000), 10_000);
      trial.measure('from the stop to ready', performance.now() - stoppedMs);
      const sent = traffic.keys.length;
      await sleep(4_000);
      const { bytesUp } = await front.counts();
      const wokenMs = performance.now();
      process.kill(pid, 'SIGCONT');
      trial.expectWithin(
        'the first says 503',
        await watch.until((now) => now.health === 503, 10_000, wokenMs),
        5_000,
      );
      await sleep(3_000);
      const written = (await front.counts()).bytesUp - bytesUp;
      trial.expect('the first wrote nothing to its socket', written === 0, `${written} bytes`);
      trial.expect(
        'the lease has changed hands once',
        watch.now.token === token + 1,
        String(watch.now.token - token),
      );
      trial.expectWithin('alert lease_lost', await watch.untilAlert('lease_lost', 20_000, wokenMs), 20_000);
      trial.note('commands meanwhile', String(traffic.keys.length - sent));
    } finally {
      process.kill(pid, 'SIGCONT');
      await second.stop();
    }
    trial.expectWithin(
      'the first has the lease again',
      await watch.until((now) => now.health === 200, 20_000),
      15_000,
    );
  },
};

const stopGateway: Experiment = {
  name: 'stop-gateway',
  does: `The gateway stands still for ${gatewayStillMs / 1_000} s: connections stand and say nothing, new ones are accepted and not answered.`,
  expects:
    'Found by the question for the time (1 s and 2 s here) within 6 s; trading again within 40 s of its going on.',
  boundMs: 180_000,
  run: async (sandbox, trial) => {
    const { desk, watch } = sandbox;
    const pid = desk.gateway!.pid!;
    const sinceMs = performance.now();
    process.kill(pid, 'SIGSTOP');
    try {
      trial.expectWithin('not ready', await watch.until((now) => now.ready === 503, 12_000, sinceMs), 6_000);
      await sleep(Math.max(0, gatewayStillMs - (performance.now() - sinceMs)));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await untilTrading(sandbox, trial, 40_000);
  },
};

const stopKeeper: Experiment = {
  name: 'stop-book-keeper',
  does: `Every process of the book-keeper stands still for ${functionStillMs / 1_000} s.`,
  expects: 'The queue of the book grows, orders go on; nothing is booked twice when they go on.',
  boundMs: 180_000,
  run: async (sandbox, trial) => {
    const pids = sandbox.functionPids('book-keeper');
    trial.expect('it runs', pids.length > 0);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      await sleep(functionStillMs);
      trial.note(
        'messages that waited',
        String(await sandbox.desk.cloud.queueDepth('evenkeel-sandbox-book.fifo')),
      );
      trial.expect('the streamer stayed ready', sandbox.watch.now.ready === 200);
    } finally {
      for (const pid of pids) tryKill(pid, 'SIGCONT');
    }
  },
};

function stopEngine(
  name: string,
  stillMs: number,
  expects: string,
  seen: (sandbox: Sandbox, trial: Trial, sinceMs: number) => Promise<void>,
): Experiment {
  return {
    name,
    does: `The DynamoDB engine stands still for ${stillMs / 1_000} s; the lease lives ${leaseTtlMs / 1_000} s.`,
    expects,
    boundMs: 240_000,
    run: async (sandbox, trial) => {
      const pid = sandbox.enginePid();
      trial.expect('the engine is found', pid !== undefined);
      if (pid === undefined) return;
      const sinceMs = performance.now();
      process.kill(pid, 'SIGSTOP');
      try {
        await sleep(stillMs);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await seen(sandbox, trial, sinceMs);
    },
  };
}

const engineShort = stopEngine(
  'stop-engine-short',
  engineShortMs,
  'The lease is kept: same token, no restart.',
  async ({ watch }, trial, sinceMs) => {
    const { token } = watch.sights.findLast((now) => now.atMs < sinceMs && now.token > 0)!;
    trial.expectWithin('tables answer', await watch.until((now) => now.token > 0, 10_000), 5_000);
    await sleep(3_000);
    trial.expect('the lease is kept', watch.now.token === token, `${token} to ${watch.now.token}`);
  },
);

const engineLong = stopEngine(
  'stop-engine-long',
  engineLongMs,
  'The lease runs out, the link to the gateway is cut, nothing leaves; a new term within 15 s of its going on, `lease_lost` tells.',
  async (sandbox, trial, sinceMs) => {
    const { watch } = sandbox;
    const { token } = watch.sights.findLast((now) => now.atMs < sinceMs && now.token > 0)!;
    trial.expectWithin(
      'health 503',
      await watch.until((now) => now.health === 503, 1_000, sinceMs),
      leaseTtlMs + 2_000,
    );
    trial.expectWithin('a new term', await watch.until((now) => now.token > token, 30_000), 15_000);
    trial.expectWithin('alert lease_lost', await watch.untilAlert('lease_lost', 20_000, sinceMs), 30_000);
    await untilTrading(sandbox, trial, 60_000);
  },
);

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Its time-out has ended it.
  }
}

export const stops: readonly Experiment[] = [stopStreamer, stopGateway, stopKeeper, engineShort, engineLong];
