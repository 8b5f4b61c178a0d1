import { parseArgs } from 'node:util';
import { ConfigError } from '../config/config-error.ts';
import { environmentWithDotenv } from '../config/dotenv.ts';
import { EnvironmentError } from '../config/env.ts';
import { loadConfig } from '../config/load.ts';
import type { Config, StreamerConfig } from '../config/schema.ts';
import { createBookQueue } from '../lib/aws/book-queue.ts';
import { openBookTable } from '../lib/aws/book-table.ts';
import { createEventBridgePublisher } from '../lib/aws/clients.ts';
import { openCommandSource } from '../lib/aws/command-queue.ts';
import { openHeartbeatTable } from '../lib/aws/heartbeat-table.ts';
import { openLeaseTable } from '../lib/aws/lease-table.ts';
import { openObjectStore } from '../lib/aws/object-store.ts';
import { exportEveryMs } from '../lib/domain/metrics/metric.ts';
import { type EventDelivery, openDelivery } from './event-delivery.ts';
import { type HealthServer, type HealthSource, serveHealth } from './health.ts';
import { isDiskFault, tellLastWord } from './last-word.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { type LeaseSource, NoLease } from './lease-none.ts';
import { createLogger, type Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { epochFromClock, OutboxError } from './outbox.ts';
import { PrintingPublisher } from './printing-publisher.ts';
import { readableStack } from './readable-stack.ts';
import type { Streamer } from './streamer.ts';
import { StreamerError } from './streamer-error.ts';
import { Supervisor } from './supervisor.ts';
import { StreamerDuty } from './supervisor-duty.ts';

const USAGE = `Usage: npm run streamer [-- options]

Holds the session with IB Gateway, builds candles and puts events on the bus.

Options
  --name NAME          which of the stage's streamers to run (default: STREAMER_NAME, or the first)
  --print              write events to standard output, one JSON line each; needs no cloud, and holds no lease
  --wait-for-gateway   wait for a gateway that refuses the very first connection (in the cloud it starts later)
  --help               show this

Environment: STAGE (default sandbox); EVENT_BUS_NAME, BOOK_QUEUE_URL, COMMAND_QUEUE_URL, CONTROL_TABLE,
SNAPSHOT_BUCKET, BOOK_TABLE and AUDIT_TABLE unless --print; and IB_GATEWAY_HOST, IB_GATEWAY_PORT, IB_CLIENT_ID, IB_ACCOUNT,
SYMBOLS, DB_PATH, LOG_LEVEL, DISPLAY_TIME_ZONE on top of config/<stage>.yml.
`;

/**
 * Exit codes: 0 a clean stop, 1 a fault of the program, 2 bad input or a gateway that cannot serve what is asked, 130 a
 * second Ctrl-C.
 */
const EXIT_FAULT = 1;
const EXIT_INPUT = 2;
const EXIT_INTERRUPTED = 130;
/** Of the time to shut down, what is left for closing files after the last attempt to publish. */
const SHUTDOWN_RESERVE_MS = 2_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      print: { type: 'boolean', default: false },
      'wait-for-gateway': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const env = environmentWithDotenv();
  const config = loadConfig({ env });
  const streamerConfig = pick(config, values.name ?? env.STREAMER_NAME);
  const readable = process.stderr.isTTY === true;
  const logger = createLogger(config.logLevel, readable, config.displayTimeZone);
  const cloud = values.print ? undefined : readCloud(env);
  const bus = cloud ? createEventBridgePublisher(cloud.EVENT_BUS_NAME) : new PrintingPublisher();
  const lastWord = { config, streamer: streamerConfig, bus, logger, nowMs: Date.now };
  let delivery: EventDelivery;
  try {
    const book = cloud && createBookQueue(cloud.BOOK_QUEUE_URL);
    delivery = openDelivery({ config, streamer: streamerConfig, logger, bus, book });
  } catch (error) {
    if (isDiskFault(error)) await tellLastWord(error, lastWord);
    throw error;
  }
  const lease = cloud
    ? leaseKeeper(config, streamerConfig, delivery, cloud, logger)
    : new NoLease(epochFromClock(delivery.outbox, Date.now()));
  const dutyCloud = cloud && {
    heartbeats: openHeartbeatTable({ tableName: cloud.CONTROL_TABLE }),
    commands: openCommandSource(cloud.COMMAND_QUEUE_URL),
    snapshots: openObjectStore(cloud.SNAPSHOT_BUCKET),
    snapshotBucket: cloud.SNAPSHOT_BUCKET,
    book: openBookTable({
      bookTable: cloud.BOOK_TABLE,
      auditTable: cloud.AUDIT_TABLE,
      controlTable: cloud.CONTROL_TABLE,
    }),
  };

  // The first signal stops cleanly.
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const refuse = (error: Error): void => {
    tellParent({ kind: 'refused', message: error.message });
    end(EXIT_INPUT);
  };
  let latest: Streamer | undefined;
  let told: Promise<void> | undefined;
  /** Of a fault, whatever it is: the first that the disk makes is told. */
  const fail = (error: unknown, code: number): void => {
    if (isDiskFault(error)) told ??= tellLastWord(error, lastWord);
    end(code);
  };
  const supervisor = new Supervisor({
    lease,
    lastEpoch: () => delivery.outbox.lastEpoch,
    begin: (term, isFirst) => {
      const duty = new StreamerDuty({
        config,
        streamer: streamerConfig,
        logger,
        delivery,
        term,
        // A gateway that has been there once comes back.
        waitForGateway: values['wait-for-gateway'] || !isFirst,
        onFatal: refuse,
        cloud: dutyCloud,
      });
      latest = duty.streamer;
      return duty;
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0));
  // A person who presses Ctrl-C again does not want to wait; the outbox keeps what has not been sent.
  process.once('SIGINT', () => process.once('SIGINT', () => process.exit(EXIT_INTERRUPTED)));
  // With --print, a reader that goes away (head, a closed pipe) has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  // A parent that died without a word leaves nobody to stop us.
  if (process.connected) process.once('disconnect', () => end(0));
  // The gateway library can throw out of a socket's event (hostile JSON): the state is then unknown, a restart is safe.
  process.on('uncaughtException', (error) => {
    if (isDiskFault(error)) logger.error(error.message, { code: error.code });
    else
      logger.error('Unexpected error: the streamer stops, its outbox is safe', {
        error: readableStack(error),
      });
    fail(error, EXIT_FAULT);
  });
  process.on('unhandledRejection', (reason) => {
    logger.error('Unexpected rejection: the streamer stops, its outbox is safe', { reason: String(reason) });
    fail(reason, EXIT_FAULT);
  });

  const source: HealthSource = {
    streamer: () => supervisor.duty?.streamer,
    lease: () => lease.stats(),
    delivery,
  };
  const metrics = createMetrics(source, { stage: config.stage, streamer: streamerConfig.name });
  const health = await serveHealth(source, metrics, streamerConfig.health);
  const emf = readable || values.print ? undefined : setInterval(() => metrics.publishEmf(), exportEveryMs);
  logger.info('Health pages are up', { url: `http://${streamerConfig.health.host}:${health.port}` });
  tellParent({ kind: 'health', port: health.port });
  // What an earlier run left is sent whoever holds the lease: facts of the broker stay true.
  delivery.wake();
  supervisor.run().catch((error: unknown) => {
    process.stderr.write(`${wordsOf(error)}\n`);
    if (isDiskFault(error)) fail(error, EXIT_FAULT);
    else if (isExpected(error)) refuse(error as Error);
    else end(EXIT_FAULT);
  });
  process.exitCode = await ended;
  clearInterval(emf);
  await shutDown({ supervisor, delivery, health, config, logger, latest: () => latest, told: () => told });
}

interface Running {
  readonly supervisor: Supervisor<StreamerDuty>;
  readonly delivery: EventDelivery;
  readonly health: HealthServer;
  readonly config: Config;
  readonly logger: Logger;
  /** The streamer of the last term. */
  readonly latest: () => Streamer | undefined;
  /** Somebody is being told that the disk does not take what is written. */
  readonly told: () => Promise<void> | undefined;
}

/** Link first, then the lease, then what is left to send: whoever waits for the lease does not wait for the bus. */
async function shutDown({
  supervisor,
  delivery,
  health,
  config,
  logger,
  latest,
  told,
}: Running): Promise<void> {
  const deadlineMs = performance.now() + config.shutdown.timeoutMs - SHUTDOWN_RESERVE_MS;
  try {
    // What ended the run has been told where it happened.
    await supervisor.stop().catch(() => undefined);
    await told();
    // What was sent cannot be taken off a disk that takes no write: it would be sent again and again.
    await delivery.close(told() === undefined ? Math.max(0, deadlineMs - performance.now()) : 0);
    tellParent({ kind: 'stopped', stats: latest()?.stats() });
  } catch (error) {
    logger.error('The clean stop failed; the outbox keeps what was written', { error: String(error) });
    process.exitCode = EXIT_FAULT;
  }
  await health.close();
  // Sockets of the SDK's keep-alive agent would hold the process for seconds more.
  process.exit();
}

function leaseKeeper(
  { lease }: Config,
  { name, account }: StreamerConfig,
  { outbox }: EventDelivery,
  { CONTROL_TABLE: tableName }: CloudEnvironment,
  logger: Logger,
): LeaseSource {
  // The name is for people; what makes the holder one is the outbox's own id.
  const config = { ...lease, holder: `${name}/${outbox.holder}` };
  const store = openLeaseTable({ tableName, timeoutMs: lease.renewMs });
  return new LeaseKeeper({ account, store, config, logger });
}

function pick(config: Config, name: string | undefined): StreamerConfig {
  const found =
    name === undefined || name === ''
      ? config.streamers[0]
      : config.streamers.find((each) => each.name === name);
  if (found) return found;
  const names = config.streamers.map((each) => each.name).join(', ');
  throw new StreamerError(
    'ENVIRONMENT_INCOMPLETE',
    `There is no streamer "${name}" in stage ${config.stage}. Known: ${names}.`,
  );
}

const cloudVariables = [
  'EVENT_BUS_NAME',
  'BOOK_QUEUE_URL',
  'COMMAND_QUEUE_URL',
  'CONTROL_TABLE',
  'SNAPSHOT_BUCKET',
  'BOOK_TABLE',
  'AUDIT_TABLE',
] as const;

type CloudEnvironment = Readonly<Record<(typeof cloudVariables)[number], string>>;

function readCloud(env: Readonly<Record<string, string | undefined>>): CloudEnvironment {
  const missing = cloudVariables.filter((name) => !env[name]);
  if (missing.length === 0) return env as CloudEnvironment;
  const verb = missing.length === 1 ? 'is' : 'are';
  throw new StreamerError(
    'ENVIRONMENT_INCOMPLETE',
    `${missing.join(', ')} ${verb} not set, so there is no cloud to put events on. The deployed task gets them from the stack. On one machine: \`npm run sandbox\` runs the whole system, or \`npm run streamer -- --print\` writes events to standard output.`,
  );
}

/** A parent that started us with a channel is told where the health pages are. */
function tellParent(message: object): void {
  if (process.connected) process.send?.(message);
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof StreamerError ||
    error instanceof ConfigError ||
    error instanceof EnvironmentError ||
    error instanceof OutboxError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true
  );
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isExpected(error) ? error.message : readableStack(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`${wordsOf(error)}\n`);
  process.exit(isExpected(error) ? EXIT_INPUT : EXIT_FAULT);
});
