/** What can be wrong with a backup, or with the making of one. */

export type BackupErrorCode =
  | 'BACKUP_NOT_FOUND'
  | 'BACKUP_PART_MISSING'
  | 'BACKUP_PART_CHANGED'
  | 'BACKUP_PART_TRUNCATED'
  | 'BACKUP_PART_SWAPPED'
  | 'BACKUP_PART_MISCOUNTED'
  | 'BACKUP_RESTORE_UNDER_WAY'
  | 'BACKUP_HEADS_RESTLESS'
  | 'BACKUP_NUMBER_CONTESTED'
  | 'MANIFEST_MALFORMED'
  | 'MANIFEST_CHANGED'
  | 'MANIFEST_CONTRADICTORY'
  | 'MANIFEST_CHAIN_BROKEN'
  | 'MANIFEST_REPLACED'
  | 'MANIFEST_TOO_NEW'
  | 'MANIFEST_OTHER_STAGE'
  | 'MANIFEST_OTHER_ACCOUNT'
  | 'MANIFEST_OTHER_REGION';

const damagedPart =
  'The backup cannot be restored. The bucket keeps every version: make the one that was written first the latest again, or take another backup.';
const damagedManifest =
  'It does not say any more what was written, so nothing is restored from it. The bucket keeps every version: the first one of this key is the original; or take another backup.';
const otherPlace = 'Nothing was restored. Look at the stage and at the credentials that you use.';
const notMade = 'No backup was made.';

const advice: Readonly<Record<BackupErrorCode, string>> = {
  BACKUP_NOT_FOUND: '`evenkeel backups list` shows those that there are.',
  BACKUP_PART_MISSING: damagedPart,
  BACKUP_PART_CHANGED: damagedPart,
  BACKUP_PART_TRUNCATED: damagedPart,
  BACKUP_PART_SWAPPED: damagedPart,
  BACKUP_PART_MISCOUNTED: damagedPart,
  BACKUP_RESTORE_UNDER_WAY: `${notMade} Let the restore come to its end (the same command goes on where it stopped), then make it again.`,
  BACKUP_HEADS_RESTLESS: `${notMade} Make it again when fewer new writers begin.`,
  BACKUP_NUMBER_CONTESTED: `${notMade} Make it again when the others have ended.`,
  MANIFEST_MALFORMED: damagedManifest,
  MANIFEST_CHANGED: damagedManifest,
  MANIFEST_CONTRADICTORY: damagedManifest,
  MANIFEST_CHAIN_BROKEN:
    'Somebody changed, removed or added a manifest, so nothing is restored. The bucket keeps every version: put back what was written first.',
  MANIFEST_REPLACED:
    'Somebody wrote over it, so nothing is restored from it. Compare its versions; the first is the original. Make it the only one again, or take another backup.',
  MANIFEST_TOO_NEW: 'Nothing was restored. Use the version of Evenkeel that made it, or a newer one.',
  MANIFEST_OTHER_STAGE: otherPlace,
  MANIFEST_OTHER_ACCOUNT: otherPlace,
  MANIFEST_OTHER_REGION: otherPlace,
};

/** A backup cannot be trusted, found or made. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;
  /** Object of the bucket that it is about; `''` for none. */
  readonly key: string;

  constructor(code: BackupErrorCode, key: string, what: string, options?: ErrorOptions) {
    super(`${code}: ${what} ${advice[code]}`, options);
    this.code = code;
    this.key = key;
  }
}
