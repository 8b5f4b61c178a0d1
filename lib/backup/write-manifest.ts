/** Writes the manifest, the last object of a backup: the one before it decides its number, and of two only one gets it. */
import { manifestKey } from '../domain/backup/backup-id.ts';
import { type BackupManifest, manifestHash, type PreviousManifest } from '../domain/backup/manifest.ts';
import type { Json } from '../domain/book/item.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { BackupError } from './backup-error.ts';
import { manifestNumbers } from './list-backups.ts';
import { manifestBytes, manifestLink } from './manifest-schema.ts';

const attemptsMax = 20;

export interface WriteManifestOptions {
  readonly store: Pick<ObjectStore, 'put' | 'get' | 'list'>;
  readonly digest: (value: Json) => string;
}

/** @throws BackupError when others take every number */
export async function writeManifest(
  { store, digest }: WriteManifestOptions,
  content: Omit<BackupManifest, 'number' | 'previous' | 'hash'>,
): Promise<BackupManifest> {
  const numbers = await manifestNumbers(store);
  let previous = await newestLink(store, numbers);
  let number = (numbers.at(-1) ?? 0) + 1;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const { format, schemaVersion, programVersion, ...rest } = content;
    const whole = { format, schemaVersion, programVersion, number, ...rest, previous };
    const manifest: BackupManifest = { ...whole, hash: manifestHash(whole, digest) };
    const key = manifestKey(number);
    const body = manifestBytes(manifest);
    if ((await store.put({ key, body, contentType: 'application/json' }, { onlyIfNew: true })) === 'stored')
      return manifest;
    const there = await store.get(key);
    // Ours: it was stored, and only the answer was lost.
    if (there !== undefined && Buffer.from(there).equals(body)) return manifest;
    previous = (there && manifestLink(there)) ?? previous;
    number += 1;
  }
  throw new BackupError(
    'BACKUP_NUMBER_CONTESTED',
    manifestKey(number),
    `Other backups took each of ${attemptsMax} numbers.`,
  );
}

/**
 * What the new manifest names as the one before it. One that cannot be read is passed over: verification names it, and
 * backups go on.
 */
async function newestLink(
  store: Pick<ObjectStore, 'get'>,
  numbers: readonly number[],
): Promise<PreviousManifest | null> {
  for (const number of numbers.toReversed()) {
    const bytes = await store.get(manifestKey(number));
    const link = bytes && manifestLink(bytes);
    if (link) return link;
  }
  return null;
}
