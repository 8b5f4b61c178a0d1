import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../config/config-error.ts';
import { loadConfig } from '../../config/load.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { portsText } from '../../lib/domain/safety/paper-or-live.ts';
import type { Streamer } from '../../streamer/streamer.ts';
import { type LocalCloud, startCloud } from '../cloud/cloud.ts';
import type { Fault } from '../cloud/faults.ts';
import { synth } from '../cloud/synth.ts';
import type { BrokerRecord, FaultInput, GatewayStatus, TradeInput } from '../gateway/index.ts';
import { readCandles } from './candles.ts';
import { type Child, startChild } from './child.ts';
import { DeskError } from './desk-error.ts';
import { announce } from './endpoint-file.ts';
import { takeFolder } from './folder.ts';
import { bringToRest, realTime } from './rest.ts';

export { DeskError } from './desk-error.ts';

/**
 * The whole system on one machine: simulated gateway (or a real one), local cloud, streamer, Lambdas. The streamer is
 * the deployed one, started with the environment that the synthesised template gives it.
 */
export interface DeskOptions {
  /** A tape's file; without it the gateway generates one from `seed`. */
  readonly tape?: string | undefined;
  readonly seed?: number | undefined;
  /** Length of the generated tape; a trading day of 6.5 hours by default. */
  readonly minutes?: number | undefined;
  readonly speed: string;
  /** A real gateway in the simulator's place. */
  readonly gateway?: { readonly host: string; readonly port: number } | undefined;
  /** What to subscribe to with a real gateway; the simulator's tape says it by itself. */
  readonly symbols?: readonly string[] | undefined;
  /** Where everything that survives a restart lies. */
  readonly dataDir: string;
  /** Start with empty data. */
  readonly fresh?: boolean;
  /** A timeline of faults for the simulated gateway. */
  readonly script?: string | undefined;
  /** On top of what the template and the sandbox give the streamer. */
  readonly streamerEnv?: Readonly<Record<string, string>>;
  /** More options of the simulated gateway, as on its command line. */
  readonly gatewayArgs?: readonly string[];
  /** Functions run as processes of their own, which a test may kill, instead of threads. */
  readonly functionProcesses?: boolean;
  /** On top of what the template gives every function. */
  readonly functionEnv?: Readonly<Record<string, string>>;
  /** False: schedules run only when they are called by name. */
  readonly schedules?: boolean;
  /** Faults of the local cloud from the start. */
  readonly faults?: readonly Fault[];
}

export type StreamerStats = ReturnType<Streamer['stats']>;

export interface Desk {
  readonly cloud: LocalCloud;
  readonly dataDir: string;
  /** Ports of the simulated gateway, its API and its control port, and its process; undefined with a real one. */
  readonly gateway:
    | { readonly port: number; readonly controlPort: number; readonly pid: number | undefined }
    | undefined;
  /** Process of the streamer; undefined while none runs. A `signal` fault of the cloud takes it. */
  readonly streamerPid: () => number | undefined;
  /** Port of the streamer's health pages; 0 while none runs. */
  readonly healthPort: () => number;
  /** Ended when it was not asked to: the error is for a person. */
  readonly failed: Promise<DeskError>;
  streamerStats(): Promise<StreamerStats | undefined>;
  gatewayStatus(): Promise<GatewayStatus | undefined>;
  fault(fault: FaultInput): Promise<void>;
  /** What the simulated broker itself has on record: orders, executions, positions, cash. */
  broker(): Promise<BrokerRecord>;
  /** What somebody does by hand in TWS; gives the order's permId. */
  trade(input: TradeInput): Promise<{ readonly permId: number }>;
  /** Ends the streamer as it is told (SIGTERM is the clean way, SIGKILL is a crash); gives its exit code. */
  endStreamer(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  startStreamer(): Promise<void>;
  /** True when the tape has ended, and every event that it led to has arrived. */
  settled(): Promise<boolean>;
  /** Every candle in the table, by instrument and time. */
  candles(): Promise<readonly Candle[]>;
  /**
   * Ends the streamer and delivers what it gave out, in some seconds at most; the cloud still answers after it. `say`
   * hears what takes longer than a second, and what was cut off.
   */
  rest(say?: (text: string) => void): Promise<void>;
  /** Brings the parts to rest, and stops cloud and gateway. Returns the streamer's last figures. */
  stop(): Promise<StreamerStats | undefined>;
}

interface Listening {
  readonly event: 'listening';
  readonly port: number;
  readonly controlPort: number;
  readonly symbols: readonly string[];
}

const GATEWAY_MAIN = fileURLToPath(new URL('../gateway/main.ts', import.meta.url));
const STREAMER_MAIN = fileURLToPath(new URL('../../streamer/main.ts', import.meta.url));
const GENERATED_MINUTES = 390;
/** The tape waits until the subscription is confirmed, so that a short one is not over before. */
const START_DELAY_MS = 400;
const CHILD_READY_MS = 60_000;
const STREAMER_STOP_MS = 35_000;
const INTERVAL_MS = 60_000;

export async function startDesk(options: DeskOptions): Promise<Desk> {
  const dataDir = resolve(options.dataDir);
  if (options.gateway) await reach(options.gateway);
  else if (options.tape !== undefined) await readable(options.tape);
  const folder = takeFolder(dataDir, options.fresh ?? false);

  // Gateway and template at the same time: reading a tape and a cold synth are the two slow things.
  const stage = 'sandbox';
  const simulated = options.gateway ? undefined : startGateway(options, dataDir, loginOf(stage, options));
  simulated?.catch(() => undefined);
  const synthesised = synth({ stage });
  synthesised.catch(() => undefined);
  const streamerLog = join(dataDir, 'logs', 'streamer.log');
  let gateway: Awaited<NonNullable<typeof simulated>> | undefined;
  let cloud: LocalCloud;
  try {
    gateway = await simulated;
    const { assembly, stack } = await synthesised;
    cloud = await startCloud({
      assembly,
      stack,
      dataDir: join(dataDir, 'cloud'),
      containerLogs: { streamer: streamerLog, gateway: join(dataDir, 'logs', 'gateway.log') },
      ...(options.functionProcesses ? { functionProcesses: true } : {}),
      ...(options.functionEnv ? { functionEnv: options.functionEnv } : {}),
      ...(options.schedules === undefined ? {} : { schedules: options.schedules }),
      ...(options.faults ? { faults: options.faults } : {}),
    });
  } catch (error) {
    await gateway?.child.stop(2_000);
    folder.release();
    throw error;
  }
  const { promise: failed, resolve: fail } = Promise.withResolvers<DeskError>();
  const place = announce(dataDir, {
    endpoint: cloud.endpoint,
    region: cloud.region,
    stage,
    gatewayPort: gateway?.port ?? options.gateway?.port,
    gatewayControlPort: gateway?.controlPort,
    pid: process.pid,
  });
  const address = gateway ? { host: '127.0.0.1', port: gateway.port } : options.gateway!;
  const symbols = options.symbols ?? gateway?.symbols;
  let streamer: Child | undefined;
  let healthPort = 0;
  let lastStats: StreamerStats | undefined;
  let ending = false;
  let resting: Promise<boolean> | undefined;
  void gateway?.child.exited.then(({ code }) => {
    if (!ending)
      fail(new DeskError(`The simulated gateway ended (code ${code}).\n${gateway.child.lastWords()}`));
  });

  /** Asks the simulated gateway's control port; with an input it is told something. */
  const control = async <T>(path: string, input?: unknown): Promise<T> => {
    if (!gateway) throw new DeskError(`Only the simulated gateway has /${path}; this is a real one.`);
    const told = input === undefined ? {} : { method: 'POST', body: JSON.stringify(input) };
    const response = await fetch(`http://127.0.0.1:${gateway.controlPort}/${path}`, told);
    if (!response.ok) throw new DeskError(`The gateway refused /${path}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const desk: Desk = {
    cloud,
    dataDir,
    failed,
    streamerStats: async () => {
      const stats = await getJson<StreamerStats>(`http://127.0.0.1:${healthPort}/stats`);
      if (stats) lastStats = stats;
      return stats;
    },
    gatewayStatus: async () =>
      gateway && (await getJson<GatewayStatus>(`http://127.0.0.1:${gateway.controlPort}/status`)),
    gateway: gateway && {
      port: gateway.port,
      controlPort: gateway.controlPort,
      pid: gateway.child.process.pid,
    },
    streamerPid: () => streamer?.process.pid,
    healthPort: () => healthPort,
    fault: async (fault) => {
      await control('fault', fault);
    },
    broker: async () => control('broker'),
    trade: async (input) => control('trade', input),
    startStreamer: async () => {
      const env = {
        ...cloud.containerEnvironment('streamer'),
        IB_GATEWAY_HOST: address.host,
        IB_GATEWAY_PORT: String(address.port),
        ...(symbols ? { SYMBOLS: symbols.join(',') } : {}),
        DB_PATH: join(dataDir, 'streamer.db'),
        ...options.streamerEnv,
      };
      let refusal: string | undefined;
      const child = startChild({ name: 'streamer', script: STREAMER_MAIN, env, logFile: streamerLog });
      streamer = child;
      child.process.on('message', (message) => {
        if (isStopped(message)) lastStats = message.stats;
        if (isRefused(message)) refusal = message.message;
      });
      void child.exited.then(({ code, signal }) => {
        if (ending || streamer !== child) return;
        const words = child.lastWords();
        fail(streamerEnded(signal ?? `code ${code}`, refusal, words, streamerLog));
      });
      try {
        healthPort = (await child.message(isHealth, CHILD_READY_MS)).port;
      } catch (error) {
        await child.stop(2_000);
        throw streamerEnded((error as Error).message, refusal, child.lastWords(), streamerLog);
      }
    },
    endStreamer: async (signal) => {
      const child = streamer;
      streamer = undefined;
      healthPort = 0;
      if (!child) return null;
      if (signal === 'SIGTERM') await child.stop(STREAMER_STOP_MS);
      else child.process.kill('SIGKILL');
      return (await child.exited).code;
    },
    settled: async () => {
      const [stats, tape] = await Promise.all([desk.streamerStats(), desk.gatewayStatus()]);
      if (!stats || !tape?.ended) return false;
      return (
        stats.marketMs >= endOfBar(tape.tapeEndMs) &&
        stats.marketData.nextCloseMs === null &&
        stats.marketData.buffer.depth === 0 &&
        stats.ready &&
        stats.gaps.open === 0 &&
        stats.outbox.depth === 0 &&
        (bookOf(stats)?.depth ?? 0) === 0 &&
        cloud.stats().pending === 0 &&
        (await depthOfQueues(cloud)) === 0
      );
    },
    candles: () => readCandles(cloud),
    rest: async (say = () => undefined) => {
      ending = true;
      resting ??= bringToRest({
        ...realTime,
        underWay: cloud.underWay,
        left: async () => cloud.stats().pending + (await depthOfQueues(cloud)),
        progress: () => doneBy(cloud),
        streamerRuns: () => streamer?.process.exitCode === null && streamer.process.signalCode === null,
        endStreamer: async () => void (await desk.endStreamer('SIGTERM')),
        say,
      });
      await resting;
    },
    stop: async () => {
      await desk.rest();
      place.remove();
      // What was cut off has had its time.
      await cloud.stop((await resting) === false ? 0 : undefined);
      await gateway?.child.stop(5_000);
      folder.release();
      return lastStats;
    },
  };
  try {
    await desk.startStreamer();
  } catch (error) {
    ending = true;
    place.remove();
    await cloud.stop();
    await gateway?.child.stop(2_000);
    folder.release();
    throw error;
  }
  return desk;
}

/** A streamer that says why it cannot go on is quoted; one that ends without a word shows its last lines. */
function streamerEnded(how: string, refusal: string | undefined, words: string, logFile: string): DeskError {
  const reason = refusal ?? `The streamer ended (${how}).\n${words}`;
  return new DeskError(`${reason}\nIts log: ${logFile}`, refusal === undefined ? 1 : 2);
}

/** What the streamer expects of its gateway: the account of the login, and its own client as the master client. */
function loginOf(
  stage: string,
  { streamerEnv = {} }: DeskOptions,
): { readonly account: string; readonly clientId: number } | undefined {
  try {
    const [first] = loadConfig({ stage, env: streamerEnv }).streamers;
    return first && { account: first.account, clientId: first.gateway.clientId };
  } catch (error) {
    // The streamer says it better, with its log.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** What waits between the streamer and the book: in the outbox, by the streamer's own figures. */
function bookOf(stats: StreamerStats): { readonly depth?: number } | undefined {
  return (stats as { readonly book?: { readonly depth?: number } }).book;
}

/** Messages of the queues that a function polls, with those of a batch under way. */
async function depthOfQueues(cloud: LocalCloud): Promise<number> {
  const polled = cloud.model.mappings.map(({ queueArn }) => queueArn.split(':').at(-1) ?? '');
  const depths = await Promise.all(polled.map((name) => cloud.queueDepth(name)));
  return depths.reduce((sum, depth) => sum + depth, 0);
}

async function startGateway(options: DeskOptions, dataDir: string, login: ReturnType<typeof loginOf>) {
  const { promise: listening, resolve: heard } = Promise.withResolvers<Listening>();
  const child = startChild({
    name: 'simulated gateway',
    script: GATEWAY_MAIN,
    args: [
      ...(options.tape === undefined
        ? ['--seed', String(options.seed ?? 1), '--minutes', String(options.minutes ?? GENERATED_MINUTES)]
        : ['--tape', options.tape]),
      ...(options.script === undefined ? [] : ['--script', options.script]),
      '--port',
      '0',
      '--speed',
      options.speed,
      '--start-delay',
      String(START_DELAY_MS),
      ...(login === undefined
        ? []
        : ['--master-client-id', String(login.clientId), '--account', login.account]),
      ...(options.gatewayArgs ?? []),
      '--json',
    ],
    logFile: join(dataDir, 'logs', 'gateway.log'),
    onLine: (line) => {
      if (line.startsWith('{"event":"listening"')) heard(JSON.parse(line) as Listening);
    },
  });
  const ended = child.exited.then(() => undefined);
  const first = await Promise.race([listening, ended]);
  // A tape that cannot be read is the person's input: its own message says what, where and what to do.
  if (!first) throw new DeskError(child.lastWords() || 'The simulated gateway ended at its start.', 2);
  return { child, port: first.port, controlPort: first.controlPort, symbols: first.symbols };
}

/** A gateway that does not answer at the start is the person's input; later on the streamer waits for it. */
async function reach({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection({ host, port, timeout: 5_000 });
    const refuse = (why: string): void => {
      socket.destroy();
      reject(
        new DeskError(
          `The gateway at ${host}:${port} cannot be reached (${why}). Check that IB Gateway or TWS runs there, that its API is enabled (Configure, Settings, API), and that the port is right: for a paper account ${portsText('paper')}.`,
          2,
        ),
      );
    };
    socket.once('connect', () => {
      socket.end();
      resolve();
    });
    socket.once('timeout', () => refuse('no answer within 5 s'));
    socket.once('error', (error) => refuse(error.message));
  });
}

function endOfBar(ms: number): number {
  return Math.floor(ms / INTERVAL_MS) * INTERVAL_MS + INTERVAL_MS;
}

/** A tape that is not there is told before anything is touched; what is in it, the gateway reads. */
async function readable(tape: string): Promise<void> {
  try {
    await access(tape, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DeskError(`The tape ${tape} cannot be read (${code}). Check the path given with --tape.`, 2);
  }
}

/** Counts everything that the cloud has done, also what failed: it is tried again, which is no standing still. */
function doneBy(cloud: LocalCloud): number {
  const { deliveries, scheduler, invocations } = cloud.stats();
  return [deliveries, scheduler, invocations].reduce((sum, { ok, failed }) => sum + ok + failed, 0);
}

async function getJson<T>(url: string): Promise<T | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? ((await response.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}

function isHealth(message: unknown): message is { readonly kind: 'health'; readonly port: number } {
  return (message as { kind?: string } | undefined)?.kind === 'health';
}

function isRefused(message: unknown): message is { readonly kind: 'refused'; readonly message: string } {
  return (message as { kind?: string } | undefined)?.kind === 'refused';
}

function isStopped(message: unknown): message is { readonly kind: 'stopped'; readonly stats: StreamerStats } {
  return (message as { kind?: string } | undefined)?.kind === 'stopped';
}
