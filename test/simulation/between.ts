/**
 * Somebody is faster: at one of the next requests of a part another one acts, once it is carried out and before its answer
 * is there. Whoever has looked then decides on what is no longer so. And single requests that fail, each in its own way.
 */
import type { Plan } from '../../lib/domain/reconcile/types.ts';
import { account } from '../helpers/exactly-once-gateway.ts';
import { Dice } from './dice.ts';
import { sortOf } from './invariants/transactions.ts';
import {
  decide,
  goodFlags,
  nothing,
  setFlags,
  setTrading,
  spoil,
  standingPlan,
  standStill,
} from './operators.ts';
import { newOrder } from './orders.ts';
import type { FunctionName } from './world/functions.ts';
import type { Part, Trouble } from './world/part.ts';
import { StreamerProcess } from './world/streamer.ts';
import type { World } from './world/world.ts';

type Faster = (world: World, dice: Dice, part: Part) => Promise<unknown>;

const fasters = {
  flags,
  halt,
  decision,
  hand,
  trade,
  run,
  overtaken,
  standstill,
  deployment,
} satisfies Record<string, Faster>;
type FasterName = keyof typeof fasters;

/** Whose requests, which of them, and who may be faster; each as often as it is there. */
const cases: readonly {
  readonly who: 'streamer' | FunctionName;
  readonly calls: readonly string[];
  readonly fasters: readonly FasterName[];
}[] = [
  {
    who: 'streamer',
    calls: [
      'TransactGetItems',
      'TransactGetItems',
      'TransactGetItems',
      'TransactGetItems',
      'TransactWriteItems',
    ],
    fasters: ['flags', 'flags', 'flags', 'flags', 'halt', 'run', 'standstill', 'deployment'],
  },
  {
    who: 'reconcile',
    calls: ['TransactGetItems', 'TransactGetItems', 'Query', 's3 get', 's3 put', 'sqs send', 'GetItem'],
    fasters: ['decision', 'decision', 'hand', 'trade', 'flags', 'run', 'overtaken'],
  },
  {
    who: 'apply-plan',
    calls: ['TransactGetItems', 'TransactGetItems', 'GetItem', 's3 get', 's3 put', 'TransactWriteItems'],
    fasters: ['hand', 'hand', 'flags', 'run', 'decision', 'trade'],
  },
  { who: 'book-keeper', calls: ['TransactGetItems', 'GetItem'], fasters: ['hand', 'decision'] },
  { who: 'operator', calls: ['TransactGetItems', 'GetItem', 's3 put'], fasters: ['flags', 'hand', 'trade'] },
];

export function between(world: World, dice: Dice): string {
  const drawn = dice.one([cases[0]!, cases[0]!, cases[1]!, ...cases]);
  const { who, calls, fasters: names } = mayTrade(world) && dice.chance(0.6) ? cases[0]! : drawn;
  const name = dice.one(names);
  const own = new Dice(world.seed, dice.between(1_000_000, 2_000_000));
  const act = (part: Part): Promise<unknown> => {
    world.witness.note(`${part.name} asks, and somebody is faster: ${name}`);
    return fasters[name](world, own, part);
  };
  const one = {
    call: dice.one(calls),
    left: dice.one(who === 'streamer' ? [1, 1, 2] : [1, 1, 1, 2, 2, 3, 5]),
    act,
  };
  const whose = whoeverIsNext(world, dice, who, (part) => void part.between.push(one));
  if (who === 'streamer' || dice.chance(0.7)) occasion(world, own, who, name);
  return whose === undefined ? nothing : `${name} at ${one.call} of ${whose}, ${one.left}`;
}

/** An order that is sent now would leave. */
function mayTrade({ witness, serving }: World): boolean {
  const lock = witness.book.get('LOCK');
  const flags = witness.book.get('FLAGS');
  const isOpen = lock?.state === 'open' && lock.token === witness.lease?.token;
  return serving !== undefined && isOpen && flags?.SAFE_MODE === false && flags.DRY_RUN === false;
}

/** Something to look at: an order, or a run for which not all is as the plan says that stands. */
function occasion(world: World, dice: Dice, who: 'streamer' | FunctionName, name: FasterName): void {
  if (who === 'streamer') newOrder(world, dice);
  if (who === 'operator') void world.functions.backup();
  if (who !== 'reconcile') return;
  if (name === 'decision') spoil(world, dice, () => true);
  void world.functions.reconcile({ trigger: 'operator', by: 'anna', account });
}

const failingCalls = {
  streamer: [
    'TransactWriteItems',
    'TransactWriteItems',
    'TransactGetItems',
    'PutItem',
    'sqs publish',
    's3 put',
  ],
  function: [
    'TransactWriteItems',
    'TransactGetItems',
    'GetItem',
    'UpdateItem',
    's3 put',
    's3 get',
    'sqs send',
  ],
} as const;

/** One request fails, while all around it are answered. */
export function failedRequest(world: World, dice: Dice): string {
  const who = dice.one(['streamer', 'streamer', 'reconcile', 'apply-plan', 'book-keeper'] as const);
  const one = {
    call: dice.one(failingCalls[who === 'streamer' ? who : 'function']),
    how: dice.one(['before', 'before', 'after', 'late'] as const satisfies readonly Trouble[]),
    left: dice.one([1, 1, 2, 3]),
  };
  const whose = whoeverIsNext(world, dice, who, (part) => void part.failing.push(one));
  return whose === undefined ? nothing : `${one.call} of ${whose} fails ${one.how}, ${one.left}`;
}

/** A streamer that lives, or the next call of a function. */
function whoeverIsNext(
  world: World,
  dice: Dice,
  who: 'streamer' | FunctionName,
  befalls: (part: Part) => void,
): string | undefined {
  if (who !== 'streamer') {
    world.callsToCome.push({ name: who, befalls });
    return `the next ${who}`;
  }
  // Drawn in any case, so that what follows is the same.
  const any = dice.one(world.alive);
  const process = world.serving ?? any;
  if (process === undefined) return undefined;
  befalls(process);
  return process.name;
}

/** An answer that takes longer is no answer any more. */
function withinMs({ time }: World, dice: Dice, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, time.sleep(dice.between(500, 2_500))]);
}

function flags(world: World, dice: Dice, part: Part): Promise<unknown> {
  // A streamer has no plans to confirm.
  const isOfOrders = part instanceof StreamerProcess;
  const changes = dice.one([
    { SAFE_MODE: true },
    isOfOrders ? { SAFE_MODE: true } : { DRY_RUN_CONFIRM: false },
    { DRY_RUN: true },
  ]);
  world.time.after(dice.between(3_000, 30_000), () => {
    if (!world.isHealed) void setFlags(world, goodFlags);
  });
  return withinMs(world, dice, setFlags(world, changes));
}

function halt(world: World, dice: Dice): Promise<unknown> {
  world.time.after(dice.between(3_000, 30_000), () => {
    if (!world.isHealed) void setTrading(world, 'active');
  });
  return withinMs(world, dice, setTrading(world, 'halted'));
}

function decision(world: World, dice: Dice): Promise<unknown> {
  const record = standingPlan(world);
  if (record === undefined) return Promise.resolve();
  const action = dice.one(['approve', 'approve', 'approve', 'reject'] as const);
  return withinMs(world, dice, decide(world, action, record.hash, `s${dice.between(0, 1e9)}`));
}

/** What a plan would change, if one stands. */
function hand(world: World, dice: Dice): Promise<unknown> {
  const record = standingPlan(world);
  const text = record && world.cloud.stores.reconcile.peek(record.key);
  const planned = text && (JSON.parse(Buffer.from(text).toString('utf8')) as Omit<Plan, 'hash'>);
  const meant = new Set(planned?.actions.flatMap(({ writes }) => writes.map(({ ref }) => sortOf(ref))) ?? []);
  const { done } = spoil(world, dice, (sort) => meant.size === 0 || meant.has(sort));
  return withinMs(world, dice, done);
}

/** Something is filled, and booked. */
function trade(world: World, dice: Dice): Promise<unknown> {
  world.market.jump(dice.one([-80, -30, 30, 80]));
  return world.time.sleep(dice.between(300, 2_000));
}

function run(world: World, dice: Dice): Promise<unknown> {
  return withinMs(world, dice, world.functions.reconcile({ trigger: 'operator', by: 'anna', account }));
}

/** A run is held up for longer than it has the run lock; another one begins in its place. */
function overtaken(world: World, dice: Dice): Promise<unknown> {
  // Meanwhile there is no other run: often that would be a world in which little happens.
  if (dice.chance(0.6)) return run(world, dice);
  const { time, functions } = world;
  const heldMs = world.config.reconcile.snapshotTimeoutMs + runWorkMs;
  time.after(heldMs + dice.between(100, 2_000), () => {
    void functions.reconcile({ trigger: 'operator', by: 'anna', account });
  });
  return time.sleep(heldMs + dice.between(5_000, 15_000));
}

/** Beside its wait for the snapshot: as long a run has for all the rest. */
const runWorkMs = 120_000;

/** Its machine stands still between two steps; another one takes the lease meanwhile. */
function standstill(world: World, dice: Dice, part: Part): Promise<unknown> {
  if (world.alive.length === 1 && dice.chance(0.7)) world.begin();
  standStill(world, dice, part, dice.one([19_000, 25_000, 40_000]));
  return Promise.resolve();
}

/** It is told to stop, and the next one has begun. */
function deployment(world: World, _dice: Dice, part: Part): Promise<unknown> {
  if (!(part instanceof StreamerProcess)) return Promise.resolve();
  if (world.alive.length === 1) world.begin();
  part.run(() => void part.stop().catch((error: unknown) => part.uncaught(error)));
  return Promise.resolve();
}
