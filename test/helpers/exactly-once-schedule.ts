/** What is asked of a run and what befalls it, drawn from its seed. */
import { createHash } from 'node:crypto';
import { type Command, type CommandInput, commandSchema } from '../../lib/events/command.ts';
import { account } from './exactly-once-gateway.ts';
import { crashPoints } from './exactly-once-process.ts';
import type { World } from './exactly-once-world.ts';
import type { BareCommand } from './orders-out.ts';

/** Everything is asked and befalls within so long; then the world is healed. */
export const troubledMs = 45_000;

/** Plans a run: nothing of it has happened yet. Returns the commands as they will be sent. */
export function plan(world: World): readonly Command[] {
  const { time } = world;
  world.setFlags({});
  world.begin();
  if (time.chance(0.35)) time.after(time.between(0, 30_000), () => world.begin());
  if (time.chance(0.25)) world.raceShare = 0.15;
  const disasters = time.between(2, 6);
  for (let n = 0; n < disasters; n += 1) {
    const befall = time.one(kinds);
    time.after(time.between(500, troubledMs - 9_000), () => befall(world));
  }
  for (const at of prints(world))
    time.after(at, () => world.gateway.print(time.one(['2700', '2699', '2701'])));
  return commands(world);
}

/** No more trouble: what is left must come to its end. */
export function heal(world: World): void {
  world.isHealed = true;
  Object.assign(world.trouble, noTrouble);
  world.raceShare = 0;
  Object.assign(world.gateway, { slowMs: 0, lossShare: 0, isDown: false, rollback: 0 });
  for (const process of world.alive) {
    process.crash = undefined;
    process.isCutOff = false;
  }
  world.setFlags({});
  world.setTrading('active');
  if (world.alive.length + world.restarts === 0) world.begin(world.processes.at(-1)?.path);
}

const noTrouble = { before: 0, after: 0, late: 0 };

type Disaster = (world: World) => void;

const crash: Disaster = (world) => {
  const process = world.time.one(world.alive);
  if (process === undefined) return;
  process.crash = { point: world.time.one(crashPoints), left: world.time.one([1, 1, 1, 2, 3]) };
  world.witness.note(`${process.name} will die: ${process.crash.point}, ${process.crash.left}`);
};

const kill: Disaster = (world) => world.time.one(world.alive)?.kill();

const breakLink: Disaster = ({ gateway }) => gateway.connection?.break();

/** Nothing arrives for a while, neither here nor there; then all of it, or nothing. */
const stall: Disaster = ({ gateway, time }) => {
  const { connection } = gateway;
  if (connection === undefined) return;
  connection.stalledUntilMs = time.nowMs + time.between(500, 14_000);
  if (time.chance(0.5)) time.after(time.between(1, 14_000), () => connection.break());
};

const restart: Disaster = ({ gateway, time }) => {
  gateway.isDown = true;
  gateway.restart();
  time.after(time.between(500, 8_000), () => {
    gateway.isDown = false;
  });
};

const slow: Disaster = (world) =>
  during(world, 'answers are slow', () => {
    world.gateway.slowMs = world.time.between(1_000, 15_000);
    return () => {
      world.gateway.slowMs = 0;
    };
  });

const lossy: Disaster = (world) =>
  during(world, 'answers are lost', () => {
    world.gateway.lossShare = world.time.one([0.3, 1]);
    return () => {
      world.gateway.lossShare = 0;
    };
  });

const endpoint: Disaster = (world) =>
  during(world, 'the endpoint fails', () => {
    Object.assign(
      world.trouble,
      world.time.one([{ before: 0.5 }, { after: 0.4 }, { late: 0.5 }, { before: 1 }]),
    );
    return () => Object.assign(world.trouble, noTrouble);
  });

/** Long enough for another one to take over. */
const cutOff: Disaster = ({ time, alive, witness }) => {
  const process = time.one(alive);
  if (process === undefined) return;
  process.isCutOff = true;
  witness.note(`${process.name} is cut off`);
  time.after(time.between(2_000, 35_000), () => {
    process.isCutOff = false;
  });
};

const redeliver: Disaster = ({ queue }) => queue.redeliver();

const flags: Disaster = (world) =>
  during(world, 'flags', () => {
    world.setFlags(world.time.one([{ SAFE_MODE: true }, { DRY_RUN: true }]));
    return () => world.setFlags({});
  });

const halt: Disaster = (world) =>
  during(world, 'halt', () => {
    world.setTrading('halted');
    return () => world.setTrading('active');
  });

/** The next order is refused; without a permId the broker has never had it. */
const refuse: Disaster = ({ gateway, time }) => {
  const text = 'Order rejected - reason:a run refuses it';
  gateway.broker.prepared.rejections.push({ code: 201, text, permId: time.chance(0.5) });
};

const rollback: Disaster = ({ gateway, time }) => {
  gateway.rollback = time.between(1, 50);
  gateway.connection?.break();
};

/** Each as often as it stands here. */
const kinds: readonly Disaster[] = [
  { befall: crash, times: 7 },
  { befall: kill, times: 1 },
  { befall: breakLink, times: 2 },
  { befall: stall, times: 1 },
  { befall: restart, times: 1 },
  { befall: slow, times: 1 },
  { befall: lossy, times: 1 },
  { befall: endpoint, times: 2 },
  { befall: cutOff, times: 1 },
  { befall: redeliver, times: 1 },
  { befall: flags, times: 1 },
  { befall: halt, times: 1 },
  { befall: refuse, times: 1 },
  { befall: rollback, times: 1 },
].flatMap(({ befall, times }) => Array.from({ length: times }, () => befall));

function during(world: World, what: string, begin: () => () => void): void {
  world.witness.note(`${what} from now on`);
  const end = begin();
  world.time.after(world.time.between(1_000, 10_000), () => {
    if (world.isHealed) return;
    world.witness.note(`${what} no more`);
    end();
  });
}

function prints({ time }: World): readonly number[] {
  return Array.from({ length: time.between(2, 8) }, () => time.between(2_000, troubledMs + 20_000));
}

/** Wishes of all kinds, some twice: with another id, with the same one, without a key. */
function commands(world: World): readonly Command[] {
  const { time, queue, witness } = world;
  const all: Command[] = [];
  const send = (atMs: number, bare: BareCommand, id = uuidFrom(time.random)): Command => {
    const issuedMs = time.nowMs + atMs;
    const command = commandSchema.parse({
      ...bare,
      id,
      version: 1,
      account,
      issuedAt: new Date(issuedMs).toISOString(),
      issuedBy: 'arn:aws:sts::000000000000:assumed-role/strategy/test',
      validUntil: new Date(issuedMs + time.one([30_000, 30_000, 4_000])).toISOString(),
    } satisfies CommandInput);
    all.push(command);
    time.after(atMs, () => {
      witness.note(`send ${id.slice(0, 8)} ${command.type} ${'key' in command ? (command.key ?? '-') : ''}`);
      queue.send(JSON.stringify(command));
    });
    return command;
  };
  const wishes = time.between(2, 6);
  for (let n = 0; n < wishes; n += 1) {
    const atMs = time.between(100, troubledMs - 8_000);
    const bare = wish(world, `k${n}`);
    const { id } = send(atMs, bare);
    const dice = time.random();
    const laterMs = atMs + time.between(100, 6_000);
    if (dice < 0.2) send(laterMs, bare);
    else if (dice < 0.3) send(laterMs, bare, id);
    else if (dice < 0.55) {
      send(laterMs, change(world, `k${n}`, bare));
      if (time.chance(0.4)) send(laterMs + time.between(0, 300), change(world, `k${n}`, bare));
    }
  }
  return all;
}

function wish({ time, conId }: World, key: string): BareCommand {
  const action = time.one(['BUY', 'SELL'] as const);
  const quantity = String(time.between(1, 3));
  const away = action === 'BUY' ? -1 : 1;
  const price = (steps: number) => (2700 + away * steps).toFixed(1);
  const limit = { action, quantity, orderType: 'LMT', limitPrice: price(time.one([40, 40, -5])) } as const;
  const dice = time.random();
  if (dice < 0.45) return { type: 'place', key, conId, order: limit };
  if (dice < 0.55)
    return { type: 'place', conId, order: { ...limit, limitPrice: price(time.between(20, 90)) } };
  if (dice < 0.65) return { type: 'place', key, conId, order: { action, quantity, orderType: 'MKT' } };
  if (dice < 0.68) return { type: 'place', key, conId, order: { ...limit, limitPrice: '2650.05' } };
  if (dice < 0.75) return { type: 'flatten', key, conId };
  const other = action === 'BUY' ? 'SELL' : 'BUY';
  return {
    type: 'place-bracket',
    key,
    conId,
    legs: [
      { leg: 'entry', ...limit },
      { leg: 'take-profit', action: other, quantity, orderType: 'LMT', limitPrice: price(-30) },
      { leg: 'stop-loss', action: other, quantity, orderType: 'STP', stopPrice: price(60) },
    ],
  };
}

function change({ time }: World, key: string, bare: BareCommand): BareCommand {
  if (bare.type === 'flatten' || time.chance(0.2)) return { type: 'cancel-all', by: 'person' };
  return { type: 'modify', key, limitPrice: time.one(['2661', '2662', '2739', '2738', '2650.05']) };
}

function uuidFrom(random: () => number): string {
  const hex = createHash('sha256').update(String(random())).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
