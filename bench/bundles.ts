import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Bundle, bundleBytesMax, bundleFunctions, type FunctionName } from '../lib/stacks/bundle.ts';
import { synth } from '../sandbox/cloud/synth.ts';
import type { BenchResult, Figure } from './figure.ts';
import { spread } from './statistics.ts';

/**
 * How large each Lambda's bundle is, and how long its first import takes in a fresh process of the Node that Lambda
 * has. The files are in the cache of the operating system: Lambda's own download and start are not in it.
 */
export interface BundlesOptions {
  readonly runs: number;
}

const IMPORT_MS_MAX = 150;
const run = promisify(execFile);

export async function bundles({ runs }: BundlesOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  const environments = await lambdaEnvironments();
  // Always made anew: a bundle from yesterday says nothing about the sources of today.
  for (const [name, { folder, bytes }] of Object.entries(bundleFunctions()) as [FunctionName, Bundle][]) {
    const file = join(folder, 'index.mjs');
    if ((await readFile(file)).byteLength !== bytes) throw new Error(`${file} changes while it is measured.`);
    figures.push({
      name: `${name}, size`,
      value: bytes / 1024,
      unit: 'KiB',
      budget: { kind: 'at-most', value: bundleBytesMax / 1024 },
    });
    const times: number[] = [];
    const cpuTimes: number[] = [];
    for (let index = 0; index < runs; index += 1) {
      const { ms, cpuMs } = await coldImport(file, environments.get(name) ?? {});
      times.push(ms);
      cpuTimes.push(cpuMs);
    }
    const { min, median, max } = spread(times);
    figures.push({
      name: `${name}, cold import`,
      value: median,
      unit: 'ms',
      budget: { kind: 'at-most', value: IMPORT_MS_MAX },
      detail: `min ${min.toFixed(0)}, max ${max.toFixed(0)}, ${runs} processes; ${spread(cpuTimes).median.toFixed(0)} ms of CPU`,
    });
  }
  return { name: 'bundles', figures };
}

type Environment = Readonly<Record<string, string>>;

/** What each function reads at init, as the sandbox's template has it; none of it is called up. */
async function lambdaEnvironments(): Promise<ReadonlyMap<string, Environment>> {
  const { assembly, stack } = await synth({ stage: 'sandbox' });
  const { Resources } = JSON.parse(await readFile(join(assembly, `${stack}.template.json`), 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: LambdaProperties }>;
  };
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return new Map(
    functions.map(({ Properties: { FunctionName, Environment: told } }) => [
      FunctionName.replace(`${stack}-`, ''),
      {
        ...Object.fromEntries(Object.entries(told.Variables).map(([name, value]) => [name, textOf(value)])),
        AWS_REGION: 'eu-north-1',
        AWS_ACCESS_KEY_ID: 'bench',
        AWS_SECRET_ACCESS_KEY: 'bench',
      },
    ]),
  );
}

interface LambdaProperties {
  readonly FunctionName: string;
  readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
}

/** A value with something in the place of what only a deployment knows. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [, parts] = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'] ?? [];
  return parts === undefined ? 'bench' : parts.map(textOf).join('');
}

async function coldImport(
  file: string,
  env: Environment,
): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const script = `const start = performance.now();
const cpu = process.cpuUsage();
const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
if (typeof handler !== 'function') throw new Error('no handler');
process.stdout.write('\\n' + JSON.stringify({ ms, cpuMs: (user + system) / 1000 }));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { env });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as { ms: number; cpuMs: number };
}
