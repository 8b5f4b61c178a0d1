/** A restore drill: the newest backup into tables of its own, checked, measured, and removed again. */
import { readFence } from '../domain/audit/fence.ts';
import { drillStamp, leftBehind } from '../domain/backup/drill-tables.ts';
import type { BackupManifest } from '../domain/backup/manifest.ts';
import { compareOpenOrders, comparePositions } from '../domain/backup/snapshot-diff.ts';
import type { PositionBody } from '../domain/book/accounts.ts';
import type { OrderBody } from '../domain/book/orders.ts';
import type { BackupStore } from '../ports/backup-store.ts';
import type { BookReader } from '../ports/book.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { ScratchTables } from '../ports/table-load.ts';
import { BackupError } from './backup-error.ts';
import { lastSnapshot } from './last-snapshot.ts';
import { restoreBackup } from './restore.ts';
import { RestoreError } from './restore-error.ts';
import { nameOf, openNamed } from './restore-source.ts';
import type { BackupNamed, RestoredCount, RestoreOptions, RestoreTarget } from './restore-types.ts';

export interface DrillOptions extends Pick<RestoreOptions, 'tools' | 'place' | 'nowMs' | 'signal'> {
  /** The bucket of backups; the report goes there too. */
  readonly store: Pick<BackupStore, 'get' | 'list' | 'versions' | 'put'>;
  /** Id or number of the backup, or `latest`. */
  readonly backup: string;
  /** What the names of the drill's tables begin with: `evenkeel-<stage>-drill-`. */
  readonly prefix: string;
  readonly scratch: ScratchTables;
  readonly open: (tables: { book: string; audit: string; control: string }) => RestoreTarget;
  /** The stage's own book, for how far the backup is behind it. */
  readonly live: BookReader;
  /** The bucket of snapshots. */
  readonly snapshots: Pick<ObjectStore, 'get' | 'list'>;
  readonly by: string;
  readonly programVersion: string;
  readonly onProgress?: RestoreOptions['onProgress'];
}

/** `drills/<id>.json` */
export interface DrillReport {
  readonly format: 'evenkeel-drill';
  /** `drill_YYYYMMDD_HHMMSS`, UTC. */
  readonly id: string;
  readonly key: string;
  readonly stage: string;
  readonly programVersion: string;
  readonly by: string;
  readonly startedAt: string;
  readonly completedAt: string;
  readonly backup: BackupNamed;
  readonly ok: boolean;
  /** What is wrong with the backup; empty when `ok`. */
  readonly findings: readonly string[];
  /** From the first byte read to the checked book. */
  readonly recoveryTimeMs: number;
  /** Age of the backup's instant when the drill began. */
  readonly recoveryPointMs: number;
  readonly items: number;
  readonly auditRows: number;
  readonly accounts: readonly DrilledAccount[];
}

export interface DrilledAccount {
  readonly account: string;
  readonly items: number;
  readonly auditRows: number;
  readonly counts: readonly RestoredCount[];
  /** Rows that the stage's own book has been given since the instant: what a restore would lose without the trail. */
  readonly rowsSince: number;
  /** Null where the account has no usable snapshot. */
  readonly snapshot: SnapshotComparison | null;
}

/** What differs may have happened between the two moments; reconcile says which is right. */
export interface SnapshotComparison {
  readonly key: string;
  /** ISO-8601 UTC. */
  readonly takenAt: string;
  readonly positions: { readonly same: number; readonly differ: readonly string[] };
  readonly openOrders: { readonly same: number; readonly differ: readonly string[] };
}

/**
 * @throws BackupError when the backup cannot even be opened; what the tables and the bucket throw. What a backup turns
 * out to be is in the report.
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { store, scratch, prefix, nowMs } = options;
  const startedMs = nowMs();
  const manifest = await openNamed(options);
  for (const name of leftBehind(await scratch.list(), prefix, startedMs)) await scratch.remove(name);
  const stamp = drillStamp(startedMs);
  const tables = {
    book: `${prefix}${stamp}-book`,
    audit: `${prefix}${stamp}-audit`,
    control: `${prefix}${stamp}-control`,
  };
  let drilled: Drilled;
  try {
    await Promise.all([
      scratch.create(tables.book, 'book'),
      scratch.create(tables.audit, 'audit'),
      scratch.create(tables.control, 'book'),
    ]);
    drilled = await drill(manifest, options.open(tables), options);
  } finally {
    for (const name of Object.values(tables)) await scratch.remove(name);
  }
  const id = `drill_${stamp.slice(0, 8)}_${stamp.slice(8)}`;
  const report: DrillReport = {
    format: 'evenkeel-drill',
    id,
    key: `drills/${id}.json`,
    stage: options.place.stage,
    programVersion: options.programVersion,
    by: options.by,
    startedAt: isoUtc(startedMs),
    completedAt: isoUtc(nowMs()),
    backup: nameOf(manifest),
    ok: drilled.findings.length === 0,
    findings: drilled.findings,
    recoveryTimeMs: drilled.recoveryTimeMs,
    recoveryPointMs: Math.max(0, startedMs - Date.parse(manifest.instant)),
    items: drilled.accounts.reduce((sum, { items }) => sum + items, 0),
    auditRows: drilled.accounts.reduce((sum, { auditRows }) => sum + auditRows, 0),
    accounts: drilled.accounts,
  };
  const body = new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`);
  await store.put({ key: report.key, body, contentType: 'application/json' });
  return report;
}

type Drilled = Pick<DrillReport, 'findings' | 'recoveryTimeMs' | 'accounts'>;

async function drill(
  manifest: BackupManifest,
  target: RestoreTarget,
  options: DrillOptions,
): Promise<Drilled> {
  const startMs = performance.now();
  try {
    const { accounts } = await restoreBackup({
      ...options,
      backup: manifest.id,
      target,
      who: options.by,
      reason: 'restore drill',
      inPlace: false,
      backupFirst: () => Promise.reject(new TypeError('the tables of a drill are empty')),
    });
    const recoveryTimeMs = Math.round(performance.now() - startMs);
    const findings = accounts.flatMap(({ account, counts }) =>
      counts
        .filter(({ manifest: said, restored }) => said !== restored)
        .map(
          ({ of, manifest: said, restored }) => `${account}: ${restored} ${of}, the manifest says ${said}`,
        ),
    );
    const drilled: DrilledAccount[] = [];
    for (const { account, items, auditRows, counts } of accounts) {
      const rowsSince = await rowsSinceBackup(manifest, account, options.live);
      const snapshot = await compareSnapshot(account, target.book, options.snapshots);
      drilled.push({ account, items, auditRows, counts, rowsSince, snapshot });
    }
    return { findings, recoveryTimeMs, accounts: drilled };
  } catch (error) {
    if (!(error instanceof BackupError || error instanceof RestoreError)) throw error;
    const recoveryTimeMs = Math.round(performance.now() - startMs);
    return { findings: [error.message], recoveryTimeMs, accounts: [] };
  }
}

async function rowsSinceBackup(
  { accounts }: BackupManifest,
  account: string,
  live: BookReader,
): Promise<number> {
  const chains = accounts.find((one) => one.account === account)?.chains ?? [];
  let rows = 0;
  for await (const { ref, body, version } of live.list(account, 'audit-head')) {
    if (readFence(body)) continue;
    rows += Math.max(0, version - (chains.find(({ writer }) => writer === ref.id)?.seq ?? 0));
  }
  return rows;
}

async function compareSnapshot(
  account: string,
  book: BookReader,
  snapshots: Pick<ObjectStore, 'get' | 'list'>,
): Promise<SnapshotComparison | null> {
  const last = await lastSnapshot(snapshots, account);
  if (last === undefined) return null;
  const { positions, openOrders } = last.document.parts;
  const held: PositionBody[] = [];
  for await (const { body } of book.list(account, 'position')) held.push(body as never);
  const orders: OrderBody[] = [];
  for await (const { body } of book.list(account, 'order'))
    if (body.working === true) orders.push(body as never);
  const open = openOrders.rows.filter((row) => row.kind === 'open-order');
  return {
    key: last.key,
    takenAt: last.document.completedAt,
    positions: comparePositions(
      held,
      positions.rows.filter((row) => row.account === account),
    ),
    openOrders: compareOpenOrders(
      orders,
      open.filter((row) => row.account === account),
    ),
  };
}

function isoUtc(ms: number): string {
  return new Date(ms).toISOString();
}
