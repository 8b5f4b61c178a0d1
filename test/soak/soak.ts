/**
 * The soak itself: gateway, cloud and clock in this process, the streamer in its own, and time that goes on step by step.
 * In each step the gateway plays its tape up to the step's end, then the streamer's clock moves there, and then both wait
 * until nothing is on the wire any more. So no pause of the machine ever looks like silence of the broker.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Gateway, startGateway } from '../../sandbox/gateway/index.ts';
import type { ImageRuntime } from '../helpers/streamer-image.ts';
import type { Bundles } from './bundle.ts';
import { Ledger } from './ledger.ts';
import type { ProcessFigures } from './messages.ts';
import { Operator, tables } from './operator.ts';
import { Sink } from './sink.ts';
import { account, masterClientId, soakConfig } from './soak-config.ts';
import { type Engine, startEngine } from './soak-engine.ts';
import { StreamerProcess } from './streamer-process.ts';
import { real, VirtualClock } from './virtual-clock.ts';
import type { Week } from './week.ts';
import type { WeekTape } from './week-tape.ts';
import { hasRead, Wires } from './wires.ts';

export interface SoakOptions {
  readonly bundles: Bundles;
  readonly runtime: ImageRuntime;
  readonly week: Week;
  readonly tape: WeekTape;
  readonly folder: string;
  /** Simulated seconds a real second at the most; Infinity for as fast as it goes. */
  readonly speed: number;
  readonly measureEveryMs: number;
  /** A lease and a heartbeat that are renewed less often: most of what a quiet hour costs. */
  readonly calm: boolean;
  readonly signal: AbortSignal;
  readonly onMeasured: (measurement: Measurement) => void;
}

export interface Measurement extends ProcessFigures {
  /** Unix milliseconds, simulated. */
  readonly atMs: number;
  readonly realSeconds: number;
  /** Rows that wait in the outbox, for the bus and for the book. */
  readonly outboxRows: number;
  readonly outboxBytes: number;
  readonly walBytes: number;
  readonly stats: Record<string, unknown>;
}

export interface SoakRun {
  readonly ledger: Ledger;
  readonly gateway: Gateway;
  readonly operator: Operator;
  readonly sink: Sink;
  readonly measurements: readonly Measurement[];
  readonly realSeconds: number;
  readonly interrupted: boolean;
  /** How the streamer's process ended: 0 is well. */
  readonly exitCode: number | string;
  readonly stop: () => Promise<void>;
}

/** Ticks and timers are this exact while a market is open; nothing but timers happens while all are closed. */
const STEP_MS = 1_000;
const CLOSED_STEP_MS = 5_000;
/** After the end: what is under way arrives, and the streamer stops. */
const SETTLE_MS = 180_000;
const STOP_MS_MAX = 120_000;

export async function soak(options: SoakOptions): Promise<SoakRun> {
  const { week, tape, folder, signal } = options;
  const startedMs = real.now();
  const engine = await startEngine(folder, Object.values(tables));
  const clock = new VirtualClock(week.startMs);
  const ledger = new Ledger();
  const sink = await Sink.start({ take: ledger.take });
  const wires = new Wires();
  clock.install();
  const gateway = await startGateway({
    tape: tape.tape,
    port: 0,
    speed: 1,
    start: 'now',
    account,
    masterClientId,
    timeZone: 'America/New_York',
    runId: 1,
    script: week.faults,
  });
  wires.watchServer(() => gateway.port);
  const stop = async () => {
    await gateway.stop();
    await sink.stop();
    await engine.stop();
  };
  let streamer: StreamerProcess | undefined;
  try {
    const dbPath = join(folder, 'streamer.db');
    streamer = await StreamerProcess.start({
      bundles: options.bundles,
      runtime: options.runtime,
      env: environment(folder, dbPath, { gateway, sink, engine, ...options }),
      startMs: week.startMs,
      gatewayPort: gateway.port,
      logFile: join(folder, 'streamer.log'),
    });
    const operator = new Operator({ client: engine.client, sink, gateway, nowMs: () => clock.nowMs });
    const measurements: Measurement[] = [];
    const world: World = { ...options, clock, streamer, gateway, sink, wires, operator, startedMs, dbPath };
    await run(world, (measurement) => {
      measurements.push(measurement);
      options.onMeasured(measurement);
    });
    const exitCode = await end(world);
    const realSeconds = (real.now() - startedMs) / 1_000;
    const interrupted = signal.aborted;
    return { ledger, gateway, operator, sink, measurements, realSeconds, interrupted, exitCode, stop };
  } catch (error) {
    streamer?.kill();
    await stop();
    throw error;
  }
}

interface World extends SoakOptions {
  readonly clock: VirtualClock;
  readonly streamer: StreamerProcess;
  readonly gateway: Gateway;
  readonly sink: Sink;
  readonly wires: Wires;
  readonly operator: Operator;
  readonly startedMs: number;
  readonly dbPath: string;
}

async function run(world: World, measured: (measurement: Measurement) => void): Promise<void> {
  const { week, clock, operator, measureEveryMs, signal } = world;
  const acts = [...week.acts];
  let isOpen = false;
  let nextMeasureMs = week.startMs + measureEveryMs;
  const endMs = week.endMs + SETTLE_MS;
  while (clock.nowMs < endMs && !signal.aborted) {
    const stepMs = anythingTrades(week, clock.nowMs) ? STEP_MS : CLOSED_STEP_MS;
    await step(world, Math.min(clock.nowMs + stepMs, endMs));
    isOpen ||= await operator.open();
    operator.runDue();
    while (isOpen && acts[0] !== undefined && acts[0].atMs <= clock.nowMs) operator.act(acts.shift()!.act);
    if (clock.nowMs >= nextMeasureMs) {
      nextMeasureMs += measureEveryMs;
      measured(await measure(world));
    }
    await keepSpeed(world);
  }
}

/** Gateway first, then the streamer, then both until the wire is empty. */
async function step({ clock, sink, streamer, wires }: World, toMs: number): Promise<void> {
  await clock.advance(toMs, real.turn);
  sink.advance(toMs);
  await real.turn();
  let mine = wires.counts();
  let theirs = await streamer.go(mine, toMs);
  for (;;) {
    // What the streamer wrote is there already, or on its way through the loopback.
    while (!hasRead(wires.counts(), theirs)) await real.turn();
    await real.turn();
    mine = wires.counts();
    if (hasRead(theirs, mine)) return;
    theirs = await streamer.go(mine);
  }
}

function anythingTrades({ markets, outages }: Week, atMs: number): boolean {
  const near = ({ fromMs, toMs }: { fromMs: number; toMs: number }) =>
    fromMs - 60_000 <= atMs && atMs < toMs + 120_000;
  if (markets.some(({ sessions }) => sessions.some(near))) return true;
  // Connections are made and lost around the edges of an outage.
  return outages.some(({ fromMs, toMs }) => [fromMs, toMs].some((ms) => Math.abs(ms - atMs) < 120_000));
}

async function keepSpeed({ speed, week, clock, startedMs }: World): Promise<void> {
  const aheadMs = (clock.nowMs - week.startMs) / speed - (real.now() - startedMs);
  if (aheadMs > 5) await real.sleep(aheadMs);
}

async function measure({ streamer, clock, startedMs, dbPath }: World): Promise<Measurement> {
  const stats = await streamer.stats();
  const figures = await streamer.measure();
  const depthOf = (part: string) => (stats[part] as { depth?: number } | null | undefined)?.depth ?? 0;
  return {
    ...figures,
    atMs: clock.nowMs,
    realSeconds: (real.now() - startedMs) / 1_000,
    outboxRows: depthOf('outbox') + depthOf('book'),
    outboxBytes: sizeOf(dbPath),
    walBytes: sizeOf(`${dbPath}-wal`),
    stats,
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** SIGTERM, and time goes on until the process has ended. */
async function end(world: World): Promise<number | string> {
  const { streamer, clock } = world;
  streamer.terminate();
  let ended = false;
  void streamer.exited.then(() => {
    ended = true;
  });
  const giveUpMs = clock.nowMs + STOP_MS_MAX;
  while (!ended && clock.nowMs < giveUpMs) {
    await Promise.race([streamer.exited, step(world, clock.nowMs + STEP_MS)]);
    await real.sleep(1);
  }
  if (!ended) streamer.kill();
  return streamer.exited;
}

function environment(
  folder: string,
  dbPath: string,
  { gateway, sink, engine, week, calm }: SoakOptions & { gateway: Gateway; sink: Sink; engine: Engine },
): Record<string, string> {
  const configDir = join(folder, 'config');
  mkdirSync(configDir, { recursive: true });
  writeFileSync(join(configDir, 'sandbox.yml'), soakConfig({ calm }));
  return {
    EVENKEEL_CONFIG_DIR: configDir,
    STAGE: 'sandbox',
    IB_GATEWAY_HOST: '127.0.0.1',
    IB_GATEWAY_PORT: String(gateway.port),
    SYMBOLS: week.markets.map(({ localSymbol }) => localSymbol).join(','),
    DB_PATH: dbPath,
    EVENT_BUS_NAME: 'soak',
    BOOK_QUEUE_URL: `${sink.endpoint}/000000000000/soak-book.fifo`,
    COMMAND_QUEUE_URL: `${sink.endpoint}/000000000000/soak-orders.fifo`,
    CONTROL_TABLE: tables.controlTable,
    BOOK_TABLE: tables.bookTable,
    AUDIT_TABLE: tables.auditTable,
    SNAPSHOT_BUCKET: 'soak-snapshots',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'soak',
    AWS_SECRET_ACCESS_KEY: 'soak',
    AWS_ENDPOINT_URL: sink.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
  };
}
