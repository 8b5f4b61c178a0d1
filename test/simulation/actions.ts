/**
 * What is asked of the system and what befalls it. Each action is drawn from the seed and its own number, and draws its own
 * particulars from them too: a history from which some were taken out lets the others happen as they did.
 */
import { bookRefOf } from '../../lib/aws/keys.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { BookBody, BookWrite } from '../../lib/domain/book/item.ts';
import type { PlanRecord, RunState } from '../../lib/domain/reconcile/records.ts';
import type { Flags } from '../../lib/domain/safety/flags.ts';
import type { TradingMode } from '../../lib/domain/safety/trading-state.ts';
import { type CommandInput, commandSchema } from '../../lib/events/command.ts';
import { tradeGroup } from '../../lib/events/command-names.ts';
import { correctExecution } from '../../sandbox/gateway/broker/fills.ts';
import { marketTerms } from '../../sandbox/gateway/broker/order-terms.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import { account, clientId } from '../helpers/exactly-once-gateway.ts';
import type { BareCommand } from '../helpers/orders-out.ts';
import type { FunctionName } from './world/functions.ts';
import type { Service, Trouble } from './world/part.ts';
import { proofOf } from './world/proof.ts';
import { uuidFrom } from './world/time.ts';
import type { World } from './world/world.ts';

/** Chance of one action. */
export class Dice {
  readonly random: () => number;

  constructor(seed: number, number: number) {
    this.random = mulberry32((Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b)) >>> 0);
    // The first numbers of neighbouring seeds are alike.
    this.random();
    this.random();
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  one<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }
}

type Act = (world: World, dice: Dice) => string;

const otherClientId = 7;

/** What is said of an action that found nothing to act on. */
const nothing = 'nothing to act on';

/** Each as often as its weight. */
const kinds: readonly { readonly name: string; readonly weight: number; readonly act: Act }[] = [
  { name: 'order', weight: 26, act: order },
  { name: 'print', weight: 5, act: print },
  { name: 'silence', weight: 1, act: silence },
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
  { name: 'plan', weight: 6, act: plan },
  { name: 'backup', weight: 1, act: backup },
  { name: 'spoilt-book', weight: 5, act: spoiltBook },
  { name: 'broken-order', weight: 5, act: brokenOrder },
  { name: 'freeze', weight: 3, act: freeze },
  { name: 'late-prints', weight: 3, act: latePrints },
  { name: 'other-client', weight: 3, act: otherClient },
  { name: 'unloaded', weight: 1, act: unloaded },
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
  gateway.unloaded = { ...gateway.unloaded, toMs: Math.min(gateway.unloaded.toMs, world.time.nowMs) };
  // What others have left there is theirs to take away: nobody else can.
  for (const other of gateway.broker.orders.open())
    if (other.clientId !== clientId) gateway.broker.cancel(other);
  world.callsThatDie.length = 0;
  Object.assign(world, { slowBusMs: 0, channelFails: false, staleShare: 0 });
  world.cloud.refusedShare = 0;
  world.ordersUntilBreak = 0;
  for (const process of world.alive)
    Object.assign(process, { crash: undefined, isCutOff: false, skewMs: 0, frozenUntilMs: 0 });
  if (world.alive.length + world.restarts === 0) world.begin(world.processes.at(-1)?.path);
}

// Orders.

function order(world: World, dice: Dice): string {
  const { witness } = world;
  const known = witness.commands.filter(({ type }) => type.startsWith('place'));
  const roll = dice.random();
  if (known.length > 0 && roll < 0.12) {
    // A click too many, or a redelivery under another id.
    const again = dice.one(known);
    const body = JSON.parse(world.cloud.commands.sent.get(again.id) ?? '{}') as CommandInput;
    if (dice.chance(0.5)) return send(world, { ...body, id: uuidFrom(dice.random) });
    world.cloud.commands.send({
      id: `again-${dice.between(0, 1e6)}`,
      group: tradeGroup(account),
      body: JSON.stringify(body),
    });
    return `the same command again ${again.id.slice(0, 8)}`;
  }
  if (known.length > 0 && roll < 0.26) return send(world, headed(world, dice, change(world, dice)));
  return send(world, headed(world, dice, wish(world, dice)));
}

function send(world: World, input: CommandInput): string {
  const command = commandSchema.parse(input);
  world.witness.commands.push({ id: command.id, type: command.type });
  world.cloud.commands.send({ id: command.id, group: tradeGroup(account), body: JSON.stringify(command) });
  const { key = '-' } = command as { readonly key?: string };
  return `${command.type} ${command.id.slice(0, 8)} ${key}`;
}

function headed({ time }: World, dice: Dice, bare: BareCommand): CommandInput {
  return {
    ...bare,
    id: uuidFrom(dice.random),
    version: 1,
    account,
    issuedAt: new Date(time.nowMs).toISOString(),
    issuedBy: 'arn:aws:sts::000000000000:assumed-role/strategy/test',
    validUntil: new Date(time.nowMs + dice.one([30_000, 30_000, 30_000, 4_000])).toISOString(),
  } as CommandInput;
}

function wish({ gateway }: World, dice: Dice): BareCommand {
  const { conId } = gateway.instrument.contract;
  const last = Number(gateway.instrument.last.price);
  const key = dice.chance(0.8) ? `k${dice.between(0, 1e9)}` : undefined;
  const keyed = key === undefined ? {} : { key };
  const action = dice.one(['BUY', 'SELL'] as const);
  const other = action === 'BUY' ? 'SELL' : 'BUY';
  const quantity = String(dice.between(1, 3));
  const away = action === 'BUY' ? -1 : 1;
  const price = (steps: number) => (last + away * steps).toFixed(1);
  const limit = {
    action,
    quantity,
    orderType: 'LMT',
    limitPrice: price(dice.one([40, 2, 0.5, -0.5, -5])),
  } as const;
  const roll = dice.random();
  if (roll < 0.3) return { type: 'place', ...keyed, conId, order: limit };
  if (roll < 0.4) return { type: 'place', ...keyed, conId, order: { action, quantity, orderType: 'MKT' } };
  if (roll < 0.44) return { type: 'place', ...keyed, conId, order: { ...limit, limitPrice: '2650.05' } };
  if (roll < 0.5)
    return { type: 'flatten', ...keyed, conId, ...(dice.chance(0.5) ? { by: 'person' } : {}) } as BareCommand;
  const entry = dice.chance(0.5) ? ({ action, quantity, orderType: 'MKT' } as const) : limit;
  return {
    type: 'place-bracket',
    ...keyed,
    conId,
    legs: [
      { leg: 'entry', ...entry },
      {
        leg: 'take-profit',
        action: other,
        quantity,
        orderType: 'LMT',
        limitPrice: price(-dice.between(3, 30)),
      },
      { leg: 'stop-loss', action: other, quantity, orderType: 'STP', stopPrice: price(dice.between(42, 70)) },
    ],
  };
}

function change({ witness, gateway }: World, dice: Dice): BareCommand {
  if (dice.chance(0.2)) return { type: 'cancel-all', by: 'person' };
  const keys = [...witness.book.of('INTENT#')].flatMap(([, { key, state }]) =>
    state === 'sent' ? [String(key)] : [],
  );
  const key = keys.length > 0 ? dice.one(keys) : 'k0';
  const open = gateway.broker.orders.open();
  if (open.length > 0 && dice.chance(0.4)) {
    const { permId, clientId, orderId } = dice.one(open);
    if (orderId > 0)
      return {
        type: 'cancel',
        permId,
        clientId,
        orderId,
        by: dice.one(['person', 'program']),
      } as BareCommand;
  }
  const last = Number(gateway.instrument.last.price);
  return { type: 'modify', key, limitPrice: (last + dice.between(-40, 40)).toFixed(1) } as BareCommand;
}

// Market and broker.

function print({ market }: World, dice: Dice): string {
  const ticks = dice.one([-80, -30, -10, 10, 30, 80]);
  market.jump(ticks);
  return `the price jumps by ${ticks} ticks`;
}

function silence(world: World, dice: Dice): string {
  return during(world, dice.between(20_000, 200_000), 'nothing trades', () => {
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
  gateway.advance();
  gateway.broker.place({
    account,
    clientId: 0,
    orderId: 0,
    instrument: gateway.instrument,
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
  return `${action} ${isMarket ? 'MKT' : 'LMT'} by hand`;
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
  return `${process.name} will die ${crash.when} ${crash.call}, ${crash.left}`;
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
  return during(world, dice.between(2_000, 40_000), `${process.name} is cut off from the cloud`, () => {
    process.isCutOff = true;
    return () => {
      process.isCutOff = false;
    };
  });
}

function clock(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  process.skewMs += dice.one([-120_000, -5_000, -800, 800, 5_000, 120_000]);
  return `the clock of ${process.name} is wrong by ${process.skewMs} ms`;
}

/** Its machine stands still: a virtual machine that is moved, a disk that does not answer. */
function freeze(world: World, dice: Dice): string {
  const process = dice.one(world.alive);
  if (process === undefined) return nothing;
  const ms = dice.one([3_000, 19_000, 25_000, 40_000]);
  process.frozenUntilMs = world.time.nowMs + ms;
  return `${process.name} stands still for ${ms} ms`;
}

// The gateway.

/** Another program trades the account, under a client id of its own and order ids that are like ours. */
function otherClient({ gateway }: World, dice: Dice): string {
  const { broker, instrument } = gateway;
  const action = dice.one(['BUY', 'SELL'] as const);
  const last = Number(instrument.last.price);
  gateway.advance();
  const orderId = broker.orders.highest(otherClientId) + dice.one([1, 1, 1, 2]);
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

function unloaded({ gateway, time }: World, dice: Dice): string {
  const ms = dice.between(1_000, 60_000);
  gateway.restart();
  gateway.unloaded = { fromMs: time.nowMs, toMs: time.nowMs + ms };
  time.after(ms, () => gateway.loaded());
  return `the gateway restarts, and does not have the account for ${ms} ms`;
}

function latePrints(world: World, dice: Dice): string {
  return during(world, dice.between(10_000, 120_000), 'prints come late and twice', () => {
    Object.assign(world.market, { lateShare: 0.4, twiceShare: 0.4 });
    return () => Object.assign(world.market, { lateShare: 0, twiceShare: 0 });
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

function crashFunction({ callsThatDie }: World, dice: Dice): string {
  const name = dice.one<FunctionName>([
    'book-keeper',
    'book-keeper',
    'candle-keeper',
    'reconcile',
    'reconcile',
    'apply-plan',
    'alerts',
    'watchdog',
  ]);
  const crash = {
    call: dice.one(functionCalls),
    when: dice.one(['before', 'after'] as const),
    left: dice.one([1, 1, 2, 3]),
  };
  callsThatDie.push({ name, crash });
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

/** Sets flags as a person does. */
export function setFlags(world: World, changes: Partial<Flags>): void {
  void world.functions.operate(async ({ book }) =>
    new SafetyStore({ book }).setFlags(account, changes, { who: 'anna', reason: 'a run' }),
  );
}

export function setTrading(world: World, mode: TradingMode): void {
  void world.functions.operate(async ({ book }) =>
    new SafetyStore({ book }).setTrading(account, mode, { who: 'anna', reason: 'a run' }),
  );
}

export const goodFlags: Partial<Flags> = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true };

function flags(world: World, dice: Dice): string {
  const changes = dice.one<Partial<Flags>>([
    { SAFE_MODE: true },
    { DRY_RUN: true },
    { DRY_RUN_CONFIRM: false },
    { FORCE_SYNC_DELETE: true },
  ]);
  return during(world, dice.between(500, 30_000), `flags ${JSON.stringify(changes)}`, () => {
    setFlags(world, changes);
    return () => setFlags(world, { ...goodFlags, FORCE_SYNC_DELETE: false });
  });
}

function trading(world: World, dice: Dice): string {
  const mode = dice.one(['halted', 'reduce-only'] as const);
  return during(world, dice.between(500, 30_000), `trading ${mode}`, () => {
    setTrading(world, mode);
    return () => setTrading(world, 'active');
  });
}

function reconcile({ functions }: World, dice: Dice): string {
  const times = dice.one([1, 1, 2]);
  for (let n = 0; n < times; n += 1) void functions.reconcile({ trigger: 'operator', by: 'anna', account });
  return `${times} by hand`;
}

/** Somebody decides on the plan that stands: at once, late, twice, or on one that stands no more. */
function plan(world: World, dice: Dice): string {
  const records = [...world.witness.book.of('PLAN#')].map(([, body]) => body as unknown as PlanRecord);
  if (records.length === 0) return nothing;
  const { planHash } = (world.witness.book.get('RUN#STATE') as unknown as RunState | undefined) ?? {
    planHash: '',
  };
  const standing = records.find(({ hash }) => hash === planHash);
  const record = standing !== undefined && dice.chance(0.8) ? standing : dice.one(records);
  const action = dice.one([
    'approve',
    'approve',
    'approve',
    'approve',
    'reject',
    'except-ambiguous',
  ] as const);
  const times = dice.one([1, 1, 2]);
  const lateMs = dice.one([0, 0, 5_000, 40_000]);
  for (let n = 0; n < times; n += 1)
    world.time.after(1 + lateMs + n * dice.between(0, 50), () =>
      decide(world, action, record.hash, `s${dice.between(0, 1e9)}`),
    );
  return `${action} ${record.hash.slice(0, 8)} (${record.state}), ${times} times, ${lateMs} ms later`;
}

/** What an operator's CLI asks of apply-plan. */
export function decide(
  { functions, witness }: World,
  action: 'approve' | 'reject' | 'except-ambiguous',
  hash: string,
  signature: string,
): void {
  if (action === 'approve') witness.approved.add(hash);
  void functions.applyPlan({ action, ...proofOf(action, hash, signature) }).then((outcome) => {
    if (outcome === 'died' || 'error' in outcome)
      witness.note(`${action} ${hash.slice(0, 8)}: ${outcome === 'died' ? outcome : String(outcome.error)}`);
  });
}

/** A book that is wrong, as a restore of an old backup or a hand in the table leaves it; audited, as everything. */
function spoiltBook(world: World, dice: Dice): string {
  const { witness, functions } = world;
  const of = (prefix: string) => [...witness.book.items].filter(([sort]) => sort.startsWith(prefix));
  const orders = of('ORDER#');
  const positions = of('POS#');
  const how = dice.one([
    'order forgotten',
    'order forgotten',
    'status',
    'fill forgotten',
    'position',
  ] as const);
  const [sort, item] =
    dice.one({ position: positions, 'fill forgotten': of('FILL#') }[how as 'position'] ?? orders) ?? [];
  if (sort === undefined || item === undefined) return nothing;
  const writes: BookWrite[] = [];
  const write = (key: string, { version }: { readonly version: number }, body: BookBody | null) =>
    writes.push({ ref: bookRefOf(key)!, expectedVersion: version, body });
  if (how === 'status') {
    const status = item.body.status === 'Filled' ? 'Submitted' : 'Filled';
    write(sort, item, { ...item.body, status });
  } else if (how === 'position') {
    write(sort, item, { ...item.body, position: String(Number(item.body.position) + dice.one([-1, 1])) });
  } else if (how === 'fill forgotten') {
    write(sort, item, null);
  } else {
    write(sort, item, null);
    const orderKey = sort.slice('ORDER#'.length);
    for (const [pointer, pointing] of witness.book.items)
      if (/^(?:PERM|REF|API)#/.test(pointer) && pointing.body.orderKey === orderKey)
        write(pointer, pointing, null);
  }
  witness.spoilt.add(sort);
  void functions.operate(({ book }) =>
    book.commit({
      account,
      writer: 'operator',
      cause: { kind: 'operator', id: 'anna', name: 'a hand in the book', reason: how },
      atMs: world.time.nowMs,
      orderKey: '',
      writes,
    }),
  );
  return `${sort}: ${how}`;
}

function backup({ functions }: World): string {
  void functions.backup();
  return 'by hand';
}

function during(world: World, ms: number, what: string, begin: () => () => void): string {
  const end = begin();
  world.time.after(ms, () => {
    if (world.isHealed) return;
    world.witness.note(`no more: ${what}`);
    end();
  });
  return `${what}, for ${ms} ms`;
}
