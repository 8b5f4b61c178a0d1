import type { ListedBackup } from '../../lib/backup/list-backups.ts';
import type { BackupFinding, BackupReport } from '../../lib/backup/verify-backup.ts';
import { askedBy, lockedUntil } from './manifest-show.ts';
import { age, count, iso, plain, size, table, time, took, type View } from './view.ts';

/** A backup as the list has it. Figures are null where the manifest cannot be read. */
export interface ListedRow {
  readonly number: number;
  readonly id: string | null;
  readonly instant: string | null;
  /** Who asked for it and why. */
  readonly trigger: string | null;
  readonly orders: number | null;
  readonly fills: number | null;
  readonly auditRows: number | null;
  readonly storedBytes: number | null;
  /** Until then S3 refuses to delete it, by the stage's retention; ISO-8601 UTC. */
  readonly lockedUntil: string | null;
  readonly finding: BackupFinding | null;
}

export function listedRow(
  { number, key, id, manifest, error }: ListedBackup,
  retentionDays: number,
): ListedRow {
  const finding = error === undefined ? null : { code: error.code, key, message: error.message };
  if (manifest === undefined) {
    const unknown = { instant: null, trigger: null, orders: null, fills: null, auditRows: null };
    return { number, id: id ?? null, ...unknown, storedBytes: null, lockedUntil: null, finding };
  }
  const { accounts, tables } = manifest;
  const sum = (values: readonly (number | undefined)[]) =>
    values.reduce<number>((all, one) => all + (one ?? 0), 0);
  return {
    number,
    id: manifest.id,
    instant: manifest.instant,
    trigger: askedBy(manifest),
    orders: sum(accounts.map(({ items }) => items.order)),
    fills: sum(accounts.map(({ items }) => items.fill)),
    auditRows: sum(accounts.map(({ auditRows }) => auditRows)),
    storedBytes: sum(tables.map(({ storedBytes }) => storedBytes)),
    lockedUntil: iso(lockedUntil(manifest.completedAt, retentionDays)),
    finding,
  };
}

export function showList(
  rows: readonly ListedRow[],
  { stage, nowMs, view }: { readonly stage: string; readonly nowMs: number; readonly view: View },
): string {
  const { colours } = view;
  if (rows.length === 0)
    return `The stage ${stage} has no backup yet. Make one: backup --reason "the first".`;
  const columns = [
    { name: '#', right: true },
    { name: 'backup' },
    { name: 'instant' },
    { name: 'age', right: true },
    { name: 'orders', right: true },
    { name: 'fills', right: true },
    { name: 'audit rows', right: true },
    { name: 'stored', right: true },
    { name: 'locked until' },
    { name: 'asked for' },
  ];
  const drawn = table(
    view,
    columns,
    rows.map((row) => {
      const cells = cellsOf(row, nowMs, view);
      return row.finding === null ? cells : cells.map((cell) => (cell === '' ? '' : colours.red(cell)));
    }),
  );
  const bad = rows.flatMap(({ finding }) => (finding === null ? [] : [finding]));
  if (bad.length === 0) return `${drawn}\n${colours.dim(count(rows.length, 'backup'))}`;
  return [drawn, ...bad.map(({ message }) => colours.red(message))].join('\n');
}

function cellsOf(row: ListedRow, nowMs: number, view: View): string[] {
  const figure = (value: number | null) => value?.toLocaleString('en') ?? '';
  const until = row.lockedUntil === null ? 0 : Date.parse(row.lockedUntil);
  return [
    String(row.number),
    plain(row.id ?? 'unreadable'),
    time(view, row.instant),
    row.instant === null ? '' : age(nowMs - Date.parse(row.instant)),
    figure(row.orders),
    figure(row.fills),
    figure(row.auditRows),
    row.storedBytes === null ? '' : size(row.storedBytes),
    until === 0 ? '' : until > nowMs ? time(view, until).slice(0, 'yyyy-mm-dd'.length) : 'lock ended',
    shortened(row.trigger ?? ''),
  ];
}

const triggerWidth = 48;

/** An ARN tells who by its end. */
function shortened(trigger: string): string {
  const text = plain(trigger).replaceAll(/arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:/g, '');
  return text.length <= triggerWidth ? text : `${text.slice(0, triggerWidth - 1)}…`;
}

/** What a verification found, with the backup's name also where its manifest is what is bad. */
export interface VerifiedBackup extends BackupReport {
  readonly number: number | null;
  readonly id: string | null;
}

export function showVerified(verified: readonly VerifiedBackup[], view: View): string {
  const { colours } = view;
  const columns = [
    { name: '#', right: true },
    { name: 'backup' },
    { name: 'good parts', right: true },
    { name: 'items', right: true },
    { name: 'size', right: true },
    { name: 'took', right: true },
    { name: 'state' },
  ];
  const rows = verified.map(({ number, id, manifest, parts, items, bytes, durationMs, finding }) => [
    number === null ? '' : String(number),
    plain(id ?? 'unreadable'),
    manifest === undefined ? '0' : `${parts} of ${manifest.parts.length}`,
    items.toLocaleString('en'),
    size(bytes),
    took(durationMs),
    finding === undefined ? colours.green('ok') : colours.red(finding.code),
  ]);
  const findings = verified.flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
  return [
    table(view, columns, rows),
    ...findings.map(({ message }) => colours.red(message)),
    ...(findings.length === 0
      ? [colours.green('Everything was read back and is what was written: sizes, SHA-256, lines, manifests.')]
      : []),
  ].join('\n');
}
