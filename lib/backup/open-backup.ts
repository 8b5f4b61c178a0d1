/** Finds a backup and checks everything about it that can be checked without reading its parts. */
import { manifestKey, manifestPrefix, partKey } from '../domain/backup/backup-id.ts';
import { type BackupManifest, manifestHash } from '../domain/backup/manifest.ts';
import { chainAround, checkManifests } from '../domain/backup/manifest-chain.ts';
import type { Json } from '../domain/book/item.ts';
import type { BackupStore } from '../ports/backup-store.ts';
import { BackupError, type BackupErrorCode } from './backup-error.ts';
import { type ListedBackup, listBackups, manifestChanged } from './list-backups.ts';

/** Where a program runs, and so what it may restore. */
export interface BackupPlace {
  readonly stage: string;
  readonly awsAccount: string;
  readonly region: string;
}

export interface OpenBackupOptions {
  readonly store: Pick<BackupStore, 'get' | 'list' | 'versions'>;
  /** `db_backup_YYYYMMDD_HHMMSS`; with neither this nor a number the newest. */
  readonly id?: string;
  readonly number?: number;
  /** SHA-256 of canonical JSON. */
  readonly digest: (value: Json) => string;
  readonly place: BackupPlace;
}

/**
 * The manifest of a backup: its shape, schema version, hash, place, sums, the versions of its object and of the others,
 * and the chain of manifests that it stands in are good.
 *
 * @throws BackupError that says what is not
 */
export async function openBackup(options: OpenBackupOptions): Promise<BackupManifest> {
  const { store, digest, place } = options;
  const backups = await listBackups(store);
  const { key, manifest, error } = find(backups, options);
  if (manifest === undefined) throw error ?? notFound(options, backups);
  if (manifestHash(manifest, digest) !== manifest.hash) throw manifestChanged(key, manifest);
  checkPlace(key, manifest, place);
  checkSums(key, manifest);
  await checkVersions(store, key);
  checkChain(backups, key, digest);
  return manifest;
}

function find(backups: readonly ListedBackup[], options: OpenBackupOptions): ListedBackup {
  const { id, number } = options;
  const found = backups.find(
    (one) => (number === undefined || one.number === number) && (id === undefined || one.id === id),
  );
  if (found === undefined) throw notFound(options, backups);
  return found;
}

function notFound({ id, number }: OpenBackupOptions, backups: readonly ListedBackup[]): BackupError {
  const asked = id ?? (number === undefined ? 'at all' : `number ${number}`);
  const unreadable = backups.filter((one) => one.manifest === undefined).map(({ key }) => key);
  const key = number === undefined ? '' : manifestKey(number);
  const hint = unreadable.length > 0 ? ` These manifests cannot be read: ${unreadable.join(', ')}.` : '';
  return new BackupError('BACKUP_NOT_FOUND', key, `There is no backup ${asked}.${hint}`);
}

function checkPlace(key: string, manifest: BackupManifest, place: BackupPlace): void {
  const checks = [
    ['MANIFEST_OTHER_STAGE', 'stage', manifest.stage, place.stage],
    ['MANIFEST_OTHER_ACCOUNT', 'AWS account', manifest.awsAccount, place.awsAccount],
    ['MANIFEST_OTHER_REGION', 'region', manifest.region, place.region],
  ] as const satisfies readonly (readonly [BackupErrorCode, string, string, string])[];
  for (const [code, what, theirs, ours] of checks) {
    if (theirs === ours) continue;
    const { id } = manifest;
    throw new BackupError(
      code,
      key,
      `The backup ${id} (${key}) is of the ${what} ${theirs}, and this is ${ours}.`,
    );
  }
}

/** The totals of a manifest follow from its parts, and its parts lie under its own name. */
function checkSums(key: string, manifest: BackupManifest): void {
  const wrong = (what: string): BackupError =>
    new BackupError('MANIFEST_CONTRADICTORY', key, `The manifest ${key} contradicts itself: ${what}.`);
  const { id, parts, tables } = manifest;
  for (const totals of tables) {
    const own = parts.filter(({ table }) => table === totals.table);
    const misplaced = own.find((part, index) => part.key !== partKey(id, part.table, index));
    if (misplaced) throw wrong(`the part ${misplaced.key} stands in the place of another`);
    for (const name of ['items', 'bytes', 'storedBytes'] as const) {
      const sum = own.reduce((all, part) => all + part[name], 0);
      if (sum !== totals[name])
        throw wrong(`${name} of ${totals.table} are ${totals[name]}, its parts have ${sum}`);
    }
    if (own.length !== totals.parts)
      throw wrong(`${totals.table} has ${own.length} parts, its totals say ${totals.parts}`);
  }
  if (new Set(tables.map(({ table }) => table)).size !== tables.length) throw wrong('a table is in it twice');
  const stray = parts.find((part) => tables.every(({ table }) => table !== part.table));
  if (stray) throw wrong(`the part ${stray.key} is of a table that it does not name`);
}

/** A manifest is written once. The one that is opened is named first, then the oldest that was written over. */
async function checkVersions(store: Pick<BackupStore, 'versions'>, key: string): Promise<void> {
  const versions = new Map<string, number>();
  for await (const version of store.versions(manifestPrefix)) {
    versions.set(version.key, (versions.get(version.key) ?? 0) + 1);
  }
  const replaced = [...versions].filter(([, count]) => count > 1).map(([name]) => name);
  const bad = replaced.includes(key) ? key : replaced.sort()[0];
  if (bad === undefined) return;
  const count = versions.get(bad);
  throw new BackupError(
    'MANIFEST_REPLACED',
    bad,
    `The manifest ${bad} has ${count} versions, and one is written.`,
  );
}

function checkChain(backups: readonly ListedBackup[], key: string, digest: (value: Json) => string): void {
  const inOrder = backups.toReversed().map(({ number, manifest }) => ({ number, manifest }));
  const number = backups.find((one) => one.key === key)?.number ?? 0;
  const finding = checkManifests(chainAround(inOrder, number), digest);
  if (finding === undefined) return;
  const bad = manifestKey(finding.number);
  throw new BackupError('MANIFEST_CHAIN_BROKEN', bad, `${finding.message} (${bad})`);
}
