/**
 * What is asked of the system and what befalls it. Each action is drawn from the seed and its own number, and draws its own
 * particulars from them too: a history from which some were taken out lets the others happen as they did.
 */

import type { Flags } from '../../lib/domain/safety/flags.ts';
import { correctExecution } from '../../sandbox/gateway/broker/fills.ts';
import { remaining } from '../../sandbox/gateway/broker/matching.ts';
import { decimal } from '../../sandbox/gateway/broker/money.ts';
import { marketTerms } from '../../sandbox/gateway/broker/order-terms.ts';
import { brokerLists } from '../../streamer/broker-lists.ts';
import { account, clientId } from '../helpers/exactly-once-gateway.ts';
import { between, failedRequest } from './between.ts';
import { Dice } from './dice.ts';
import {
  decide,
  during,
  goodFlags,
  nothing,
  plan,
  setFlags,
  setTrading,
  spoiltBook,
  standingPlan,
  standStill,
} from './operators.ts';
import { order, settleOpen } from './orders.ts';
import type { FunctionName } from './world/functions.ts';
import type { Service, Trouble } from './world/part.ts';
import type { World } from './world/world.ts';

type Act = (world: World, dice: Dice) => string;

const otherClientId = 7;

/** Each as often as its weight. */
const kinds: readonly { readonly name: string; readonly weight: number; readonly act: Act }[] = [
  { name: 'order', weight: 26, act: order },
  { name: 'print', weight: 5, act: print },
  { name: 'silence', weight: 3, act: silence },
  { name: 'dark-farm', weight: 1, act: darkFarm },
  { name: 'by-hand', weight: 3, act: byHand },
  { name: 'correction', weight: 3, act: correction },
  { name: 'refusal', weight: 1, act: refusal },
  { name: 'crash-streamer', weight: 6, act: crashStreamer },
  { name: 'kill-streamer', weight: 1, act: killStreamer },
  { name: 'deploy', weight: 2, act: deploy },
  { name: 'second-streamer', weight: 2, act: secondStreamer },
  { name: 'cut-off', weight: 2, act: cutOff },
  { name: 'clock', weight: 2, act: clock },
  { name: 'break-link', weight: 3, act: breakLink },
  { name: 'stall', weight: 2, act: stall },
  { name: 'gateway-restart', weight: 1, act: gatewayRestart },
  { name: 'slow-gateway', weight: 1, act: slowGateway },
  { name: 'lossy-gateway', weight: 2, act: lossyGateway },
  { name: 'rollback', weight: 1, act: rollback },
  { name: 'service', weight: 6, act: service },
  { name: 'refused-entries', weight: 2, act: refusedEntries },
  { name: 'redeliver', weight: 3, act: redeliver },
  { name: 'crash-function', weight: 6, act: crashFunction },
  { name: 'slow-bus', weight: 2, act: slowBus },
  { name: 'channel', weight: 1, act: channel },
  { name: 'flags', weight: 4, act: flags },
  { name: 'trading', weight: 2, act: trading },
  { name: 'reconcile', weight: 5, act: reconcile },
  { name: 'plan', weight: 8, act: plan },
  { name: 'backup', weight: 1, act: backup },
  { name: 'spoilt-book', weight: 8, act: spoiltBook },
  { name: 'broken-order', weight: 5, act: brokenOrder },
  { name: 'freeze', weight: 3, act: freeze },
  { name: 'late-prints', weight: 3, act: latePrints },
  { name: 'other-client', weight: 3, act: otherClient },
  { name: 'between', weight: 10, act: between },
  { name: 'failed-request', weight: 5, act: failedRequest },
  { name: 'no-backups', weight: 2, act: noBackups },
  { name: 'unanswered', weight: 6, act: unanswered },
  { name: 'crossing', weight: 2, act: crossing },
  { name: 'unloaded', weight: 2, act: unloaded },
];
const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);

/** Carries out the action of this number; what it was, in words. */
export function actOut(world: World, number: number): string {
  const dice = new Dice(world.seed, number);
  let left = dice.random() * weights;
  const kind = kinds.find(({ weight }) => {
    left -= weight;
    return left < 0;
  })!;
  return `${kind.name}: ${kind.act(world, dice)}`;
}

/** Time until the action of this number, from the one before. */
export function pauseBefore(seed: number, number: number): number {
  const dice = new Dice(seed ^ 0x5bd1_e995, number);
  return dice.chance(0.4) ? dice.between(10, 800) : dice.between(800, 5_000);
}

/** No more trouble: what is left must come to its end. */
export function heal(world: World): void {
  const { gateway, market } = world;
  world.isHealed = true;
  world.healedAtMs = world.time.nowMs;
  for (const shares of Object.values(world.troubles)) Object.assign(shares, { before: 0, after: 0, late: 0 });
  Object.assign(gateway, { slowMs: 0, lossShare: 0, isDown: false, rollback: 0 });
  // Nobody was told of what it printed: as at its own end.
  if (market.isDark) gateway.connection?.break();
  Object.assign(market, { isQuiet: false, isDark: false, lateShare: 0, twiceShare: 0 });
  gateway.unanswered.clear();
  gateway.unloaded = { ...gateway.unloaded, toMs: Math.min(gateway.unloaded.toMs, world.time.nowMs) };
  // What others have left there is theirs to take away: nobody else can.
  for (const other of gateway.broker.orders.open())
    if (other.clientId !== clientId) gateway.broker.cancel(other);
  world.callsToCome.length = 0;
  Object.assign(world, { slowBusMs: 0, channelFails: false, backupsFail: false, staleShare: 0 });
  world.cloud.refusedShare = 0;
  world.ordersUntilBreak = 0;
  for (const process of world.alive) process.befallsNothing();
  if (world.alive.length + world.restarts === 0) world.begin(world.processes.at(-1)?.path);
}

// Market and broker.

function print({ market }: World, dice: Dice): string {
  const ticks = dice.one([-80, -30, -10, 10, 30, 80]);
  market.jump(ticks);
  return `the price jumps by ${ticks} ticks`;
}

function silence(world: World, dice: Dice): string {
  return during(world, dice.one([20_000, 100_000, 300_000, 400_000]), 'nothing trades', () => {
    world.market.isQuiet = true;
    return () => {
      world.market.isQuiet = false;
    };
  });
}

function darkFarm(world: World, dice: Dice): string {
  const { gateway, market } = world;
  market.isDark = true;
  gateway.connection?.break();
  return during(world, dice.between(2_000, 60_000), 'the farm is down and the link breaks', () => () => {
    market.isDark = false;
    gateway.connection?.break();
  });
}

/** Typed into TWS by a person. */
function byHand({ gateway }: World, dice: Dice): string {
  const action = dice.one(['BUY', 'SELL'] as const);
  const isMarket = dice.chance(0.5);
  const last = Number(gateway.instrument.last.price);
  const instrument = dice.chance(0.3) ? gateway.later : gateway.instrument;
  gateway.advance();
  gateway.broker.place({
    account,
    clientId: 0,
    orderId: 0,
    instrument,
    exchange: '',
    parentId: 0,
    transmit: true,
    terms: {
      ...marketTerms,
      action,
      quantity: String(dice.between(1, 2)),
      ...(isMarket
        ? {}
        : { orderType: 'LMT', limitPrice: String(Math.round(last) + (action === 'BUY' ? -30 : 30)) }),
    },
  });
  return `${action} ${isMarket ? 'MKT' : 'LMT'} by hand in ${instrument.contract.localSymbol}`;
}

/** IB replaces what it said of an execution. */
function correction({ gateway }: World, dice: Dice): string {
  const { ledger, portfolio, orders } = gateway.broker;
  const standing = ledger.standing();
  if (standing.length === 0) return nothing;
  const former = dice.one(standing);
  const shift = dice.one(['0.1', '-0.1', '0.3']);
  const order = orders.byPermId(former.order.permId);
  if (order === undefined) return nothing;
  gateway.advance();
  const figures = { price: former.price.plus(shift), quantity: former.quantity };
  const execution = correctExecution(order, former, figures, ledger, portfolio);
  gateway.broker.corrected(order, execution);
  return `${former.execId} is corrected by ${shift}`;
}

function refusal({ gateway }: World, dice: Dice): string {
  const permId = dice.chance(0.5);
  gateway.broker.prepared.rejections.push({
    code: 201,
    text: 'Order rejected - reason:a run refuses it',
    permId,
  });
  return `the next order is refused ${permId ? 'with' : 'without'} a permId`;
}

// Streamers.

const streamerCalls = [
  'placeOrder',
  'disk append',
  'disk begin',
  'disk end',
  'disk remove',
  'TransactWriteItems',
  'sqs remove',
  'sqs publish',
  'bus publish',
  's3 put',
  'PutItem',
] as const;

function crashStreamer(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  const crash = {
    call: dice.one(streamerCalls),
    when: dice.one(['before', 'after'] as const),
    left: dice.one([1, 1, 1, 2, 3]),
  };
  process.crash = crash;
  // What left, and what the disk knows of it, is then known to nobody.
  process.losesDisk = dice.chance(/placeOrder|begin|end/.test(crash.call) ? 0.5 : 0.1);
  return `${process.name} will die ${crash.when} ${crash.call}, ${crash.left}${process.losesDisk ? ', with its disk' : ''}`;
}

function killStreamer(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  process?.kill();
  return process?.name ?? nothing;
}

/** SIGTERM; the next one begins while this one stops. */
function deploy(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  process.run(() => void process.stop().catch((error: unknown) => process.uncaught(error)));
  return `${process.name} is told to stop`;
}

function secondStreamer(world: World): string {
  if (world.alive.length > 1) return nothing;
  return `${world.begin().name} begins beside the one that is there`;
}

/** Long enough for another one to take over. */
function cutOff(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  if (world.alive.length === 1 && dice.chance(0.4)) world.begin();
  return during(world, dice.between(2_000, 60_000), `${process.name} is cut off from the cloud`, () => {
    process.isCutOff = true;
    return () => {
      process.isCutOff = false;
    };
  });
}

function clock(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  if (world.alive.length === 1 && dice.chance(0.4)) {
    // It waits for the lease when its clock is set.
    const next = world.begin();
    const ms = dice.one([-120_000, 30_000, 120_000]);
    world.time.after(dice.between(2_000, 15_000), () => {
      if (!world.isHealed) next.skewMs += ms;
    });
    return `${next.name} begins, and its clock will be wrong by ${ms} ms`;
  }
  process.skewMs += dice.one([-120_000, -5_000, -800, 800, 5_000, 120_000]);
  return `the clock of ${process.name} is wrong by ${process.skewMs} ms`;
}

/** Its machine stands still: a virtual machine that is moved, a disk that does not answer. */
function freeze(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  const ms = dice.one([3_000, 19_000, 25_000, 40_000]);
  standStill(world, dice, process, ms);
  return `${process.name} stands still for ${ms} ms`;
}

// The gateway.

/** Another program trades the account, under a client id of its own and order ids that are like ours. */
function otherClient({ gateway }: World, dice: Dice): string {
  const { broker, instrument } = gateway;
  const action = dice.one(['BUY', 'SELL'] as const);
  const last = Number(instrument.last.price);
  gateway.advance();
  // Often the very one that ours will have next.
  const next = broker.orders.highest(otherClientId) + dice.one([1, 1, 1, 2]);
  const orderId = dice.chance(0.6)
    ? Math.max(next, broker.orders.highest(clientId) + dice.between(0, 2))
    : next;
  broker.place({
    account,
    clientId: otherClientId,
    orderId,
    instrument,
    exchange: '',
    parentId: 0,
    transmit: true,
    terms: {
      ...marketTerms,
      action,
      quantity: '1',
      orderRef: 'other',
      ...(dice.chance(0.3)
        ? {}
        : {
            orderType: 'LMT',
            limitPrice: String(Number((last + (action === 'BUY' ? -30 : 30)).toFixed(1))),
          }),
    },
  });
  return `${action} ${orderId} by another client`;
}

/** Whether it has arrived, nobody is told. */
function brokenOrder(world: World, dice: Dice): string {
  world.ordersUntilBreak = dice.between(1, 3);
  return `the link will break over the order after ${world.ordersUntilBreak - 1} others`;
}

/** One list has no end, while all the others are whole; somebody wants to know how things stand meanwhile. */
function unanswered(world: World, dice: Dice): string {
  const { gateway } = world;
  const list = dice.one([...brokerLists, 'positions', 'completed-orders'] as const);
  const how = dice.one(['not', 'not', 'in part', 'broken'] as const);
  if (dice.chance(0.7)) askAgain(world, dice.between(1, 3));
  const ms = how === 'broken' ? dice.between(1_000, 20_000) : dice.between(5_000, 120_000);
  if (dice.chance(0.7)) {
    // It comes back without that list, and what happened meanwhile is told by the others alone.
    world.market.jump(dice.one([-80, 80]));
    gateway.connection?.break();
    world.market.jump(dice.one([-80, 80]));
  }
  const isDry = dice.chance(0.3);
  // What is not listed is not told either.
  const isDeaf = dice.chance(0.4);
  return during(world, ms, `${list} is ${how === 'broken' ? 'broken' : `${how} answered`}`, () => {
    gateway.unanswered.set(list, how);
    if (isDry) void setFlags(world, { DRY_RUN: true });
    if (isDeaf) gateway.lossShare = 1;
    return () => {
      gateway.unanswered.delete(list);
      if (isDeaf) gateway.lossShare = 0;
      if (isDry) void setFlags(world, goodFlags);
    };
  });
}

/** Runs by hand, one after the other. */
function askAgain({ time, functions }: World, times: number): void {
  for (let n = 0; n < times; n += 1)
    time.after(
      1_000 + n * 12_000,
      () => void functions.reconcile({ trigger: 'operator', by: 'anna', account }),
    );
}

/** A fill that was under way when its order was cancelled. */
function crossing({ gateway, time, witness }: World, dice: Dice): string {
  const { broker } = gateway;
  const late = broker.orders
    .sent()
    .filter(({ status, completedMs }) => status === 'Cancelled' && completedMs > time.nowMs - 60_000);
  if (late.length === 0) return nothing;
  gateway.advance();
  const order = dice.one(late);
  witness.crossed.add(order.permId);
  broker.fill(
    order,
    dice.chance(0.5) ? remaining(order) : decimal(1),
    decimal(order.instrument.last?.price ?? gateway.instrument.last.price),
  );
  return `${order.permId} is filled behind its cancel`;
}

function unloaded(world: World, dice: Dice): string {
  const { gateway, time } = world;
  const isLong = dice.chance(0.4);
  const ms = isLong ? dice.between(40_000, 80_000) : dice.between(1_000, 60_000);
  if (isLong) askAgain(world, 5);
  gateway.restart();
  gateway.unloaded = { fromMs: time.nowMs, toMs: time.nowMs + ms };
  time.after(ms, () => gateway.loaded());
  for (let atMs = 20_000; isLong && atMs < ms; atMs += 8_000) time.after(atMs, () => settleOpen(world, dice));
  return `the gateway restarts, and does not have the account for ${ms} ms`;
}

function latePrints(world: World, dice: Dice): string {
  const isSlow = dice.chance(0.5);
  return during(world, dice.between(10_000, 120_000), 'prints come late and twice', () => {
    Object.assign(world.market, { lateShare: 0.4, twiceShare: 0.4 });
    // A correction may then overtake what it corrects.
    if (isSlow) world.slowBusMs = 40_000;
    return () => {
      Object.assign(world.market, { lateShare: 0, twiceShare: 0 });
      if (isSlow) world.slowBusMs = 0;
    };
  });
}

function breakLink({ gateway }: World): string {
  gateway.connection?.break();
  return gateway.connection === undefined ? nothing : 'the link breaks';
}

function stall({ gateway, time }: World, dice: Dice): string {
  const { connection } = gateway;
  if (connection === undefined) return nothing;
  const ms = dice.between(500, 50_000);
  connection.stalledUntilMs = time.nowMs + ms;
  if (dice.chance(0.5)) time.after(dice.between(1, ms), () => connection.break());
  return `nothing arrives for ${ms} ms`;
}

function gatewayRestart(world: World, dice: Dice): string {
  world.gateway.restart();
  return during(world, dice.between(500, 20_000), 'the gateway restarts', () => {
    world.gateway.isDown = true;
    return () => {
      world.gateway.isDown = false;
    };
  });
}

function slowGateway(world: World, dice: Dice): string {
  const ms = dice.between(1_000, 25_000);
  return during(world, dice.between(3_000, 60_000), `answers take ${ms} ms`, () => {
    world.gateway.slowMs = ms;
    return () => {
      world.gateway.slowMs = 0;
    };
  });
}

function lossyGateway(world: World, dice: Dice): string {
  const share = dice.one([0.3, 1]);
  return during(world, dice.between(1_000, 30_000), `${share} of what is told unasked is lost`, () => {
    world.gateway.lossShare = share;
    return () => {
      world.gateway.lossShare = 0;
    };
  });
}

function rollback({ gateway }: World, dice: Dice): string {
  gateway.rollback = dice.between(1, 50);
  gateway.connection?.break();
  return `nextValidId is too low by ${gateway.rollback}`;
}

// The cloud.

function service(world: World, dice: Dice): string {
  const name = dice.one(['dynamodb', 'dynamodb', 's3', 'sqs', 'bus'] as const satisfies readonly Service[]);
  const how = dice.one(['before', 'after', 'late'] as const satisfies readonly Trouble[]);
  const share = dice.one([0.1, 0.4, 1]);
  return during(world, dice.between(1_000, 30_000), `${name} fails ${how}, ${share}`, () => {
    if (name === 'bus') world.witness.busFailed = true;
    world.troubles[name][how] = share;
    return () => {
      world.troubles[name][how] = 0;
    };
  });
}

/** Their bucket takes nothing, while somebody says yes to the plan that stands. */
function noBackups(world: World, dice: Dice): string {
  const record = standingPlan(world);
  if (record?.state === 'staged') void decide(world, 'approve', record.hash, `s${dice.between(0, 1e9)}`);
  return during(world, dice.between(3_000, 40_000), 'no backup can be stored', () => {
    world.backupsFail = true;
    return () => {
      world.backupsFail = false;
    };
  });
}

function refusedEntries(world: World, dice: Dice): string {
  return during(world, dice.between(1_000, 30_000), 'entries of batches are refused', () => {
    world.cloud.refusedShare = 0.3;
    return () => {
      world.cloud.refusedShare = 0;
    };
  });
}

function redeliver({ cloud }: World, dice: Dice): string {
  const queue = dice.one([cloud.commands, cloud.bookQueue]);
  queue.redeliver();
  return `${queue.name} gives out again what is in flight`;
}

const functionCalls = [
  'TransactWriteItems',
  'PutItem',
  'UpdateItem',
  'GetItem',
  'publish',
  's3 put',
  's3 get',
  'sqs send',
] as const;

function crashFunction({ callsToCome }: World, dice: Dice): string {
  const name = dice.one<FunctionName>([
    'book-keeper',
    'book-keeper',
    'candle-keeper',
    'reconcile',
    'apply-plan',
    'apply-plan',
    'alerts',
    'watchdog',
  ]);
  const crash = {
    call: dice.one(functionCalls),
    when: dice.one(['before', 'after'] as const),
    left: dice.one([1, 1, 2, 3]),
  };
  callsToCome.push({ name, befalls: (part) => Object.assign(part, { crash }) });
  return `the next ${name} will die ${crash.when} ${crash.call}, ${crash.left}`;
}

function slowBus(world: World, dice: Dice): string {
  return during(world, dice.between(5_000, 60_000), 'the bus is slow, twice, and in any order', () => {
    world.slowBusMs = 40_000;
    world.twiceShare = 0.5;
    return () => {
      world.slowBusMs = 0;
      world.twiceShare = 0.05;
    };
  });
}

function channel(world: World, dice: Dice): string {
  return during(world, dice.between(5_000, 90_000), 'the channel takes nothing', () => {
    world.channelFails = true;
    return () => {
      world.channelFails = false;
    };
  });
}

// Operators.

function flags(world: World, dice: Dice): string {
  const changes = dice.one<Partial<Flags>>([
    { SAFE_MODE: true },
    { DRY_RUN: true },
    { DRY_RUN_CONFIRM: false },
    { FORCE_SYNC_DELETE: true },
  ]);
  return during(world, dice.between(500, 30_000), `flags ${JSON.stringify(changes)}`, () => {
    void setFlags(world, changes);
    return () => void setFlags(world, { ...goodFlags, FORCE_SYNC_DELETE: false });
  });
}

function trading(world: World, dice: Dice): string {
  const mode = dice.one(['halted', 'reduce-only'] as const);
  return during(world, dice.between(500, 30_000), `trading ${mode}`, () => {
    void setTrading(world, mode);
    return () => void setTrading(world, 'active');
  });
}

function reconcile({ functions }: World, dice: Dice): string {
  const times = dice.one([1, 1, 2]);
  for (let n = 0; n < times; n += 1) void functions.reconcile({ trigger: 'operator', by: 'anna', account });
  return `${times} by hand`;
}

function backup({ functions }: World): string {
  void functions.backup();
  return 'by hand';
}
