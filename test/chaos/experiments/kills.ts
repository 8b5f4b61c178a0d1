/** Processes that end without a word (SIGKILL), in the midst of their work. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderBody } from '../../../lib/domain/book/orders.ts';
import { runStateRef } from '../../../lib/domain/reconcile/records.ts';
import type { Fault } from '../../../sandbox/cloud/faults.ts';
import { forgetOrder } from '../../helpers/hand-trades.ts';
import { account } from '../../helpers/orders-out.ts';
import { untilTrading } from '../recovery.ts';
import type { Sandbox } from '../sandbox.ts';
import { untilSteady } from '../steady.ts';
import type { Experiment, Trial } from '../trial.ts';

const streamerKills = 3;
const gatewayAwayMs = 6_000;
/** API client of the streamer. */
const ownClient = 1;

const killStreamer: Experiment = {
  name: 'kill-streamer',
  does: `The streamer is killed ${streamerKills} times while orders and ticks come, and its container is started again each time.`,
  expects:
    'Trading is locked for the new term by itself, a reconcile opens it; health answers again within 15 s.',
  boundMs: 240_000,
  run: async (sandbox, trial) => {
    const { desk, watch, keeper } = sandbox;
    for (let kill = 1; kill <= streamerKills; kill += 1) {
      const killedMs = performance.now();
      const { token } = watch.now;
      process.kill(desk.streamerPid()!, 'SIGKILL');
      trial.expectWithin(
        `kill ${kill}: lease taken anew`,
        await watch.until((now) => now.token > token && now.health === 200, 20_000, killedMs),
        15_000,
      );
      const locked = watch.sights.find((now) => now.atMs > killedMs && now.token > token);
      trial.expect(`kill ${kill}: trading is locked in the new term`, locked?.trading === false);
      await watch.until((now) => now.token > token, 1_000, killedMs);
      await untilTrading(sandbox, trial, 60_000);
      await sleep(1_500);
    }
    trial.expect(
      'nothing else ended it',
      keeper.endings.length === streamerKills,
      String(keeper.endings.length),
    );
  },
};

const killGateway: Experiment = {
  name: 'kill-gateway',
  does: `The process that has the gateway's sockets is killed, and is back after ${gatewayAwayMs / 1_000} s.`,
  expects:
    'Not ready at once, no order leaves meanwhile, `circuit_open` and `safe_mode_entered` tell; trading again within 40 s of its return.',
  boundMs: 180_000,
  run: async (sandbox, trial) => {
    const { front, watch } = sandbox;
    const sinceMs = performance.now();
    await front.kill();
    trial.expectWithin('not ready', await watch.until((now) => now.ready === 503, 5_000, sinceMs), 3_000);
    trial.expectWithin('alert circuit_open', await watch.untilAlert('circuit_open', 20_000, sinceMs), 20_000);
    const left = gatewayAwayMs - (performance.now() - sinceMs);
    if (left > 0) await sleep(left);
    const backMs = performance.now();
    await front.restart();
    await untilTrading(sandbox, trial, 40_000, backMs);
  },
};

type Killing = Pick<Fault, 'service' | 'operation' | 'when' | 'after'>;

interface FunctionKills {
  readonly name: string;
  readonly work: string;
  readonly expects: string;
  /** Where in its work it dies, one after the other. */
  readonly at: readonly Killing[];
  /** Brings it to work. */
  readonly prompt: (sandbox: Sandbox) => Promise<void> | void;
  readonly after?: (sandbox: Sandbox, trial: Trial, sinceMs: number) => Promise<void>;
  readonly mode?: 'auto_sync';
}

/** What it is waited for that a function meets its end. */
const meetsMs = 25_000;

function killFunction({ name, work, expects, at, prompt, after, mode }: FunctionKills): Experiment {
  return {
    name: `kill-${name}`,
    does: `The process of the function ${name} is killed ${at.length === 1 ? 'once' : `${at.length} times`}, ${work}.`,
    expects,
    boundMs: 400_000,
    ...(mode ? { prepare: () => ({ mode }) } : {}),
    run: async (sandbox, trial) => {
      const { faults } = sandbox.desk.cloud;
      const sinceMs = performance.now();
      let met = 0;
      for (const killing of at) {
        const before = sandbox.desk.cloud.stats().faultsInjected;
        faults.add({ ...killing, kind: 'signal', caller: sandbox.roleOf(name) });
        await prompt(sandbox);
        for (const deadline = performance.now() + meetsMs; performance.now() < deadline; await sleep(50))
          if (sandbox.desk.cloud.stats().faultsInjected > before) break;
        if (sandbox.desk.cloud.stats().faultsInjected > before) met += 1;
        faults.clear();
      }
      trial.expect('it was killed each time', met === at.length, `${met} of ${at.length}`);
      await after?.(sandbox, trial, sinceMs);
    },
  };
}

/** A snapshot, two minutes, and the next run by the clock. */
const runOverMs = 180_000;
const writes: Killing = { service: 'dynamodb', operation: 'TransactWriteItems' };

const functions: readonly FunctionKills[] = [
  {
    name: 'book-keeper',
    work: 'before and after its transactions',
    expects: 'The batch comes again; nothing is lost, nothing is booked twice.',
    at: [
      { ...writes, when: 'before', after: 3 },
      { ...writes, when: 'after', after: 2 },
      { ...writes, when: 'after', after: 6 },
    ],
    prompt: () => undefined,
  },
  {
    name: 'candle-keeper',
    work: 'before and after it stored a bar',
    expects: 'The invocation is made again; each bar stands in the table once.',
    at: [
      { service: 'dynamodb', when: 'before' },
      { service: 'dynamodb', when: 'after', after: 1 },
      { service: 'dynamodb', when: 'before', after: 2 },
    ],
    prompt: () => undefined,
  },
  {
    name: 'reconcile',
    work: 'in the midst of a run, before it stores its evidence',
    expects:
      'The lock of trading stays as it was. The run keeps its own lock until it would have been over (a snapshot and 2 minutes); then the next one says so (`reconcile_failed`) and judges.',
    at: [{ service: 's3', operation: 'PutObject', when: 'before' }],
    prompt: (sandbox) => sandbox.fire('reconcile-main'),
    after: async ({ tables, watch }, trial, sinceMs) => {
      const killedMs = Date.now();
      const judgedMs = async () => {
        const [item] = await tables.book.read(account, [runStateRef]);
        return Number((item?.body as { lastJudgedMs?: number } | undefined)?.lastJudgedMs ?? 0);
      };
      let last = 0;
      while (last <= killedMs && Date.now() < killedMs + runOverMs) {
        await sleep(500);
        last = await judgedMs().catch(() => 0);
      }
      trial.expectWithin('a run judged again', last > killedMs ? last - killedMs : undefined, runOverMs);
      trial.expectWithin(
        'alert reconcile_failed',
        await watch.untilAlert('reconcile_failed', 20_000, sinceMs),
        runOverMs,
      );
    },
  },
  {
    name: 'apply-plan',
    mode: 'auto_sync',
    work: 'while it carries out a plan, which the policy approved: the book has lost an order',
    expects: 'The plan is gone on with, each action once; the order is in the book again.',
    at: [{ ...writes, when: 'after', after: 1 }],
    prompt: loseOrder,
  },
  {
    name: 'backup',
    work: 'at its first part and before its manifest',
    expects: 'Lambda tries again once; a backup without its manifest is none.',
    at: [
      { service: 's3', operation: 'PutObject', when: 'after' },
      { service: 's3', operation: 'PutObject', when: 'before', after: 1 },
    ],
    prompt: (sandbox) => sandbox.fire('backup-daily'),
  },
  {
    name: 'alerts',
    work: 'before and after it remembered what it heard',
    expects: 'The message comes again and people are told of it.',
    at: [
      { service: 'dynamodb', operation: 'PutItem', when: 'before' },
      { service: 'dynamodb', operation: 'PutItem', when: 'after' },
    ],
    prompt: (sandbox) => raise(sandbox),
    after: async ({ watch }, trial, sinceMs) => {
      trial.expectWithin(
        'the alert is told',
        await watch.untilAlert('command_foreign', 60_000, sinceMs),
        60_000,
      );
    },
  },
  {
    name: 'watchdog',
    work: 'while it looks, and before it remembers',
    expects: 'The next look, a minute later (5 s here), sees what this one saw.',
    at: [
      { service: 'dynamodb', when: 'before', after: 1 },
      { service: 'dynamodb', when: 'after', after: 2 },
    ],
    prompt: (sandbox) => sandbox.fire('watchdog'),
  },
];

/** Somebody has taken an order of ours out of the book: those of others are not what the policy approves. */
async function loseOrder(sandbox: Sandbox): Promise<void> {
  const { traffic, tables } = sandbox;
  await traffic.pause();
  await untilSteady(sandbox, 30_000);
  const own: string[] = [];
  for await (const { ref, body } of tables.book.list(account, 'order')) {
    const { status, clientId } = body as unknown as OrderBody;
    if (clientId !== ownClient) continue;
    if (status === 'Submitted') own.unshift(ref.id);
    else own.push(ref.id);
  }
  await forgetOrder(tables.book, account, own[0]!);
  sandbox.fire('reconcile-main');
}

/** A command that is another account's: the streamer raises an alert of it. */
async function raise({ traffic }: Sandbox): Promise<void> {
  await traffic.foreign();
}

export const kills: readonly Experiment[] = [killStreamer, killGateway, ...functions.map(killFunction)];
