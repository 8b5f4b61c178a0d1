/** The manifest as JSON: strict about its shape, and about what this version understands. */
import * as z from 'zod';
import { isBackupId } from '../domain/backup/backup-id.ts';
import { type BackupManifest, backupSchemaVersion } from '../domain/backup/manifest.ts';
import { BackupError } from './backup-error.ts';

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const isoUtc = z.iso.datetime();
const backupId = z.string().refine(isBackupId, 'must be db_backup_YYYYMMDD_HHMMSS');
const table = z.enum(['book', 'audit', 'candles']);

const chain = z.strictObject({
  writer: z.string().min(1),
  from: count,
  seq: count,
  hash: sha256,
  at: isoUtc,
  since: z.iso.date(),
});

const account = z.strictObject({
  account: z.string().min(1),
  instant: isoUtc,
  items: z.record(z.string(), count),
  auditRows: count,
  orderEvents: count,
  chains: z.array(chain),
});

const totals = z.strictObject({
  table,
  name: z.string().min(1),
  items: count,
  bytes: count,
  storedBytes: count,
  parts: count,
});

const part = z.strictObject({
  table,
  key: z.string().min(1),
  items: count,
  bytes: count,
  storedBytes: count,
  sha256,
});

/** What is read of a manifest of any version: enough to link to it. */
const link = z.object({ number: z.int().positive(), id: backupId, hash: sha256 });

const manifest = z.strictObject({
  format: z.literal('evenkeel-backup'),
  schemaVersion: z.int().positive(),
  programVersion: z.string().min(1),
  number: z.int().positive(),
  id: backupId,
  stage: z.string().min(1),
  awsAccount: z.string().min(1),
  region: z.string().min(1),
  trigger: z.strictObject({
    kind: z.enum(['schedule', 'operator', 'plan', 'restore']),
    by: z.string().min(1),
    reason: z.string(),
  }),
  startedAt: isoUtc,
  instant: isoUtc,
  completedAt: isoUtc,
  accounts: z.array(account),
  tables: z.array(totals),
  parts: z.array(part),
  previous: z.strictObject(link.shape).nullable(),
  hash: sha256,
});

/**
 * The manifest that the bytes of an object are.
 *
 * @throws BackupError MANIFEST_TOO_NEW or MANIFEST_MALFORMED
 */
export function parseManifest(key: string, bytes: Uint8Array): BackupManifest {
  const value = jsonOf(key, bytes);
  const { format, schemaVersion } = (value ?? {}) as { format?: unknown; schemaVersion?: unknown };
  // A newer one may have any shape, so this is asked first.
  if (format === 'evenkeel-backup' && Number(schemaVersion) > backupSchemaVersion) {
    throw new BackupError(
      'MANIFEST_TOO_NEW',
      key,
      `The manifest ${key} has schema version ${String(schemaVersion)}, this program understands ${backupSchemaVersion}.`,
    );
  }
  const parsed = manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`,
  );
  throw new BackupError(
    'MANIFEST_MALFORMED',
    key,
    `The manifest ${key} has not the shape of one: ${problems.slice(0, 3).join('; ')}.`,
  );
}

/** Number, id and hash of a manifest of any version; undefined for what is none. */
export function manifestLink(bytes: Uint8Array): z.infer<typeof link> | undefined {
  try {
    const { number, id, hash } = link.parse(JSON.parse(Buffer.from(bytes).toString()));
    return { number, id, hash };
  } catch {
    return undefined;
  }
}

/** Indented: a person reads it. */
export function manifestBytes(value: BackupManifest): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

function jsonOf(key: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new BackupError(
      'MANIFEST_MALFORMED',
      key,
      `The manifest ${key} is not JSON (${(error as Error).message}).`,
    );
  }
}
