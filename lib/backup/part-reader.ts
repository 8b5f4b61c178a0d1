/** Reads parts back: what is handed on is what was written, or nothing is. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { itemAt } from '../domain/backup/item-text.ts';
import type { BackupPart } from '../domain/backup/manifest.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { StoredLine } from '../ports/table-scan.ts';
import { BackupError } from './backup-error.ts';

const decompress = promisify(zstdDecompress);

/** What is written in one piece is smaller; what a manifest says may be anything. */
const chunkBytesMax = 64 * 1024 * 1024;
const newline = 0x0a;
/** `{"Item":` */
const itemStart = 8;

/**
 * The lines of a part as bytes: size, SHA-256, decompression and counts are checked.
 *
 * @param siblings the parts of the same backup, to tell a swapped part from a changed one
 * @throws BackupError that names the part
 */
export async function readPartBytes(
  store: Pick<ObjectStore, 'get'>,
  part: BackupPart,
  siblings: readonly BackupPart[] = [],
): Promise<Buffer> {
  const stored = await store.get(part.key);
  if (stored === undefined)
    throw new BackupError('BACKUP_PART_MISSING', part.key, `The part ${part.key} is not in the bucket.`);
  checkStored(stored, part, siblings);
  const bytes = await expand(stored, part);
  const lines = countLines(bytes);
  if (bytes.length !== part.bytes || lines !== part.items) {
    throw new BackupError(
      'BACKUP_PART_MISCOUNTED',
      part.key,
      `The part ${part.key} has ${lines} lines and ${bytes.length} bytes, its manifest says ${part.items} and ${part.bytes}.`,
    );
  }
  return bytes;
}

/**
 * The lines of a part, in the order in which they were written.
 *
 * @throws BackupError that names the part, before the first line
 */
export async function* readPart(
  store: Pick<ObjectStore, 'get'>,
  part: BackupPart,
  siblings: readonly BackupPart[] = [],
): AsyncGenerator<StoredLine, void, undefined> {
  const bytes = await readPartBytes(store, part, siblings);
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(newline, from);
    yield lineOf(bytes, from, end, part.key);
    from = end + 1;
  }
}

function checkStored(stored: Uint8Array, part: BackupPart, siblings: readonly BackupPart[]): void {
  const { key, storedBytes, sha256 } = part;
  const found = sha256Of(stored);
  if (stored.byteLength === storedBytes && found === sha256) return;
  const other = siblings.find((sibling) => sibling.sha256 === found && sibling.key !== key);
  if (other) {
    throw new BackupError(
      'BACKUP_PART_SWAPPED',
      key,
      `The part ${key} has the bytes of ${other.key}: two parts were exchanged, or one was copied over the other.`,
    );
  }
  if (stored.byteLength < storedBytes) {
    throw new BackupError(
      'BACKUP_PART_TRUNCATED',
      key,
      `The part ${key} has ${stored.byteLength} bytes of ${storedBytes}: its end is missing.`,
    );
  }
  throw new BackupError(
    'BACKUP_PART_CHANGED',
    key,
    `The part ${key} has other bytes than were written: SHA-256 ${found} instead of ${sha256}.`,
  );
}

async function expand(stored: Uint8Array, { key, bytes }: BackupPart): Promise<Buffer> {
  try {
    // All in one piece, instead of many that are put together afterwards. A forged manifest must not fill the memory.
    return await decompress(stored, {
      chunkSize: Math.min(Math.max(bytes, 1024), chunkBytesMax) + 64,
      maxOutputLength: Math.min(Math.max(bytes, 1), chunkBytesMax),
    });
  } catch (error) {
    throw new BackupError(
      'BACKUP_PART_MISCOUNTED',
      key,
      `The part ${key} cannot be decompressed to the ${bytes} bytes that its manifest says (${(error as Error).message}).`,
      { cause: error },
    );
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines += 1;
  return lines;
}

function lineOf(bytes: Buffer, from: number, end: number, key: string): StoredLine {
  const { pkStart, pkEnd, skStart, skEnd } = itemAt(bytes, from + itemStart);
  if (pkStart < 0 || skStart < 0) {
    throw new BackupError('BACKUP_PART_MISCOUNTED', key, `A line of the part ${key} has no keys.`);
  }
  return {
    pk: keyText(bytes, pkStart, pkEnd),
    sk: keyText(bytes, skStart, skEnd),
    text: bytes.toString('utf8', from, end),
  };
}

/** A key as it stands in the text of its item. */
export function keyText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}
