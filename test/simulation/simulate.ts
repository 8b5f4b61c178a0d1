/** One run from its seed: so many steps with everything that can befall, then healed, then quiet, then judged. */
import type { PlanRecord, RunState } from '../../lib/domain/reconcile/records.ts';
import { commandSchema } from '../../lib/events/command.ts';
import { tradeGroup } from '../../lib/events/command-names.ts';
import { marketTerms } from '../../sandbox/gateway/broker/order-terms.ts';
import { account } from '../helpers/exactly-once-gateway.ts';
import { actOut, heal, pauseBefore } from './actions.ts';
import { checkEnd, checkTrail } from './invariants/final.ts';
import type { Violation } from './invariants/names.ts';
import { decide, goodFlags, setFlags, setTrading } from './operators.ts';
import type { StreamerProcess } from './world/streamer.ts';
import { settled, uuidFrom } from './world/time.ts';
import { World } from './world/world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Steps until the world is healed. */
  readonly steps: number;
  /** Only these actions are carried out, by number; all of them where it is left out. */
  readonly only?: ReadonlySet<number>;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Every step, those of the quiet end counted. */
  readonly steps: number;
  readonly simulatedMs: number;
  /** Numbers of the actions that were carried out. */
  readonly actions: readonly number[];
  /** What happened, line by line; the same for the same options. */
  readonly trace: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** The chains and the whole trail are looked at each time so many steps have gone. */
const trailEverySteps = 500;
/** A world that is healed comes to rest within this time, or something is stuck. */
const quietMsMax = 1_800_000;
/** So long nothing more has happened: rounds of lists and late words included. */
const quietMs = 200_000;
/** IB's account updates; every three minutes in truth. */
const cashEveryMs = 60_000;

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, steps, only } = options;
  const world = new World(seed);
  const { time, witness } = world;
  const actions: number[] = [];
  const onRejection = (error: unknown): void => {
    const { name, code } = (error ?? {}) as { readonly name?: string; readonly code?: string };
    // Of a process whose file is closed because it was killed.
    if (name === 'Killed' || code === 'ERR_INVALID_STATE') return;
    witness.broken('uncaught', error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onRejection);
  time.install();
  try {
    const beganMs = time.nowMs;
    begin(world);
    const act = (number: number): void => {
      time.after(pauseBefore(seed, number), () => {
        if (world.isHealed) return;
        if (only === undefined || only.has(number)) {
          actions.push(number);
          witness.note(`#${number} ${actOut(world, number)}`);
        }
        act(number + 1);
      });
    };
    act(0);
    let trailAt = trailEverySteps;
    while (time.steps < steps && witness.violations.length === 0) {
      await time.step();
      if (time.steps < trailAt) continue;
      trailAt += trailEverySteps;
      await checkTrail(world);
    }
    if (witness.violations.length === 0) {
      heal(world);
      witness.note('healed');
      await untilQuiet(world);
    }
    if (witness.violations.length === 0) await checkEnd(world);
    return {
      seed,
      violations: witness.violations,
      steps: time.steps,
      simulatedMs: time.nowMs - beganMs,
      actions,
      trace: witness.trace,
      figures: figuresOf(world),
    };
  } finally {
    world.close();
    // What the killed parts still had to say is nobody's any more.
    await settled();
    time.uninstall();
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onRejection);
  }
}

function begin(world: World): void {
  world.market.begin();
  tellCash(world);
  world.functions.begin();
  // Somebody sets them, sooner or later.
  world.time.after(
    world.time.chance(0.3) ? world.time.between(5_000, 40_000) : 1,
    () => void setFlags(world, goodFlags),
  );
  world.begin();
  if (world.time.chance(0.7)) watch(world);
}

/** Somebody sits there: clears what a failed run has left, and asks for another one while trading is locked. */
function watch(world: World): void {
  const { time, witness, functions } = world;
  time.after(time.between(8_000, 25_000), () => {
    if (world.isHealed) return;
    const { SAFE_MODE, DRY_RUN } = witness.book.get('FLAGS') ?? {};
    if (SAFE_MODE === true || DRY_RUN === true) void setFlags(world, goodFlags);
    else if (
      witness.book.get('LOCK')?.state !== 'open' ||
      witness.book.get('LOCK')?.token !== witness.lease?.token
    )
      void functions.reconcile({ trigger: 'operator', by: 'anna', account });
    watch(world);
  });
}

function tellCash({ time, gateway }: Pick<World, 'time' | 'gateway'>): void {
  time.after(cashEveryMs, () => {
    gateway.tellCash();
    tellCash({ time, gateway });
  });
}

/** As a desk does it in the morning after: flags as they should be, the plan read and approved, what is bare closed. */
async function untilQuiet(world: World): Promise<void> {
  const { time, witness } = world;
  void setFlags(world, { ...goodFlags, FORCE_SYNC_DELETE: false });
  void setTrading(world, 'active');
  let tended = 0;
  const lasting = new Map<string, number>();
  let restingSinceMs = Number.POSITIVE_INFINITY;
  for (const endMs = time.nowMs + quietMsMax; time.nowMs < endMs; ) {
    await time.step();
    if (witness.violations.length > 0) return;
    const trouble = unrest(world);
    if (trouble === undefined) {
      // Prints and runs by the clock go on: it is at rest when it is so again after that time.
      restingSinceMs = Math.min(restingSinceMs, time.nowMs);
      if (time.nowMs - restingSinceMs >= quietMs) return;
    }
    if (time.nowMs < world.healedAtMs + 20_000 * (tended + 1)) continue;
    tended += 1;
    if (trouble === undefined) continue;
    lasting.set(trouble, (lasting.get(trouble) ?? 0) + 1);
    tend(world, tended);
  }
  const [longest = unrest(world)] = [...lasting].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  witness.broken('quiet', `after ${quietMsMax} ms: ${longest}`);
}

/** What is not at rest; undefined where everything is. */
function unrest({
  cloud,
  alive,
  restarts,
  serving,
  witness,
  functions,
  healedAtMs,
}: World): string | undefined {
  if (alive.length !== 1 || restarts > 0) return `${alive.length} streamers, ${restarts} to come`;
  if (serving === undefined) return 'no streamer is ready';
  if (cloud.bookQueue.depth > 0) return `${cloud.bookQueue.depth} messages for the book`;
  if (cloud.commands.depth > 0) return `${cloud.commands.depth} commands`;
  if (!isDelivered(serving)) return 'events in the outbox';
  if (functions.deliveries > 0) return `${functions.deliveries} events on their way`;
  for (const [sort, { state }] of witness.book.of('INTENT#'))
    if (state === 'sending') return `${sort} is sending`;
  const lock = witness.book.get('LOCK');
  if (lock?.state !== 'open' || lock.token !== serving.token)
    return `the lock is ${String(lock?.state)} at ${String(lock?.token)}: ${String(lock?.reason)}`;
  const run = witness.book.get('RUN#STATE') as unknown as RunState | undefined;
  if ((run?.last.pending ?? 0) > 0) return `${run?.last.pending} things are given time`;
  if (run?.last.status !== 'COMPLETED') return `the last run is ${run?.last.status} ${run?.last.code}`;
  if ((run.lastJudgedMs ?? 0) < healedAtMs) return 'no run has judged since';
  return undefined;
}

function isDelivered({ delivery }: StreamerProcess): boolean {
  const { bus, book } = delivery.stats();
  return bus.depth + (book?.depth ?? 0) === 0;
}

/** One streamer is enough; a second one only waits for the lease. */
function stop(process: StreamerProcess): void {
  process.run(() => void process.stop().catch((error: unknown) => process.uncaught(error)));
}

function tend(world: World, times: number): void {
  const { witness, functions, serving } = world;
  // A halt that was under way when everything was healed came after the word that ended it.
  const { mode = 'active' } = witness.book.get('TRADING') ?? {};
  if (mode !== 'active') void setTrading(world, 'active');
  // A task takes its disk along: what lies in its outbox leaves first.
  for (const extra of world.alive)
    if (serving !== undefined && extra !== serving && isDelivered(extra)) stop(extra);
  const state = witness.book.get('RUN#STATE') as unknown as RunState | undefined;
  const record = witness.book.get(`PLAN#${state?.planHash ?? ''}`) as unknown as PlanRecord | undefined;
  if (record?.state === 'staged')
    void decide(world, times % 3 === 2 ? 'except-ambiguous' : 'approve', record.hash, `heal-${times}`);
  else if (times % 2 === 0) void functions.reconcile({ trigger: 'operator', by: 'anna', account });
  const bare = /UNPROTECTED/.test(String(witness.book.get('LOCK')?.reason));
  if (times % 3 === 0 && (bare || times > 6)) close(world, times);
  if (times % 4 === 0) void setFlags(world, goodFlags);
}

/** A person closes what no stop protects: first what works, in TWS what was typed there, then the position. */
function close(world: World, times: number): void {
  const { gateway } = world;
  const byHand = gateway.broker.orders.open().filter(({ orderId }) => orderId <= 0);
  for (const order of byHand) gateway.broker.cancel(order);
  closeByHand(world);
  send(world, { type: 'cancel-all', by: 'person' });
  const { conId } = gateway.instrument.contract;
  world.time.after(8_000, () => send(world, { type: 'flatten', key: `heal-${times}`, by: 'person', conId }));
}

/** Nobody here has a line for the later expiry: what was bought of it in TWS is sold there. */
function closeByHand({ gateway }: World): void {
  const { broker, later } = gateway;
  const { position } = broker.portfolio.holding(account, later);
  if (position.isZero()) return;
  gateway.advance();
  broker.place({
    account,
    clientId: 0,
    orderId: 0,
    instrument: later,
    exchange: '',
    parentId: 0,
    transmit: true,
    terms: {
      ...marketTerms,
      action: position.isNegative() ? 'BUY' : 'SELL',
      quantity: position.abs().toFixed(),
    },
  });
}

function send({ cloud, time, witness }: World, bare: object): void {
  const command = commandSchema.parse({
    ...bare,
    id: uuidFrom(time.random),
    version: 1,
    account,
    issuedAt: new Date(time.nowMs).toISOString(),
    issuedBy: 'arn:aws:sts::000000000000:assumed-role/DeskOperator/anna',
    validUntil: new Date(time.nowMs + 30_000).toISOString(),
  });
  witness.note(`heal: ${command.type}`);
  witness.commands.push({ id: command.id, type: command.type });
  cloud.commands.send({ id: command.id, group: tradeGroup(account), body: JSON.stringify(command) });
}

function figuresOf({ witness, gateway, market, processes, cloud }: World): Record<string, number> {
  const count = (prefix: string): number => [...witness.book.of(prefix)].length;
  return {
    commands: witness.commands.length,
    orders: gateway.broker.orders.sent().length,
    executions: gateway.broker.ledger.all.length,
    prints: market.prints.length,
    intents: count('INTENT#'),
    plans: count('PLAN#'),
    plansApplied: witness.applied.size,
    runs: Number(witness.runs),
    backups: witness.backups.length,
    events: witness.events.size,
    alerts: witness.raisedAlerts.length,
    terms: witness.terms,
    processes: processes.length,
    redelivered: cloud.bookQueue.redelivered + cloud.commands.redelivered,
  };
}
