/** Why a restore did not happen, or stopped. */

export type RestoreErrorCode =
  | 'RESTORE_REASON_MISSING'
  | 'RESTORE_ACCOUNT_NOT_IN_BACKUP'
  | 'RESTORE_BOOK_NOT_EMPTY'
  | 'RESTORE_OTHER_BEGUN'
  | 'RESTORE_BEGUN'
  | 'RESTORE_CONTENDED'
  | 'RESTORE_TRAIL_BROKEN'
  | 'RESTORE_TRAIL_DIFFERS'
  | 'RESTORE_BOOK_CONTRADICTS_TRAIL'
  | 'RESTORE_NOT_AS_THE_BACKUP';

const nothing = 'Nothing was written.';
const fenced = 'The book stays closed.';

const advice: Readonly<Record<RestoreErrorCode, string>> = {
  RESTORE_REASON_MISSING: `${nothing} Say who you are and why: the audit trail keeps both.`,
  RESTORE_ACCOUNT_NOT_IN_BACKUP: `${nothing} \`evenkeel backups show\` lists the accounts of a backup.`,
  RESTORE_BOOK_NOT_EMPTY: `${nothing} Look at what would change (the dry run), then restore in place: that makes a backup first and only adds to the audit trail.`,
  RESTORE_OTHER_BEGUN: `${nothing} Let that one come to its end with the same command; then restore the other in place.`,
  RESTORE_BEGUN: `${nothing} It goes on by restoring the same backup again.`,
  RESTORE_CONTENDED: 'Run the same command again. If it goes on, look at who else writes this account.',
  RESTORE_TRAIL_BROKEN: `${nothing} Somebody else than Evenkeel changed the trail: find out who had access (CloudTrail). Restore an older backup, or move the audit table aside and restore into an empty one.`,
  RESTORE_TRAIL_DIFFERS: `${nothing} Either the table or the backup was changed by something else than Evenkeel. Verify the backup; if it is good, move the audit table aside and restore into an empty one.`,
  RESTORE_BOOK_CONTRADICTS_TRAIL: `${nothing} The item was changed by something else than Evenkeel before the backup was made: restore an older backup, or rebuild the table by point-in-time recovery.`,
  RESTORE_NOT_AS_THE_BACKUP: `${fenced} Something else wrote the tables meanwhile: find out what, run the same command again; if it stays so, empty both tables and restore anew.`,
};

/** A restore was refused, or stopped before its end. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  readonly code: RestoreErrorCode;

  constructor(code: RestoreErrorCode, what: string) {
    super(`${code}: ${what} ${advice[code]}`);
    this.code = code;
  }
}
