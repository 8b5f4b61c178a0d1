/** Reads a whole backup back and checks it against its manifest. */
import type { BackupManifest } from '../domain/backup/manifest.ts';
import { BackupError, type BackupErrorCode } from './backup-error.ts';
import { type OpenBackupOptions, openBackup } from './open-backup.ts';
import { readPartBytes } from './part-reader.ts';

/** Parts that are under way at the same time: one is decompressed while the next is fetched. */
const partsAtOnce = 2;

const releaseBytesMin = 1024 * 1024;

export interface BackupProgress {
  /** Parts that are done; while a backup is made, items. */
  readonly done: number;
  /** Undefined where it is not known beforehand. */
  readonly total?: number;
  /** Before compression. */
  readonly bytes: number;
}

export interface VerifyBackupOptions extends OpenBackupOptions {
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
}

export interface BackupReport {
  /** Undefined where the manifest itself is what is bad. */
  readonly manifest?: BackupManifest;
  /** Parts that were read and found good, in the order of the manifest. */
  readonly parts: number;
  readonly items: number;
  /** Of these parts, before compression. */
  readonly bytes: number;
  readonly durationMs: number;
  /** The first thing that is bad; undefined for a good backup. */
  readonly finding?: BackupFinding;
}

export interface BackupFinding {
  readonly code: BackupErrorCode;
  /** Object of the bucket. */
  readonly key: string;
  readonly message: string;
}

/**
 * Verifies one backup. What is bad is in the report and not thrown.
 *
 * @throws BackupError BACKUP_NOT_FOUND; whatever the store throws
 */
export async function verifyBackup(options: VerifyBackupOptions): Promise<BackupReport> {
  const startMs = performance.now();
  const sofar = { parts: 0, items: 0, bytes: 0 };
  let manifest: BackupManifest | undefined;
  try {
    manifest = await openBackup(options);
    await readParts(manifest, options, sofar);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'BACKUP_NOT_FOUND') throw error;
    const { code, key, message } = error;
    return reportOf({ code, key, message });
  }
  return reportOf();

  function reportOf(finding?: BackupFinding): BackupReport {
    return {
      ...(manifest === undefined ? {} : { manifest }),
      ...sofar,
      durationMs: Math.round(performance.now() - startMs),
      ...(finding === undefined ? {} : { finding }),
    };
  }
}

async function readParts(
  { parts }: BackupManifest,
  { store, onProgress, signal }: VerifyBackupOptions,
  sofar: { parts: number; items: number; bytes: number },
): Promise<void> {
  const read = async (index: number): Promise<unknown> => {
    const part = parts[index];
    if (part === undefined) return undefined;
    release(await readPartBytes(store, part, parts));
    return undefined;
  };
  const underWay: Promise<unknown>[] = [];
  for (let index = 0; index < parts.length + partsAtOnce; index += 1) {
    signal?.throwIfAborted();
    const next = read(index);
    // It is awaited in its turn, and may have failed before.
    next.catch(() => undefined);
    underWay.push(next);
    const part = parts[index - partsAtOnce + 1];
    if (underWay.length < partsAtOnce) continue;
    await underWay.shift();
    if (part === undefined) continue;
    sofar.parts += 1;
    sofar.items += part.items;
    sofar.bytes += part.bytes;
    onProgress?.({ done: sofar.parts, total: parts.length, bytes: sofar.bytes });
  }
}

/** Gives the memory of a part back at once: the collector would let many of them pile up before it takes the first. */
function release({ buffer, byteLength }: Buffer): void {
  // A small one shares its memory with others.
  if (buffer instanceof ArrayBuffer && byteLength >= releaseBytesMin) buffer.transfer(0);
}
