/** The backups of a stage, as their manifests tell. */
import { manifestKey, manifestPrefix } from '../domain/backup/backup-id.ts';
import { type BackupManifest, manifestHash } from '../domain/backup/manifest.ts';
import type { Json } from '../domain/book/item.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { BackupError } from './backup-error.ts';
import { manifestLink, parseManifest } from './manifest-schema.ts';

/** Manifests that are fetched at the same time. */
const fetchMax = 8;
const keyPattern = /^manifests\/(\d{6,})\.json$/;

/** A backup of the list; one whose manifest cannot be used is in it with the reason. */
export interface ListedBackup {
  readonly number: number;
  readonly key: string;
  /** What the manifest calls itself, as far as that can be read. */
  readonly id?: string;
  readonly manifest?: BackupManifest;
  /** Why it cannot be restored. Whether its parts are whole says only a verification. */
  readonly error?: BackupError;
}

/**
 * Every backup, newest first.
 *
 * @param digest checks each manifest's own hash when given
 */
export async function listBackups(
  store: Pick<ObjectStore, 'get' | 'list'>,
  digest?: (value: Json) => string,
): Promise<readonly ListedBackup[]> {
  const numbers = await manifestNumbers(store);
  const listed: ListedBackup[] = [];
  for (let from = 0; from < numbers.length; from += fetchMax) {
    const some = numbers.slice(from, from + fetchMax);
    listed.push(...(await Promise.all(some.map((number) => listedBackup(store, number, digest)))));
  }
  return listed.toReversed();
}

/** Numbers of the manifests in the bucket, in order. */
export async function manifestNumbers(store: Pick<ObjectStore, 'list'>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.list(manifestPrefix)) {
    const number = Number(keyPattern.exec(key)?.[1]);
    if (manifestKey(number) === key) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

async function listedBackup(
  store: Pick<ObjectStore, 'get'>,
  number: number,
  digest: ((value: Json) => string) | undefined,
): Promise<ListedBackup> {
  const key = manifestKey(number);
  const bytes = await store.get(key);
  if (bytes === undefined) {
    const error = new BackupError(
      'BACKUP_NOT_FOUND',
      key,
      `The manifest ${key} was removed while it was read.`,
    );
    return { number, key, error };
  }
  const id = manifestLink(bytes)?.id;
  const named = { number, key, ...(id === undefined ? {} : { id }) };
  try {
    const manifest = parseManifest(key, bytes);
    if (digest !== undefined && manifestHash(manifest, digest) !== manifest.hash)
      return { ...named, manifest, error: manifestChanged(key, manifest) };
    return { ...named, manifest };
  } catch (error) {
    if (error instanceof BackupError) return { ...named, error };
    throw error;
  }
}

export function manifestChanged(key: string, { id }: BackupManifest): BackupError {
  return new BackupError(
    'MANIFEST_CHANGED',
    key,
    `The manifest ${key} (${id}) was edited: its content does not make its hash.`,
  );
}
