import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { imageBuild, imageRuntime } from '../test/helpers/streamer-image.ts';

/** The streamer as a program of its own, started as its image starts it or from the sources. */
export type ProgramForm = 'bundle' | 'sources';

export interface StreamerProgram {
  /** From the start of the process to its first word: the health pages are up. */
  readonly upMs: number;
  /** Performance clock of this process at the start of the other. */
  readonly startedMs: number;
  /** Resident memory in MiB, by the operating system. */
  rssMiB(): number;
  /** The most that it has been; NaN where the system does not say. */
  peakMiB(): number;
  /** Figures of `/metrics` by name; those with labels are summed up. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  isReady(): Promise<boolean>;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../', import.meta.url));

/** Bundles it by the flags of its Dockerfile; returns the file. */
export async function bundleStreamer(folder: string): Promise<string> {
  const outfile = join(folder, 'main.mjs');
  await build({ ...imageBuild(), entryPoints: ['streamer/main.ts'], outfile });
  return outfile;
}

export interface ProgramOptions {
  readonly form: ProgramForm;
  /** Where the bundle is and the outbox goes; must exist. */
  readonly folder: string;
  readonly gatewayPort: number;
  readonly symbols: readonly string[];
  /** Of the cloud. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The stand-in of AWS speaks plain HTTP. What HTTPS loads, above all the root certificates, is 7 MiB of the deployed one. */
const httpsMemory = [
  '--import',
  "data:text/javascript,import tls from 'node:tls'; tls.createSecureContext();",
];

export async function startStreamerProgram(options: ProgramOptions): Promise<StreamerProgram> {
  const { form, folder, gatewayPort, symbols } = options;
  const outbox = join(folder, `outbox-${form}`);
  mkdirSync(outbox, { recursive: true });
  const image = form === 'bundle' ? imageRuntime() : { nodeOptions: [], environment: {} };
  const file = form === 'bundle' ? join(folder, 'main.mjs') : join(root, 'streamer/main.ts');
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...image.nodeOptions, ...httpsMemory, file], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...image.environment,
      ...options.environment,
      STAGE: 'paper',
      STREAMER_NAME: 'main',
      EVENKEEL_CONFIG_DIR: join(root, 'config'),
      DB_PATH: join(outbox, 'streamer.db'),
      SQLITE_TMPDIR: outbox,
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
      HEALTH_PORT: '0',
      IB_GATEWAY_PORT: String(gatewayPort),
      SYMBOLS: symbols.join(','),
    },
  });
  const ended = once(child, 'exit');
  const [told] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code, signal]) => Promise.reject(new Error(`The streamer ended with ${signal ?? code}.`))),
  ])) as [{ readonly port: number }];
  const upMs = performance.now() - startedMs;
  const page = (path: string) => fetch(`http://127.0.0.1:${told.port}${path}`);
  return {
    upMs,
    startedMs,
    rssMiB: () => statusMiB(child.pid, 'VmRSS'),
    peakMiB: () => statusMiB(child.pid, 'VmHWM'),
    metrics: async () => numbers(await (await page('/metrics')).text()),
    isReady: async () => (await page('/readyz')).ok,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

function statusMiB(pid: number | undefined, name: 'VmRSS' | 'VmHWM'): number {
  try {
    const [, kib = 'NaN'] =
      new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1_024;
  } catch {
    return Number.NaN;
  }
}

function numbers(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [, name = '', value] of text.matchAll(/^(\w+)(?:\{[^}]*\})? (\S+)$/gm))
    found.set(name, (found.get(name) ?? 0) + Number(value));
  return found;
}
