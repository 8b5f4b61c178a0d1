/** A process that makes and verifies one backup, and then does the least that any backup has to do, on the same lines. */
import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { digest } from '../lib/aws/audit-hash.ts';
import { storedKeys } from '../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../lib/aws/table-scan.ts';
import { makeBackup } from '../lib/backup/make-backup.ts';
import { readPartBytes } from '../lib/backup/part-reader.ts';
import { compressionLevel } from '../lib/backup/part-writer.ts';
import { verifyBackup } from '../lib/backup/verify-backup.ts';
import { bookKeeperWriter as writer } from '../lib/domain/audit/writers.ts';
import type { BookItem, BookReader } from '../lib/ports/book.ts';
import type { ScanPages } from './backup-book.ts';
import { FolderStore } from './folder-store.ts';

export interface BackupClientOptions {
  readonly endpoint: string;
  readonly folder: string;
  readonly pages: ScanPages;
}

export interface BackupClientTold {
  readonly kind: 'measured';
  readonly items: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly backupMs: number;
  readonly verifyMs: number;
  readonly compressMs: number;
  readonly decompressMs: number;
  /** Of the process, before the bare pipelines. */
  readonly peakMiB: number;
}

const { endpoint, folder, pages } = JSON.parse(process.argv[2] ?? '{}') as BackupClientOptions;
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

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const fromMs = performance.now();
  const result = await work();
  return [result, performance.now() - fromMs];
}

const client = new DynamoDBClient({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
});
const [{ manifest, gaps }, backupMs] = await timed(() =>
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
const [report, verifyMs] = await timed(() => verifyBackup({ store, digest, place }));
const peakMiB = process.resourceUsage().maxRSS / 1024;
if (report.finding) throw new Error(report.finding.message);
if (gaps.length > 0 || report.items !== pages.items) {
  throw new Error(`${report.items} items of ${pages.items} in the backup, ${gaps.length} gaps in the trail`);
}

let compressMs = 0;
let decompressMs = 0;
for (const part of manifest.parts) {
  const lines = await readPartBytes(store, part);
  let fromMs = performance.now();
  const stored = zstdCompressSync(lines, {
    params: { [constants.ZSTD_c_compressionLevel]: compressionLevel },
  });
  createHash('sha256').update(stored).digest('hex');
  compressMs += performance.now() - fromMs;
  fromMs = performance.now();
  createHash('sha256').update(stored).digest('hex');
  zstdDecompressSync(stored);
  decompressMs += performance.now() - fromMs;
}
client.destroy();
const { items, bytes } = report;
const storedBytes = manifest.parts.reduce((sum, part) => sum + part.storedBytes, 0);
process.send?.({
  kind: 'measured',
  items,
  bytes,
  storedBytes,
  backupMs,
  verifyMs,
  compressMs,
  decompressMs,
  peakMiB,
} satisfies BackupClientTold);
process.disconnect?.();
