import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../../bin/evenkeel/io.ts';
import { runEvenkeel } from '../../../bin/evenkeel/program.ts';
import type { StagePorts } from '../../../bin/evenkeel/stage-ports.ts';
import { bookEvent } from '../../../functions/book-keeper/book-event.ts';
import { CandlesTable } from '../../../lib/aws/candles-table.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { AlertMemoryRow } from '../../../lib/ports/alert-memory.ts';
import { proofHeader, proofText } from '../../../lib/ports/identity-proof.ts';
import type { Heartbeat, Lease } from '../../../lib/ports/lease-store.ts';
import type { LogLine } from '../../../lib/ports/log-reader.ts';
import { LogGroupMissingError } from '../../../lib/ports/log-reader.ts';
import type { ObjectStore, StoredObject } from '../../../lib/ports/object-store.ts';
import type { Identity, QueueDepth } from '../../../lib/ports/stage-probes.ts';
import { type BookTables, createBookTables } from '../../helpers/book-tables.ts';
import type { DynamoEngine } from '../../helpers/dynamo-engine.ts';
import { MemorySecrets } from '../../helpers/memory-secrets.ts';
import { MemoryBucket } from '../../helpers/reconcile-desk.ts';
import { type BackupWorld, backupPorts, createBackupWorld } from './backup-desk.ts';

export const account = 'DU1234567';
/** The system clock of every test; a Monday. */
export const nowMs = Date.UTC(2026, 0, 5, 15, 0);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What stands around the book: as the parts of a running stage left it. */
export interface World {
  heartbeat: Heartbeat | undefined;
  lease: Lease | undefined;
  identity: Identity;
  alerts: AlertMemoryRow;
  /** Missing ones are undefined; others are empty. */
  depths: Record<string, QueueDepth | undefined>;
  tableStates: Record<string, string | undefined>;
  logs: Record<string, readonly LogLine[]>;
  objects: Map<string, Uint8Array>;
  /** The bucket of the archive. */
  archive: ObjectStore | undefined;
  /** The bucket of reconcile. */
  readonly reconcile: MemoryBucket;
  readonly backups: BackupWorld;
  /** Ctrl-C for the command that runs. */
  interrupt: () => void;
  /** What a person types in answer; undefined where nobody sits there. */
  ask: ((question: string) => Promise<string>) | undefined;
  sent: { readonly id: string; readonly group: string; readonly body: string }[];
  /** Thrown by the next call of any port. */
  failure: Error | undefined;
  /** Called when a command waits. */
  onSleep: (ms: number) => void | Promise<void>;
}

export interface TestDesk extends BookTables {
  readonly dataDir: string;
  readonly world: World;
  readonly candles: CandlesTable;
  run(...argv: string[]): Promise<Ran>;
  /** On a stage that is not the sandbox, or with other variables. */
  runWith(env: Record<string, string>, ...argv: string[]): Promise<Ran>;
  /** Books events as the book-keeper does. */
  tell(...events: readonly Envelope[]): Promise<void>;
  /** Lets time go by. */
  later(ms: number): void;
  stop(): void;
}

let desks = 0;
const oneTurn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 1));

/** The operator's program over a real book on an engine; what is around the book is in memory. */
export async function createDesk(engine: DynamoEngine): Promise<TestDesk> {
  desks += 1;
  const tables = await createBookTables(engine, `desk-${desks}`);
  await engine.createTable(`desk-${desks}-candles`);
  await engine.createTable(`desk-${desks}-control`);
  const candles = new CandlesTable({
    client: engine.client,
    tableName: `desk-${desks}-candles`,
    retentionDays: 400,
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-cli-'));
  writeFileSync(
    join(dataDir, 'endpoint.json'),
    JSON.stringify({ endpoint: engine.endpoint, region: 'us-east-1' }),
  );
  let clockMs = nowMs;
  const world = quietWorld();
  const backups = backupPorts(world.backups, {
    engine,
    tables,
    controlTable: `desk-${desks}-control`,
    nowMs: () => clockMs,
  });
  const ports = { ...portsOf(world, tables, candles), ...backups };
  const runWith = async (env: Record<string, string>, ...argv: string[]): Promise<Ran> => {
    const said = { out: '', err: '' };
    const quit = new AbortController();
    world.interrupt = () => quit.abort();
    const io: Io = {
      out: {
        write: (text) => {
          said.out += text;
        },
        isTTY: false,
        columns: 120,
      },
      err: {
        write: (text) => {
          said.err += text;
        },
        isTTY: false,
        columns: 120,
      },
      env,
      signal: quit.signal,
      nowMs: () => clockMs,
      ask: world.ask,
      sleep: async (ms) => {
        clockMs += ms;
        await world.onSleep(ms);
        // Whoever waits for something real has to let it happen.
        await oneTurn();
      },
    };
    const place = env.STAGE === undefined && !argv.includes('--stage') ? ['--data', dataDir] : [];
    const code = await runEvenkeel([...place, ...argv], io, () => ports, '0.0.0');
    return { code, ...said };
  };
  return {
    ...tables,
    world,
    candles,
    run: (...argv) => runWith({}, ...argv),
    runWith,
    tell: async (...events) => {
      for (const event of events) {
        await bookEvent(event, {
          book: tables.book,
          nowMs: () => clockMs,
          sleep: async () => undefined,
          random: () => 0,
        });
      }
    },
    later: (ms) => {
      clockMs += ms;
      if (world.heartbeat) world.heartbeat = { ...world.heartbeat, atMs: world.heartbeat.atMs + ms };
    },
    dataDir,
    stop: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

export function heartbeatOf(changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    streamer: 'main',
    epoch: 7,
    atMs: nowMs - 3_000,
    phase: 'ready',
    ready: true,
    marketMs: nowMs - 2_000,
    feeds: [{ symbol: 'GCZ3', conId: 98765432, feed: 'live', trades: 100 }],
    orders: { synced: true, syncedAtMs: nowMs - 20_000 },
    outboxDepth: 0,
    bookDepth: 0,
    startedAtMs: nowMs - 3_600_000,
    ...changes,
  };
}

function quietWorld(): World {
  return {
    heartbeat: heartbeatOf(),
    lease: { holder: 'outbox-1', token: 7, version: 40, renewedAtMs: nowMs - 1_000, released: false },
    identity: { account: '000000000000', arn: 'arn:aws:iam::000000000000:user/operator', clockSkewMs: 0 },
    alerts: { version: 0, memory: undefined },
    depths: {},
    tableStates: {},
    logs: {},
    objects: new Map(),
    archive: undefined,
    reconcile: new MemoryBucket(),
    backups: createBackupWorld(),
    interrupt: () => undefined,
    ask: undefined,
    sent: [],
    failure: undefined,
    onSleep: () => undefined,
  };
}

function portsOf(
  world: World,
  { book, audit }: BookTables,
  candles: CandlesTable,
): Omit<StagePorts, 'backups' | 'functions' | 'restoreTarget' | 'scratch'> {
  const answer = <T>(value: () => T): Promise<T> =>
    world.failure === undefined ? Promise.resolve(value()) : Promise.reject(world.failure);
  const inWorld = <T extends object, K extends string>(
    from: Record<string, T | undefined>,
    name: K,
    otherwise: T,
  ) => (Object.hasOwn(from, name) ? from[name] : otherwise);
  return {
    book,
    audit,
    candles,
    leases: { read: () => answer(() => world.lease), replace: () => answer(() => false) },
    heartbeats: { read: () => answer(() => world.heartbeat), write: () => answer(() => undefined) },
    deployment: { region: async () => 'us-east-1', bootstrapped: async () => 'yes' },
    secrets: new MemorySecrets(),
    alerts: { read: () => answer(() => world.alerts) },
    identity: { whoAmI: () => answer(() => world.identity) },
    queues: { depth: (name) => answer(() => inWorld(world.depths, name, { waiting: 0, inFlight: 0 })) },
    tables: {
      status: (name) =>
        answer(() => (Object.hasOwn(world.tableStates, name) ? world.tableStates[name] : 'ACTIVE')),
    },
    logs: {
      async *lines({ group, streamPrefix = '', fromMs }) {
        const lines = world.logs[group];
        if (lines === undefined) throw new LogGroupMissingError(group);
        for (const line of lines) if (line.atMs >= fromMs && line.stream.startsWith(streamPrefix)) yield line;
      },
    },
    commands: () => answer(() => ({ send: async (command) => void world.sent.push(command) })),
    archive: () =>
      answer(() => {
        if (world.archive === undefined) throw new Error('this test has no archive');
        return world.archive;
      }),
    reconcile: () => answer(() => world.reconcile),
    proveIdentity: async (purpose, planHash) => ({
      url: `${world.identity.arn} ${crypto.randomUUID()}`,
      headers: { [proofHeader]: proofText(purpose, planHash) },
    }),
    snapshots: () =>
      answer(() => ({
        put: async ({ key, body }: StoredObject) => {
          world.objects.set(key, body);
          return 'stored' as const;
        },
        get: async (key: string) => world.objects.get(key),
        async *list() {},
      })),
  };
}
