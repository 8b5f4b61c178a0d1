/** A process that makes and verifies one backup, and then does the least that any backup has to do, on the same lines. */
import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { digest } from '../lib/aws/audit-hash.ts';
import { restoreTools } from '../lib/aws/restore-target.ts';
import { storedKeys } from '../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../lib/aws/table-scan.ts';
import { unlogged } from '../lib/aws/unlogged.ts';
import { makeBackup } from '../lib/backup/make-backup.ts';
import { readPartBytes } from '../lib/backup/part-reader.ts';
import { compressionLevel } from '../lib/backup/part-writer.ts';
import { restoreBackup } from '../lib/backup/restore.ts';
import { verifyBackup } from '../lib/backup/verify-backup.ts';
import { bookKeeperWriter as writer } from '../lib/domain/audit/writers.ts';
import type { BookItem, BookReader } from '../lib/ports/book.ts';
import type { ScanPages } from './backup-book.ts';
import { FolderStore } from './folder-store.ts';
import { sinkTarget } from './sink-target.ts';

export interface BackupClientOptions {
  readonly endpoint: string;
  readonly folder: string;
  readonly pages: ScanPages;
  /** Where these lie, for a restore; without it none is made. */
  readonly pagesFolder?: string;
}

export type Work = 'backup' | 'verify' | 'compress' | 'decompress' | 'restore';

export interface Spent {
  readonly ms: number;
  /** Processor time of all threads of the process. */
  readonly cpuMs: number;
}

export interface BackupClientTold {
  readonly kind: 'measured';
  /** Of both tables. */
  readonly items: number;
  readonly bookItems: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly spent: Readonly<Record<Work, Spent>>;
  /** Of the process, before the bare pipelines. */
  readonly peakMiB: number;
}

const { endpoint, folder, pages, pagesFolder } = JSON.parse(process.argv[2] ?? '{}') as BackupClientOptions;
const place = { stage: 'sandbox', awsAccount: '000000000000', region: 'eu-west-1' };
const store = new FolderStore(folder);

/** The heads of the chains: all that a backup reads of the book beside its scan. */
const book: BookReader = {
  read: async (account) => [headItem(account)],
  async *list(account) {
    yield headItem(account);
  },
  all: () => {
    throw new Error('a backup scans');
  },
};

function headItem(account: string): BookItem {
  const head = pages.heads[account]!;
  return { account, ref: { kind: 'audit-head', id: writer }, version: head.seq, body: { ...head } };
}

const spent: Record<Work, Spent> = {
  backup: { ms: 0, cpuMs: 0 },
  verify: { ms: 0, cpuMs: 0 },
  compress: { ms: 0, cpuMs: 0 },
  decompress: { ms: 0, cpuMs: 0 },
  restore: { ms: 0, cpuMs: 0 },
};

async function timed<T>(work: Work, does: () => T): Promise<Awaited<T>> {
  const fromMs = performance.now();
  const fromCpu = process.cpuUsage();
  const result = await does();
  const { user, system } = process.cpuUsage(fromCpu);
  const { ms, cpuMs } = spent[work];
  spent[work] = { ms: ms + performance.now() - fromMs, cpuMs: cpuMs + (user + system) / 1_000 };
  return result;
}

const client = unlogged(
  new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  }),
);
const { manifest, gaps } = await timed('backup', () =>
  makeBackup({
    book,
    scan: new DynamoTableScan({ client }),
    store,
    tables: { book: 'book', audit: 'audit' },
    keys: storedKeys,
    place,
    programVersion: 'bench',
    trigger: { kind: 'operator', by: 'bench', reason: '' },
    digest,
    nowMs: Date.now,
    accounts: pages.accounts,
  }),
);
const report = await timed('verify', () => verifyBackup({ store, digest, place }));
const peakMiB = process.resourceUsage().maxRSS / 1024;
if (report.finding) throw new Error(report.finding.message);
if (gaps.length > 0 || report.items !== pages.items) {
  throw new Error(`${report.items} items of ${pages.items} in the backup, ${gaps.length} gaps in the trail`);
}

for (const part of manifest.parts) {
  const lines = await readPartBytes(store, part);
  const stored = await timed('compress', () => {
    const params = { [constants.ZSTD_c_compressionLevel]: compressionLevel };
    const compressed = zstdCompressSync(lines, { params });
    createHash('sha256').update(compressed).digest('hex');
    return compressed;
  });
  await timed('decompress', () => {
    createHash('sha256').update(stored).digest('hex');
    zstdDecompressSync(stored);
  });
}
if (pagesFolder !== undefined) {
  const target = sinkTarget({ client, folder: pagesFolder, accounts: pages.accounts });
  const { accounts } = await timed('restore', () =>
    restoreBackup({
      store,
      target,
      tools: restoreTools,
      place,
      nowMs: Date.now,
      backup: 'latest',
      who: 'bench',
      reason: 'bench',
      inPlace: false,
      backupFirst: () => Promise.reject(new Error('the book is empty')),
    }),
  );
  const wrong = accounts.flatMap(({ counts }) => counts.filter((one) => one.manifest !== one.restored));
  if (wrong.length > 0) throw new Error(`a restore found other counts: ${JSON.stringify(wrong)}`);
}
client.destroy();
const { items, bytes } = report;
const bookItems = manifest.tables.find(({ table }) => table === 'book')?.items ?? 0;
const storedBytes = manifest.parts.reduce((sum, part) => sum + part.storedBytes, 0);
process.send?.({
  kind: 'measured',
  items,
  bookItems,
  bytes,
  storedBytes,
  spent,
  peakMiB,
} satisfies BackupClientTold);
process.disconnect?.();
