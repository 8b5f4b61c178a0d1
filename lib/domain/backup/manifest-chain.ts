/** Walks the manifests of a stage and names the first one that is not what it was when it was written. */
import type { Json } from '../book/item.ts';
import { type BackupManifest, manifestHash } from './manifest.ts';

/**
 * - `changed`: it says something else than its hash
 * - `misnumbered`: it stands under another number than its own
 * - `missing`: there is none of this number, and there are some before and after
 * - `unlinked`: the next one was made on one with another hash
 * - `unreadable`: it has not the shape of a manifest
 */
export type ManifestFault = 'changed' | 'misnumbered' | 'missing' | 'unlinked' | 'unreadable';

export interface ManifestFinding {
  readonly fault: ManifestFault;
  /** Of the bad manifest: that of its key. */
  readonly number: number;
  readonly message: string;
}

/** A manifest under the number of its key; undefined where it could not be read. */
export interface NumberedManifest {
  readonly number: number;
  readonly manifest: BackupManifest | undefined;
}

/**
 * The first bad manifest of a list. The oldest need not be the first of the stage: those before it have expired.
 *
 * @param manifests in order of their numbers
 */
export function checkManifests(
  manifests: readonly NumberedManifest[],
  digest: (value: Json) => string,
): ManifestFinding | undefined {
  let former: NumberedManifest | undefined;
  for (const one of manifests) {
    const finding = gap(one, former) ?? ownFault(one, digest) ?? linkFault(one, former);
    if (finding) return finding;
    former = one;
  }
  return undefined;
}

/** Those that hang together with number `number`: all later ones, and the earlier ones down to the first gap. */
export function chainAround(manifests: readonly NumberedManifest[], number: number): NumberedManifest[] {
  const numbers = new Set(manifests.map((one) => one.number));
  let first = number;
  while (numbers.has(first - 1)) first -= 1;
  return manifests.filter((one) => one.number >= first);
}

function gap({ number }: NumberedManifest, former?: NumberedManifest): ManifestFinding | undefined {
  if (former === undefined || number === former.number + 1) return undefined;
  const missing = former.number + 1;
  const message = `Manifest ${missing} is missing: there are manifests before and after it.`;
  return { fault: 'missing', number: missing, message };
}

function ownFault(
  { number, manifest }: NumberedManifest,
  digest: (value: Json) => string,
): ManifestFinding | undefined {
  if (manifest === undefined) {
    return { fault: 'unreadable', number, message: `Manifest ${number} cannot be read as one.` };
  }
  if (manifest.number !== number) {
    const message = `Under the number ${number} stands the manifest ${manifest.number} (${manifest.id}): it was copied or moved.`;
    return { fault: 'misnumbered', number, message };
  }
  if (manifestHash(manifest, digest) !== manifest.hash) {
    const message = `Manifest ${number} (${manifest.id}) was edited: its content does not make its hash.`;
    return { fault: 'changed', number, message };
  }
  return undefined;
}

function linkFault(
  { number, manifest }: NumberedManifest,
  former: NumberedManifest | undefined,
): ManifestFinding | undefined {
  const previous = manifest?.previous;
  if (number === 1 && previous) {
    const message = 'Manifest 1 says that there was one before it: it was replaced.';
    return { fault: 'unlinked', number, message };
  }
  if (former?.manifest === undefined) return undefined;
  const { id, hash } = former.manifest;
  if (previous?.number === former.number && previous.id === id && previous.hash === hash) return undefined;
  // The later one is whole and was made on another, so it is the earlier one that is not the original.
  const message = `Manifest ${former.number} (${id}) was replaced: manifest ${number} was made on one with another hash.`;
  return { fault: 'unlinked', number: former.number, message };
}
