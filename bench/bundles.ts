import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Bundle, bundleFunctions, bundleLimit, type FunctionName } from '../lib/stacks/bundle.ts';
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
/** What the functions read at init; none of it is called up. */
const lambdaEnvironment = {
  AWS_REGION: 'eu-north-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  STAGE: 'sandbox',
  BOOK_TABLE: 'bench',
  AUDIT_TABLE: 'bench',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-north-1.amazonaws.com/000000000000/bench.fifo',
  EVENT_BUS_NAME: 'bench',
  CANDLES_TABLE: 'bench',
  RETENTION_DAYS: '400',
  ARCHIVE_BUCKET: 'bench',
  BACKUP_BUCKET: 'bench',
  SNAPSHOT_BUCKET: 'bench',
  DRILL_PREFIX: 'evenkeel-sandbox-drill-',
  KEEP_AT_LEAST: '5',
  INCLUDE_CANDLES: 'false',
  PROGRAM_VERSION: '0.0.0',
  CONTROL_TABLE: 'bench',
  RECONCILE_BUCKET: 'bench',
  STREAMERS:
    '[{"account":"DU1","streamer":"main","commandQueueUrl":"https://sqs.eu-north-1.amazonaws.com/000000000000/bench.fifo","timeZone":"America/New_York","clientId":1}]',
  RECONCILE_RULES: '{}',
  APPROVERS: '["*"]',
};

const run = promisify(execFile);

export async function bundles({ runs }: BundlesOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  // Always made anew: a bundle from yesterday says nothing about the sources of today.
  for (const [name, { folder, bytes }] of Object.entries(bundleFunctions()) as [FunctionName, Bundle][]) {
    const file = join(folder, 'index.mjs');
    if ((await readFile(file)).byteLength !== bytes) throw new Error(`${file} changes while it is measured.`);
    figures.push({
      name: `${name}, size`,
      value: bytes / 1024,
      unit: 'KiB',
      budget: { kind: 'at-most', value: bundleLimit(name) / 1024 },
    });
    const times: number[] = [];
    for (let index = 0; index < runs; index += 1) times.push(await coldImportMs(file));
    const { min, median, max } = spread(times);
    figures.push({
      name: `${name}, cold import`,
      value: median,
      unit: 'ms',
      budget: { kind: 'at-most', value: IMPORT_MS_MAX },
      detail: `min ${min.toFixed(0)}, max ${max.toFixed(0)}, ${runs} processes`,
    });
  }
  return { name: 'bundles', figures };
}

async function coldImportMs(file: string): Promise<number> {
  const script = `const start = performance.now();
const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
const ms = performance.now() - start;
if (typeof handler !== 'function') throw new Error('no handler');
process.stdout.write('\\n' + ms);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: lambdaEnvironment,
  });
  return Number(stdout.slice(stdout.lastIndexOf('\n') + 1));
}
