import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { writeScanPages } from './backup-book.ts';
import type { BackupClientOptions, BackupClientTold } from './backup-client.ts';
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
  /** Items of the book; its trail has as many rows. */
  readonly items: number;
  readonly rounds: number;
  readonly say: (text: string) => void;
}

const accounts = 8;
const shareMin = 50;
const peakMiBMax = 300;

export async function backup({ items, rounds, say }: BackupBenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-backup-'));
  try {
    say(`backup: making a book of ${items.toLocaleString('en')} items`);
    const pages = await writeScanPages(join(folder, 'pages'), items, accounts);
    const program = bundled(folder);
    const feeder = startPeer<ScanFeederTold>('feed/scan-feeder.ts', {
      folder: join(folder, 'pages'),
      accounts,
    } satisfies ScanFeederOptions);
    try {
      const { port } = await feeder.next('listening');
      const measured: BackupClientTold[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        say(`backup: round ${round} of ${rounds}`);
        const client = startPeer<BackupClientTold>(program, {
          endpoint: `http://127.0.0.1:${port}`,
          folder: join(folder, `backups-${round}`),
          pages,
        } satisfies BackupClientOptions);
        measured.push(await client.next('measured'));
        await client.ended();
      }
      return { name: 'backup', figures: figuresOf(measured) };
    } finally {
      feeder.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
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

function figuresOf(measured: readonly BackupClientTold[]): Figure[] {
  const [{ items, bytes, storedBytes }] = measured as readonly [BackupClientTold];
  const rate = (name: 'backupMs' | 'verifyMs' | 'compressMs' | 'decompressMs'): number =>
    median(measured.map((one) => bytes / 1_000 / one[name]));
  const share = (ours: 'backupMs' | 'verifyMs', bare: 'compressMs' | 'decompressMs'): Figure => ({
    name: `${ours === 'backupMs' ? 'backup' : 'verify'}, of the bare pipeline's rate`,
    value: median(measured.map((one) => (one[bare] / one[ours]) * 100)),
    unit: '%',
    budget: { kind: 'at-least', value: shareMin },
    detail: `of the same process, median of ${measured.length}`,
  });
  const megabytes = Math.round(bytes / 1e6).toLocaleString('en');
  const detail = `${items.toLocaleString('en')} items and rows, ${megabytes} MB of lines, ${Math.round(storedBytes / 1e6)} MB stored`;
  return [
    { name: 'backup', value: rate('backupMs'), unit: 'MB/s', detail },
    { name: 'bare zstd and SHA-256', value: rate('compressMs'), unit: 'MB/s' },
    share('backupMs', 'compressMs'),
    { name: 'verify', value: rate('verifyMs'), unit: 'MB/s', detail: 'manifests, every part, every line' },
    { name: 'bare SHA-256 and unzstd', value: rate('decompressMs'), unit: 'MB/s' },
    share('verifyMs', 'decompressMs'),
    {
      name: 'peak memory of backup and verify',
      value: Math.max(...measured.map(({ peakMiB }) => peakMiB)),
      unit: 'MiB',
      budget: { kind: 'at-most', value: peakMiBMax },
      detail: 'resident, the whole process',
    },
  ];
}
