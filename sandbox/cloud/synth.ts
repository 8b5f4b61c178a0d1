import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CloudError } from './errors.ts';

export interface SynthOptions {
  readonly stage: string;
  /** Where assemblies are kept; `.evenkeel/synth` of the checkout by default. */
  readonly outDir?: string;
  /** One line for a person while a synth runs; standard error by default. */
  readonly progress?: (line: string) => void;
}

export interface SynthResult {
  /** Folder of the cloud assembly. */
  readonly assembly: string;
  readonly stack: string;
  /** True when the sources had not changed and nothing had to be synthesised. */
  readonly cached: boolean;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What the template and the functions depend on. The streamer's sources are left out: they are in the container's image
 * alone, which nobody builds here, so that an edit of the streamer does not cost a synth.
 */
const SOURCES = [
  'bin/app.ts',
  'cdk.json',
  'config',
  'functions',
  'lib',
  'package-lock.json',
  'streamer/Dockerfile',
];

/** Older assemblies are deleted; a few stay for sandboxes that still run on them. */
const KEPT = 5;
const LOCK_POLL_MS = 100;
/** A synth takes some 10 s; a lock this old was left by a machine that went down. */
const LOCK_AGE_MAX_MS = 300_000;

/**
 * Synthesises a stage, or finds the assembly of the same sources: each is in `<outDir>/<stage>/<hash of the sources>`
 * and appears there whole or not at all. Callers at the same time wait for one synth. Throws CloudError SYNTH_FAILED.
 */
export async function synth(options: SynthOptions): Promise<SynthResult> {
  const { stage, outDir = path.join(ROOT, '.evenkeel', 'synth') } = options;
  const progress = options.progress ?? ((line: string) => process.stderr.write(`${line}\n`));
  const folder = path.join(outDir, stage);
  const assembly = path.join(folder, await hashSources(stage));
  const result = { assembly, stack: `evenkeel-${stage}` };
  if (isWhole(assembly)) {
    // Marks it as used, so that it is not the one deleted for age.
    await utimes(assembly, new Date(), new Date());
    return { ...result, cached: true };
  }
  await mkdir(folder, { recursive: true });
  const release = await lock(path.join(folder, 'lock'), () => isWhole(assembly), progress);
  try {
    if (isWhole(assembly)) return { ...result, cached: true };
    progress(
      `Synthesising the stage ${stage}: its sources changed or this is the first time; it takes some seconds.`,
    );
    const startedMs = performance.now();
    const temporary = await mkdtemp(path.join(folder, 'tmp-'));
    try {
      await runApp(stage, temporary);
      await rename(temporary, assembly).catch((error: unknown) => {
        // Another caller took over a stale lock at the same moment and was first; its assembly is the same.
        if (!isWhole(assembly)) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    progress(`Synthesised ${result.stack} in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s.`);
    await deleteOld(folder);
    return { ...result, cached: false };
  } finally {
    await release();
  }
}

function isWhole(assembly: string): boolean {
  return existsSync(path.join(assembly, 'manifest.json'));
}

/** Runs the CDK app as the CDK's command line would, without its start-up time. */
async function runApp(stage: string, outDir: string): Promise<void> {
  const { context } = JSON.parse(await readFile(path.join(ROOT, 'cdk.json'), 'utf8')) as {
    context?: Record<string, unknown>;
  };
  const child = spawn(process.execPath, [path.join('bin', 'app.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CDK_OUTDIR: outDir,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, stage }),
      // The CDK's check against the schemas of CloudFormation is half of a synth, and of use to who deploys (`npm run synth`):
      // the local cloud reads every property by itself, and refuses what it does not know.
      CDK_VALIDATION: 'false',
    },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (exit, signal) => resolve(exit ?? signal ?? 'unknown'));
  });
  if (code === 0 && isWhole(outDir)) return;
  throw new CloudError(
    'SYNTH_FAILED',
    `The stage ${stage} could not be synthesised (exit ${code}): ${output.trim().slice(-4_000)}`,
    'Correct what it names; `npm run synth` shows the same.',
  );
}

/** Hash of everything that goes into the assembly, the stage and the Node version included. */
export async function hashSources(stage: string): Promise<string> {
  const hash = createHash('sha256').update(`${stage} ${process.versions.node}`);
  for (const source of SOURCES) {
    for (const file of await filesOf(path.join(ROOT, source))) {
      const content = await readFile(file);
      hash.update(`\n${path.relative(ROOT, file)} ${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesOf(source: string): Promise<string[]> {
  if (!existsSync(source)) return [];
  if (!(await stat(source)).isDirectory()) return [source];
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
}

/** Takes the lock file, or returns when `done`; a lock whose owner is gone is taken over. */
async function lock(
  file: string,
  done: () => boolean,
  progress: (line: string) => void,
): Promise<() => Promise<void>> {
  let said = false;
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.write(String(process.pid));
      await handle.close();
      return async () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (done()) return async () => undefined;
    if (await isStale(file)) {
      // Two callers may both take it over: then both synthesise, and the first rename wins.
      await rm(file, { force: true });
      continue;
    }
    if (!said) progress('Another process is synthesising; waiting for it.');
    said = true;
    await sleep(LOCK_POLL_MS);
  }
}

async function isStale(file: string): Promise<boolean> {
  try {
    const [{ mtimeMs }, text] = await Promise.all([stat(file), readFile(file, 'utf8')]);
    if (Date.now() - mtimeMs > LOCK_AGE_MAX_MS) return true;
    // Just created, its owner not yet written.
    if (text === '') return false;
    process.kill(Number(text), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function deleteOld(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  const assemblies = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('tmp-'))
      .map(async (entry) => ({
        path: path.join(folder, entry.name),
        mtimeMs: (await stat(path.join(folder, entry.name))).mtimeMs,
      })),
  );
  const old = assemblies.toSorted((a, b) => b.mtimeMs - a.mtimeMs).slice(KEPT);
  for (const { path: folderPath } of old) await rm(folderPath, { recursive: true, force: true });
}
