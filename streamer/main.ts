import { parseArgs } from 'node:util';
import { ConfigError } from '../config/config-error.ts';
import { environmentWithDotenv } from '../config/dotenv.ts';
import { EnvironmentError } from '../config/env.ts';
import { loadConfig } from '../config/load.ts';
import type { Config, StreamerConfig } from '../config/schema.ts';
import { createEventBridgePublisher } from '../lib/aws/clients.ts';
import type { EventPublisher } from '../lib/ports/event-publisher.ts';
import { type HealthServer, serveHealth } from './health.ts';
import { createLogger, type Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { OutboxError } from './outbox.ts';
import { PrintingPublisher } from './printing-publisher.ts';
import { Streamer } from './streamer.ts';
import { StreamerError } from './streamer-error.ts';

const USAGE = `Usage: npm run streamer [-- options]

Holds the session with IB Gateway, builds candles and puts events on the bus.

Options
  --name NAME          which of the stage's streamers to run (default: STREAMER_NAME, or the first)
  --print              write events to standard output, one JSON line each, instead of to EventBridge
  --wait-for-gateway   wait for a gateway that refuses the very first connection (in the cloud it starts later)
  --help               show this

Environment: STAGE (default sandbox), EVENT_BUS_NAME, and IB_GATEWAY_HOST, IB_GATEWAY_PORT, IB_CLIENT_ID, IB_ACCOUNT,
SYMBOLS, DB_PATH, LOG_LEVEL, DISPLAY_TIME_ZONE on top of config/<stage>.yml.
`;

/**
 * Exit codes: 0 a clean stop, 1 a fault of the program, 2 bad input or a gateway that cannot serve what is asked, 130 a
 * second Ctrl-C.
 */
const EXIT_FAULT = 1;
const EXIT_INPUT = 2;
const EXIT_INTERRUPTED = 130;
const EMF_EVERY_MS = 60_000;

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
  const publisher = values.print ? new PrintingPublisher() : busPublisher(env.EVENT_BUS_NAME);

  // The first signal stops cleanly.
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const streamer = new Streamer({
    config,
    streamer: streamerConfig,
    publisher,
    logger,
    waitForGateway: values['wait-for-gateway'],
    onFatal: (error) => {
      tellParent({ kind: 'refused', message: error.message });
      end(EXIT_INPUT);
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
    logger.error('Unexpected error: the streamer stops, its outbox is safe', {
      error: error.stack ?? error.message,
    });
    end(EXIT_FAULT);
  });
  process.on('unhandledRejection', (reason) => {
    logger.error('Unexpected rejection: the streamer stops, its outbox is safe', { reason: String(reason) });
    end(EXIT_FAULT);
  });

  const metrics = createMetrics(streamer);
  const health = await serveHealth(streamer, metrics, streamerConfig.health);
  const emf = readable || values.print ? undefined : setInterval(() => metrics.publishEmf(), EMF_EVERY_MS);
  logger.info('Health pages are up', { url: `http://${streamerConfig.health.host}:${health.port}` });
  tellParent({ kind: 'health', port: health.port });
  streamer.start();
  process.exitCode = await ended;
  clearInterval(emf);
  await shutDown(streamer, health, logger);
}

async function shutDown(streamer: Streamer, health: HealthServer, logger: Logger): Promise<void> {
  try {
    await streamer.stop();
    tellParent({ kind: 'stopped', stats: streamer.stats() });
  } catch (error) {
    logger.error('The clean stop failed; the outbox keeps what was written', { error: String(error) });
    process.exitCode = EXIT_FAULT;
  }
  await health.close();
  // Sockets of the SDK's keep-alive agent would hold the process for seconds more.
  process.exit();
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

function busPublisher(eventBusName: string | undefined): EventPublisher {
  if (eventBusName) return createEventBridgePublisher(eventBusName);
  throw new StreamerError(
    'ENVIRONMENT_INCOMPLETE',
    'EVENT_BUS_NAME is not set, so there is no bus to put events on. The deployed task gets it from the stack. On one machine: `npm run sandbox` runs the whole system, or `npm run streamer -- --print` writes events to standard output.',
  );
}

/** A parent that started us with a channel is told where the health pages are. */
function tellParent(message: object): void {
  if (process.connected) process.send?.(message);
}

main().catch((error: unknown) => {
  const expected =
    error instanceof StreamerError ||
    error instanceof ConfigError ||
    error instanceof EnvironmentError ||
    error instanceof OutboxError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(
    `${expected ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exit(expected ? EXIT_INPUT : EXIT_FAULT);
});
