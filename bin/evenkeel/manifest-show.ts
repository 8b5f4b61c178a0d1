import type { BackupManifest } from '../../lib/domain/backup/manifest.ts';
import { count, facts, plain, size, table, time, took, type View } from './view.ts';

/** Hashes are compared by their beginning; `--json` has them whole. */
const hashShown = 16;
const dayMs = 86_400_000;

/** The manifest as a person reviews it before a restore or an approval. */
export function showManifest(manifest: BackupManifest, view: View): string {
  return [
    showOrigin(manifest, view),
    heading('Accounts, at the instant', view),
    showAccounts(manifest, view),
    heading('Audit chains', view),
    showChains(manifest, view),
    heading('Tables', view),
    showTables(manifest, view),
    heading('Parts', view),
    showParts(manifest, view),
  ].join('\n');
}

function showOrigin(manifest: BackupManifest, view: View): string {
  const { previous, startedAt, completedAt } = manifest;
  return facts(view, [
    ['backup', view.colours.bold(manifest.id)],
    ['number', `${manifest.number} of the stage ${manifest.stage}`],
    ['instant', `${exactly(manifest.instant, view)}: what a restore brings back`],
    ['made', `${time(view, startedAt)}, in ${took(Date.parse(completedAt) - Date.parse(startedAt))}`],
    ['asked for', askedBy(manifest)],
    ['from', `AWS account ${plain(manifest.awsAccount)}, ${plain(manifest.region)}`],
    ['program', `Evenkeel ${plain(manifest.programVersion)}, format version ${manifest.schemaVersion}`],
    ['hash', plain(manifest.hash)],
    [
      'made on',
      previous === null
        ? 'nothing: it is the first of the stage'
        : `${plain(previous.id)}, number ${previous.number}, hash ${short(previous.hash)}`,
    ],
  ]);
}

/** `operator arn:aws:…: before the upgrade` */
export function askedBy({ trigger: { kind, by, reason } }: Pick<BackupManifest, 'trigger'>): string {
  return plain(`${kind}${by === '' || by === kind ? '' : ` ${by}`}${reason === '' ? '' : `: ${reason}`}`);
}

/** Orders, executions and positions first: they are what a person knows the numbers of. */
const kindsFirst = ['order', 'fill', 'position', 'cash', 'instrument', 'intent'];

export function kindsOf(items: Readonly<Record<string, number>>): string[] {
  const rest = Object.keys(items)
    .filter((kind) => !kindsFirst.includes(kind))
    .sort();
  return [...kindsFirst.filter((kind) => items[kind] !== undefined), ...rest];
}

function showAccounts({ accounts }: BackupManifest, view: View): string {
  if (accounts.length === 0) return view.colours.dim('none: the book was empty');
  const columns = [
    { name: 'account' },
    { name: 'instant' },
    { name: 'what' },
    { name: 'count', right: true },
  ];
  const rows = accounts.flatMap(({ account, items, auditRows, orderEvents, instant }) =>
    [
      ...kindsOf(items).map((kind) => [plain(kind), number(items[kind] ?? 0)]),
      ['audit rows', number(auditRows)],
      ['of these, order events', number(orderEvents)],
    ].map((cells, index) => [
      ...(index === 0 ? [plain(account), exactly(instant, view)] : ['', '']),
      ...cells,
    ]),
  );
  return table(view, columns, rows);
}

function showChains({ accounts }: BackupManifest, view: View): string {
  const columns = [
    { name: 'account' },
    { name: 'chain' },
    { name: 'rows', right: true },
    { name: 'meanwhile', right: true },
    { name: 'since' },
    { name: 'last row' },
    { name: 'its hash' },
  ];
  const rows = accounts.flatMap(({ account, chains }) =>
    chains.map(({ writer, from, seq, hash, at, since }) => [
      plain(account),
      plain(writer),
      number(seq),
      number(seq - from),
      plain(since),
      exactly(at, view),
      short(hash),
    ]),
  );
  if (rows.length === 0) return view.colours.dim('none');
  return `${table(view, columns, rows)}\n${view.colours.dim('meanwhile: rows written while the book was read; a restore replays them over it')}`;
}

function showTables({ tables }: BackupManifest, view: View): string {
  const columns = [
    { name: 'table' },
    { name: 'name' },
    { name: 'items', right: true },
    { name: 'size', right: true },
    { name: 'stored', right: true },
    { name: 'parts', right: true },
  ];
  const rows = tables.map((each) => [
    each.table,
    plain(each.name),
    number(each.items),
    size(each.bytes),
    size(each.storedBytes),
    number(each.parts),
  ]);
  return table(view, columns, rows);
}

function showParts({ parts }: BackupManifest, view: View): string {
  if (parts.length === 0) return view.colours.dim('none');
  const columns = [
    { name: 'key' },
    { name: 'items', right: true },
    { name: 'size', right: true },
    { name: 'stored', right: true },
    { name: 'SHA-256' },
  ];
  const rows = parts.map(({ key, items, bytes, storedBytes, sha256 }) => [
    plain(key),
    number(items),
    size(bytes),
    size(storedBytes),
    short(sha256),
  ]);
  return `${table(view, columns, rows)}\n${view.colours.dim(`${count(parts.length, 'part')}; --json has the hashes whole`)}`;
}

/** Until when S3 refuses to delete what was stored then. */
export function lockedUntil(completedAt: string, retentionDays: number): number {
  return Date.parse(completedAt) + retentionDays * dayMs;
}

/** To the millisecond: an instant is compared with the times of audit rows. */
export function exactly(at: string, view: View): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return at === '' ? 'no row yet' : plain(at);
  return `${time(view, at)}.${String(ms % 1000).padStart(3, '0')}`;
}

function heading(text: string, { colours }: View): string {
  return `\n${colours.bold(text)}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function short(hash: string): string {
  return plain(hash).slice(0, hashShown);
}
