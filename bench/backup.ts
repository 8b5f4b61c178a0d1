import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { writeScanPages } from './backup-book.ts';
import type { BackupClientOptions, BackupClientTold, Work } from './backup-client.ts';
import type { ScanFeederOptions, ScanFeederTold } from './feed/scan-feeder.ts';
import type { BenchResult, Figure } from './figure.ts';
import { startPeer } from './processes.ts';
import { median } from './statistics.ts';

/**
 * A backup and its verification beside a bare pipeline in the same process, on the same lines, at the same level: zstd
 * and SHA-256, part after part, with nothing to read and nowhere to write. Pages of the tables come from a second
 * process over HTTP, as DynamoDB sends them, with its checksum; parts go to files. No local engine takes part: scanning
 * 1 MB takes one a third of a second, and that would be all that is measured.
 */
export interface BackupBenchOptions {
  /** Items of the book; its trail has somewhat more rows. */
  readonly items: number;
  readonly rounds: number;
  readonly say: (text: string) => void;
}

const accounts = 8;
const shareMin = 50;
/** A restore takes many times as long, and has no budget: a small book says how fast it is. */
const restoreItemsMax = 20_000;
/** 300 MB. */
const peakMiBMax = 286;

export async function backup({ items, rounds, say }: BackupBenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-backup-'));
  try {
    const program = bundled(folder);
    const run = (name: string, of: number, times: number, restores: boolean): Promise<BackupClientTold[]> =>
      measure(program, { folder: join(folder, name), items: of, rounds: times, restores, say });
    const measured = await run('large', items, rounds, false);
    const restored = await run('small', Math.min(items, restoreItemsMax), 1, true);
    return { name: 'backup', figures: figuresOf(measured, restored[0]!) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface MeasureOptions extends BackupBenchOptions {
  readonly folder: string;
  readonly restores: boolean;
}

async function measure(
  program: string,
  { folder, items, rounds, restores, say }: MeasureOptions,
): Promise<BackupClientTold[]> {
  say(`backup: making a book of ${items.toLocaleString('en')} items`);
  const pagesFolder = join(folder, 'pages');
  const pages = await writeScanPages(pagesFolder, items, accounts);
  const feeder = startPeer<ScanFeederTold>('feed/scan-feeder.ts', {
    folder: pagesFolder,
    accounts,
  } satisfies ScanFeederOptions);
  try {
    const { port } = await feeder.next('listening');
    const measured: BackupClientTold[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      say(restores ? 'backup: restore' : `backup: round ${round} of ${rounds}`);
      const client = startPeer<BackupClientTold>(program, {
        endpoint: `http://127.0.0.1:${port}`,
        folder: join(folder, `backups-${round}`),
        pages,
        ...(restores ? { pagesFolder } : {}),
      } satisfies BackupClientOptions);
      measured.push(await client.next('measured'));
      await client.ended();
    }
    return measured;
  } finally {
    feeder.kill();
  }
}

/** In one file, as the function is deployed: stripping types at run time takes memory that the function does not. */
function bundled(folder: string): string {
  const outfile = join(folder, 'backup-client.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('backup-client.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return pathToFileURL(outfile).href;
}

function figuresOf(measured: readonly BackupClientTold[], restored: BackupClientTold): Figure[] {
  const [{ items, bookItems, bytes, storedBytes }] = measured as readonly [BackupClientTold];
  const rate = (work: Work): number => median(measured.map(({ spent }) => bytes / 1_000 / spent[work].ms));
  const share = (ours: Work, bare: Work): Figure => ({
    name: `${ours}, of the bare pipeline's rate`,
    value: median(measured.map(({ spent }) => (spent[bare].ms / spent[ours].ms) * 100)),
    unit: '%',
    budget: { kind: 'at-least', value: shareMin },
    detail: `of the same process, median of ${measured.length}`,
  });
  const processor = (work: Work): string =>
    `${median(measured.map(({ spent }) => (spent[work].cpuMs / bytes) * 1e6)).toFixed(1)} ms of processor a MB`;
  const count = (value: number): string => Math.round(value).toLocaleString('en');
  const book = [
    `${count(bookItems)} items and ${count(items - bookItems)} rows`,
    `${count(bytes / 1e6)} MB of lines, ${count(storedBytes / 1e6)} MB stored (${(bytes / storedBytes).toFixed(1)} times less)`,
  ].join(', ');
  return [
    { name: 'backup', value: rate('backup'), unit: 'MB/s', detail: `${book}; ${processor('backup')}` },
    {
      name: 'bare zstd and SHA-256',
      value: rate('compress'),
      unit: 'MB/s',
      detail: processor('compress'),
    },
    share('backup', 'compress'),
    {
      name: 'verify',
      value: rate('verify'),
      unit: 'MB/s',
      detail: `manifests, every part, every line; ${processor('verify')}`,
    },
    {
      name: 'bare SHA-256 and unzstd',
      value: rate('decompress'),
      unit: 'MB/s',
      detail: processor('decompress'),
    },
    share('verify', 'decompress'),
    {
      name: 'restore',
      value: restored.bytes / 1_000 / restored.spent.restore.ms,
      unit: 'MB/s',
      detail: `verified, put to a sink that answers BatchWriteItem, read back from pages; ${count(restored.items)} items and rows in ${(restored.spent.restore.ms / 1_000).toFixed(1)} s`,
    },
    {
      name: 'peak memory of backup and verify',
      value: Math.max(...measured.map(({ peakMiB }) => peakMiB)),
      unit: 'MiB',
      budget: { kind: 'at-most', value: peakMiBMax },
      detail: 'resident, the whole process',
    },
  ];
}
