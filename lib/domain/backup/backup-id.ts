/** Names of a backup and of its objects. */
import type { BackedUpTable } from './manifest.ts';

const idPattern = /^db_backup_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})$/;

/** `db_backup_YYYYMMDD_HHMMSS`, UTC. */
export function backupId(startedAt: string): string {
  const digits = startedAt.replaceAll(/\D/g, '');
  return `db_backup_${digits.slice(0, 8)}_${digits.slice(8, 14)}`;
}

export function isBackupId(text: string): boolean {
  return idPattern.test(text);
}

export const manifestPrefix = 'manifests/';

/** `manifests/000017.json`: the number decides, so that of two backups at once only one can be the seventeenth. */
export function manifestKey(number: number): string {
  return `${manifestPrefix}${String(number).padStart(6, '0')}.json`;
}

export const partsPrefix = 'parts/';

/** `parts/db_backup_20260105_031500/book-00003.ndjson.zst` */
export function partKey(id: string, table: BackedUpTable, index: number): string {
  return `${partsPrefix}${id}/${table}-${String(index).padStart(5, '0')}.ndjson.zst`;
}
