import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventArchive } from './archive.ts';
import { loadAssembly } from './assembly.ts';
import { asyncLane } from './async-invocations.ts';
import { type Delivery, DeliveryStore, type NewDelivery } from './delivery-store.ts';
import { Dispatcher, type Lane } from './dispatcher.ts';
import { type DynamoDbEngine, startDynamoDb } from './dynamodb-engine.ts';
import { DynamoDbProxy } from './dynamodb-proxy.ts';
import { Endpoint } from './endpoint.ts';
import { EventBridge } from './event-bridge.ts';
import { EventSource } from './event-source.ts';
import { type Fault, Faults } from './faults.ts';
import { type AccessDecision, Iam } from './iam.ts';
import { type Invocation, LambdaFunction } from './lambda.ts';
import {
  containerEnvironment,
  functionEnvironment,
  type LocalPlace,
  operatorEnvironment,
} from './local-environment.ts';
import { LogFile } from './log-file.ts';
import { mayWriteLog } from './log-writing.ts';
import { Logs } from './logs.ts';
import type { CloudModel } from './model.ts';
import { ruleLane } from './rule-delivery.ts';
import { S3 } from './s3.ts';
import { scheduleLane } from './schedule-delivery.ts';
import { Scheduler } from './scheduler.ts';
import { Secrets } from './secrets.ts';
import { Services } from './services.ts';
import { Sns } from './sns.ts';
import { Sqs } from './sqs.ts';
import { type CloudStats, StatsCollector } from './stats.ts';
import { ensureTables } from './tables.ts';
import { readTemplate } from './template.ts';

export interface StartCloudOptions {
  /** Output folder of `cdk synth`. */
  readonly assembly: string;
  readonly stack: string;
  /** Everything that survives a restart is here. */
  readonly dataDir: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** One line for a person, for example a refused permission; nothing when left out. */
  readonly log?: (message: string) => void;
  readonly faults?: readonly Fault[];
  /** Back-off times of AWS are multiplied by this; 0.02 makes a minute 1.2 s. */
  readonly timeScale?: number;
  /** Execution environments of each function. */
  readonly functionPool?: number;
  /** Each environment is a process of its own, which a test may kill, instead of a thread. */
  readonly functionProcesses?: boolean;
  /** On top of what the template gives every function. */
  readonly functionEnv?: Readonly<Record<string, string>>;
  /** False: schedules are called by `fireSchedule` alone, and no minute of the wall clock changes what a test sees. */
  readonly schedules?: boolean;
  /** False: a function starts when it is called for the first time, and not with the cloud. */
  readonly warm?: boolean;
  /** Files that the containers' output goes to, by the container's name: what CloudWatch Logs answers from. */
  readonly containerLogs?: Readonly<Record<string, string>>;
}

export interface LocalCloud {
  /** `http://127.0.0.1:port`, for AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  readonly region: string;
  readonly engine: DynamoDbEngine['kind'];
  /** Everything that the template defines, with the names as deployed. */
  readonly model: CloudModel;
  readonly faults: Faults;
  readonly stats: () => CloudStats;
  /**
   * The environment of a container of the template, as ECS would give it, with local credentials and endpoint. Where
   * several tasks have a container of this name, `where` picks one by its variables.
   */
  readonly containerEnvironment: (
    name: string,
    where?: Readonly<Record<string, string>>,
  ) => Record<string, string>;
  /** The environment of somebody who may do everything: tests and the sandbox's own view. */
  readonly operatorEnvironment: () => Record<string, string>;
  /** Processes of a function, by its name; none when functions run as threads. */
  readonly functionPids: (name: string) => readonly number[];
  /** Invocations of functions that have not ended, whoever asked for them. */
  readonly underWay: () => readonly Invocation[];
  /** Calls a schedule's target now, also of one that is disabled; its name, or `<group>/<name>`. */
  readonly fireSchedule: (name: string) => void;
  /** Tells every decision about a role of the template from now on, until the returned function is called. */
  readonly watchAccess: (seen: (decision: AccessDecision) => void) => () => void;
  /**
   * Takes roles and resource policies from another assembly of the same stack, and nothing else of it: a deployment that
   * changes permissions alone.
   */
  readonly deployPermissions: (assembly: string) => Promise<void>;
  /** Messages of a queue, by its name, in any state: ready, in flight, delayed. */
  readonly queueDepth: (name: string) => Promise<number>;
  /** Resolves when nothing is pending; throws after `timeoutMs`. */
  readonly idle: (timeoutMs: number) => Promise<void>;
  /**
   * Ends it. Deliveries and batches under way are given `graceMs` (3 s when left out); what is not done by then comes
   * again with the next start.
   */
  readonly stop: (graceMs?: number) => Promise<void>;
}

const STOP_GRACE_MS = 3_000;
const TIME_SCALE = 0.02;
const FUNCTION_POOL = 2;

/**
 * Starts the local cloud on a synthesised stack. Throws CloudError for a template that it cannot run faithfully, a data
 * folder in use, a port in use, or no DynamoDB engine.
 */
export async function startCloud(options: StartCloudOptions): Promise<LocalCloud> {
  const stops: Stops = [];
  const stop = async (graceMs = STOP_GRACE_MS): Promise<void> => {
    for (const step of stops.splice(0).toReversed()) await step(graceMs);
  };
  try {
    return await start(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

type Stops = ((graceMs: number) => Promise<void> | void)[];

async function start(
  options: StartCloudOptions,
  stops: Stops,
  stop: LocalCloud['stop'],
): Promise<LocalCloud> {
  const { log = () => undefined } = options;
  // Absolute, because other processes get paths in it.
  const dataDir = path.resolve(options.dataDir);
  const stats = new StatsCollector(log);
  const faults = new Faults();
  for (const fault of options.faults ?? []) faults.add(fault);

  const assembly = await loadAssembly(options.assembly, options.stack);
  const endpoint = new Endpoint();
  const url = await endpoint.listen(options.port ?? 0);
  stops.push(async () => endpoint.close());
  const model = readTemplate(assembly, url);
  const place: LocalPlace = { endpoint: url, region: model.region, dataDir };

  const store = new DeliveryStore(dataDir);
  stops.push(() => store.close());
  const { engine, sqs } = await startEngines(model, dataDir, stops);
  const dynamodb = new DynamoDbProxy(engine.endpoint);
  stops.push(() => dynamodb.stop());
  // Before the engines end, so that nobody gets answers from half a cloud. Closing twice is harmless.
  stops.push(async () => {
    sqs.interrupt();
    await endpoint.close();
  });

  const iam = new Iam(model);
  const secrets = new Secrets(model, dataDir);
  const s3 = new S3(model, dataDir);
  stops.push(() => s3.close());
  const logs = new Logs(model, dataDir, options.containerLogs ?? {});
  const functions = buildFunctions(model, { place, options, stops, iam, stats });
  const timeScale = options.timeScale ?? TIME_SCALE;
  const context = { iam, sqs, faults, stats, region: model.region, timeScale };
  const dispatcher = new Dispatcher({
    store,
    timeScale,
    laneOf: laneFinder(model, functions, context),
  });
  stops.push(async (graceMs) => dispatcher.stop(graceMs));
  const accept = (deliveries: readonly NewDelivery[]): void => dispatcher.accept(deliveries);
  const archives = model.archives.map(
    (archive) => new EventArchive(archive, dataDir, (message) => stats.problem(message)),
  );
  stops.push(async () => {
    for (const archive of archives) await archive.flush();
  });
  const events = new EventBridge({
    buses: model.buses,
    archives,
    place: model,
    stats,
    accept,
    pending: () => store.count,
  });
  const byName = new Map(
    [...functions.values()].flatMap((fn) => [[fn.model.name, fn] as const, [fn.model.arn, fn] as const]),
  );
  const parts = {
    iam,
    faults,
    stats,
    dynamodb,
    sqs,
    events,
    secrets,
    s3,
    logs,
    sns: new Sns(model.topics, dataDir, stats),
    accept,
    functions: byName,
    pidOf: (token: string): number | undefined => {
      for (const fn of functions.values()) {
        const pid = fn.pidOf(token);
        if (pid !== undefined) return pid;
      }
      return undefined;
    },
    account: model.account,
    partitionKeyOf: partitionKeys(model),
    host: new URL(url).host,
  };
  endpoint.handle(new Services(parts).handle);

  dispatcher.start();
  for (const mapping of model.mappings) {
    const fn = functions.get(mapping.functionArn);
    if (fn === undefined) continue;
    const source = new EventSource(mapping, fn, context);
    source.start();
    stops.push(async (graceMs) => source.stop(graceMs));
  }
  const scheduler = new Scheduler({ schedules: model.schedules, accept, stats });
  if (options.schedules ?? true) scheduler.start();
  stops.push(() => scheduler.stop());
  if (options.warm ?? true) warmFed(model, functions);

  return {
    endpoint: url,
    region: model.region,
    engine: engine.kind,
    model,
    faults,
    stats: () => stats.snapshot(store.count, faults.injected),
    containerEnvironment: (name, where = {}) =>
      containerEnvironment(name, where, { model, iam, secrets, place }),
    operatorEnvironment: () => operatorEnvironment(place),
    functionPids: (name) => byName.get(name)?.pids ?? [],
    underWay: () => [...functions.values()].flatMap((fn) => fn.underWay),
    fireSchedule: (name) => scheduler.fire(name),
    watchAccess: (seen) => iam.watch(seen),
    deployPermissions: async (folder) =>
      iam.deploy(readTemplate(await loadAssembly(folder, options.stack), url)),
    queueDepth: async (name) => sqs.depth(`arn:aws:sqs:${model.region}:${model.account}:${name}`),
    idle: async (timeoutMs) => untilIdle(store, timeoutMs),
    stop,
  };
}

/** Both engines start at once; when one fails the other is still stopped. */
async function startEngines(
  model: CloudModel,
  dataDir: string,
  stops: Stops,
): Promise<{ engine: DynamoDbEngine; sqs: Sqs }> {
  const [engine, sqs] = await Promise.allSettled([
    startTables(model, dataDir, stops),
    Sqs.start(model, dataDir),
  ]);
  if (sqs.status === 'fulfilled') stops.push(async () => sqs.value.stop());
  if (engine.status === 'rejected') throw engine.reason;
  if (sqs.status === 'rejected') throw sqs.reason;
  return { engine: engine.value, sqs: sqs.value };
}

async function startTables(model: CloudModel, dataDir: string, stops: Stops): Promise<DynamoDbEngine> {
  const engine = await startDynamoDb({ dataDir });
  stops.push(async () => engine.stop());
  await ensureTables(engine.endpoint, model.region, model.tables);
  return engine;
}

function partitionKeys({ tables }: CloudModel): (table: string) => string | undefined {
  const names = new Map(
    tables.map(({ name, create }) => {
      const keys = create.KeySchema as readonly {
        readonly AttributeName: string;
        readonly KeyType: string;
      }[];
      return [name, keys.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName];
    }),
  );
  return (table) => names.get(table);
}

interface FunctionParts {
  readonly place: LocalPlace;
  readonly options: StartCloudOptions;
  readonly stops: Stops;
  readonly iam: Iam;
  readonly stats: StatsCollector;
}

/** By ARN. Their output goes to `logs/<function>.log` in the data folder, as far as their roles let it. */
function buildFunctions(
  model: CloudModel,
  { place, options, stops, iam, stats }: FunctionParts,
): Map<string, LambdaFunction> {
  const { functionPool: poolMax = FUNCTION_POOL, functionProcesses: asProcesses = false } = options;
  const functions = new Map<string, LambdaFunction>();
  for (const fn of model.functions) {
    const mayWrite = (): boolean => mayWriteLog(fn, model, iam, stats);
    const log = new LogFile(path.join(place.dataDir, 'logs', `${fn.name}.log`), mayWrite);
    const lambda = new LambdaFunction({
      model: fn,
      poolMax,
      env: { ...functionEnvironment(fn, place), ...options.functionEnv },
      log,
      asProcesses,
    });
    functions.set(fn.arn, lambda);
    stops.push(async () => {
      await lambda.stop();
      await log.flush();
    });
  }
  return functions;
}

/** What a person or a schedule calls may wait for its start; each environment costs memory and a tenth of a second. */
function warmFed(model: CloudModel, functions: ReadonlyMap<string, LambdaFunction>): void {
  const fed = [
    ...model.mappings.map(({ functionArn }) => functionArn),
    ...model.buses.flatMap(({ rules }) => rules.flatMap(({ targets }) => targets.map(({ arn }) => arn))),
  ];
  for (const arn of new Set(fed)) functions.get(arn)?.warm();
}

type LaneContext = Parameters<typeof ruleLane>[2] & Parameters<typeof asyncLane>[1];

/** Finds the lane of a delivery: one for each target of each rule, each schedule and each function. */
function laneFinder(
  model: CloudModel,
  functions: ReadonlyMap<string, LambdaFunction>,
  context: LaneContext,
): (delivery: Delivery) => Lane | undefined {
  const lanes = new Map<string, Lane>();
  for (const rule of model.buses.flatMap((bus) => bus.rules)) {
    for (const target of rule.targets)
      lanes.set(`rule ${rule.arn} ${target.id}`, ruleLane(rule, target, context));
  }
  for (const schedule of model.schedules)
    lanes.set(`schedule ${schedule.arn}`, scheduleLane(schedule, context));
  for (const [arn, fn] of functions) lanes.set(`async ${arn}`, asyncLane(fn, context));
  return (delivery) => {
    const { kind, target } = delivery;
    const lane = lanes.get(`${kind} ${kind === 'schedule' ? target.split(' ')[0] : target}`);
    if (lane === undefined)
      context.stats.problem(
        `an event that was pending for ${delivery.target} is dropped: the template has this target no more`,
      );
    return lane;
  };
}

async function untilIdle(store: DeliveryStore, timeoutMs: number): Promise<void> {
  const giveUp = performance.now() + timeoutMs;
  while (store.count > 0) {
    if (performance.now() > giveUp)
      throw new Error(`${store.count} deliveries are still pending after ${timeoutMs} ms`);
    await sleep(5);
  }
}
