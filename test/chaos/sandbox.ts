/** The whole sandbox as processes, with a front before the gateway, traffic on it, and somebody who watches. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../sandbox/cloud/faults.ts';
import { type Desk, startDesk } from '../../sandbox/desk/desk.ts';
import { account } from '../helpers/orders-out.ts';
import type { ReferenceBars } from '../helpers/reference-bars.ts';
import { Front } from './front.ts';
import { Keeper } from './keeper.ts';
import { type Tables, tablesOf } from './tables.ts';
import { Traffic } from './traffic.ts';
import { Watch } from './watch.ts';

export interface Tape {
  readonly file: string;
  readonly reference: ReferenceBars;
}

export interface SandboxOptions {
  /** Empty; the caller removes it. */
  readonly folder: string;
  readonly tape: Tape;
  readonly seed: number;
  readonly streamerEnv?: Readonly<Record<string, string>>;
  readonly functionEnv?: Readonly<Record<string, string>>;
  /** Mode of reconcile; `warn` by default. */
  readonly mode?: 'warn' | 'auto_sync';
  /** Market seconds a second. */
  readonly speed?: number;
  /** Of the lease; a sixth of it is between two renewals. */
  readonly ttlMs?: number;
}

/** Of the lease, as these runs have it; 20 s and 5 s where it is deployed. */
export const leaseTtlMs = 6_000;
export const speedStandard = 20;
const arriveMs = 30_000;

export class Sandbox {
  readonly desk: Desk;
  readonly front: Front;
  readonly keeper: Keeper;
  readonly watch: Watch;
  readonly traffic: Traffic;
  readonly tables: Tables;
  readonly reference: ReferenceBars;
  readonly folder: string;
  /** Name of the queue of the streamer's commands. */
  readonly commandQueue: string;
  readonly streamerEnv: Readonly<Record<string, string>>;
  readonly #timers: NodeJS.Timeout[];

  private constructor(
    parts: Pick<Sandbox, 'desk' | 'front' | 'keeper' | 'watch' | 'traffic' | 'tables'> & Given,
  ) {
    this.desk = parts.desk;
    this.front = parts.front;
    this.keeper = parts.keeper;
    this.watch = parts.watch;
    this.traffic = parts.traffic;
    this.tables = parts.tables;
    this.reference = parts.reference;
    this.folder = parts.folder;
    this.streamerEnv = parts.streamerEnv;
    this.commandQueue = parts.desk.cloud
      .containerEnvironment('streamer')
      .COMMAND_QUEUE_URL!.split('/')
      .at(-1)!;
    // A minute and five of them would be waited for; they are what the clock of the sandbox would call.
    this.#timers = [
      setInterval(() => this.fire('watchdog'), 5_000),
      setInterval(() => this.fire('alerts'), 5_000),
      setInterval(() => this.fire('reconcile-main'), 10_000),
    ];
  }

  static async start(options: SandboxOptions): Promise<Sandbox> {
    const { folder, tape, seed, speed = speedStandard, mode = 'warn', ttlMs = leaseTtlMs } = options;
    const front = await Front.start();
    const streamerEnv = {
      ...configOf(folder, ttlMs),
      IB_GATEWAY_HOST: '127.0.0.1',
      IB_GATEWAY_PORT: String(front.port),
      ...options.streamerEnv,
    };
    let desk: Desk | undefined;
    try {
      const starting = startDesk({
        tape: tape.file,
        speed: String(speed),
        dataDir: join(folder, 'data'),
        functionProcesses: true,
        schedules: false,
        functionEnv: { ...rulesOf(mode, speed), ...options.functionEnv },
        streamerEnv,
        gatewayArgs: ['--fill-share', '1'],
      });
      desk = await starting;
      front.lead(desk.gateway!.port);
      const tables = tablesOf(desk.cloud);
      const flags = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: mode === 'auto_sync' };
      await tables.safety.setFlags(account, flags, person);
      const keeper = new Keeper(desk);
      const watch = new Watch(tables, account, desk.healthPort);
      const traffic = await Traffic.open(desk, seed);
      keeper.start();
      watch.start();
      const { reference } = tape;
      return new Sandbox({ desk, front, keeper, watch, traffic, tables, reference, folder, streamerEnv });
    } catch (error) {
      await desk?.stop();
      front.stop();
      throw error;
    }
  }

  /** What a schedule calls, now. */
  fire(name: string): void {
    this.desk.cloud.fireSchedule(`evenkeel-sandbox-${name}`);
  }

  /** What a person does who has understood why the system went into its safe mode. */
  async clearSafeMode(): Promise<void> {
    await this.tables.safety.setFlags(account, { SAFE_MODE: false }, person);
  }

  /** The same fault for every role of the template, and none for those who look on. */
  addFault(fault: Omit<Fault, 'caller'>): void {
    for (const { logicalId } of this.desk.cloud.model.roles)
      this.desk.cloud.faults.add({ ...fault, caller: logicalId });
  }

  roleOf(name: string): string {
    return this.desk.cloud.model.functions.find((fn) => fn.name === functionName(name))!.role.logicalId;
  }

  functionPids(name: string): readonly number[] {
    return this.desk.cloud.functionPids(functionName(name));
  }

  /** The process of the DynamoDB engine: the one that works in this sandbox's folder. */
  enginePid(): number | undefined {
    const listed = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' });
    for (const line of listed.split('\n')) {
      const [, pid, command = ''] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
      if (line.includes(this.folder) && /dynoxide|java/.test(command)) return Number(pid);
    }
    return undefined;
  }

  /**
   * Ends what would still change tables: the streamer, and what the clock calls; then what is on its way has arrived. The
   * market at the broker goes on.
   *
   * @returns how far the streamer has seen it, Unix ms
   */
  async still(): Promise<number> {
    const { desk } = this;
    const marketMs = (await desk.streamerStats())?.marketMs ?? 0;
    for (const timer of this.#timers) clearInterval(timer);
    this.keeper.isOn = false;
    await desk.endStreamer('SIGTERM');
    const isWorking = async () =>
      desk.cloud.stats().pending > 0 || (await desk.cloud.queueDepth('evenkeel-sandbox-book.fifo')) > 0;
    for (const deadline = Date.now() + arriveMs; Date.now() < deadline && (await isWorking()); )
      await sleep(100);
    return marketMs;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.traffic.stop();
    await this.keeper.stop();
    await this.watch.stop();
    await this.desk.stop();
    this.front.stop();
  }
}

interface Given {
  readonly reference: ReferenceBars;
  readonly folder: string;
  readonly streamerEnv: Readonly<Record<string, string>>;
}

export const person = { who: 'arn:aws:iam::000000000000:user/operator', reason: 'chaos' };

function functionName(name: string): string {
  return `evenkeel-sandbox-${name}`;
}

/** Waits short enough for an experiment; no limit that a day of random orders would meet. */
function configOf(folder: string, ttlMs: number): Record<string, string> {
  const dir = join(folder, 'config');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'sandbox.yml'),
    `stage: sandbox
logLevel: info
streamers:
  - name: main
    account: ${account}
    symbols: [GC]
    gateway: { probeIntervalMs: 1000, probeTimeoutMs: 2000, handshakeTimeoutMs: 4000 }
    health: { port: 0 }
lease: { ttlMs: ${ttlMs}, renewMs: ${Math.floor(ttlMs / 6)} }
heartbeat: { everyMs: 2000 }
orders: { resyncMs: 15000, listTimeoutMs: 5000 }
reconnect: { firstMs: 100, maxMs: 400, jitter: 0.2, breakerFailures: 10, breakerRetryMs: 500 }
backfill: { retryMs: 1000, maxAttempts: 60 }
reconcile: { noStopNeeded: [GC] }
risk:
  maxQuantity: null
  maxNotional: null
  maxPosition: null
  maxOpenOrders: null
  maxOrdersPerMinute: null
  maxDailyLoss: null
  maxDrawdown: null
resetWindows: []
`,
  );
  return { EVENKEEL_CONFIG_DIR: dir };
}

/** The functions have theirs from the template: what is random has no stops, and IB's night is any hour here. */
function rulesOf(mode: 'warn' | 'auto_sync', speed: number): Record<string, string> {
  const rules = {
    mode,
    // Of the market's time.
    quietMs: 5_000 * speed,
    snapshotTimeoutMs: 15_000,
    noStopNeeded: ['GC'],
    massChange: { share: '1', atLeast: 1_000 },
    resetWindows: [],
  };
  return { RECONCILE_RULES: JSON.stringify(rules), NO_STOP_NEEDED: '["GC"]', RESET_WINDOWS: '[]' };
}
