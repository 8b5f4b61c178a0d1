import type { AuditRow } from './row.ts';

/** The trail of an account cannot be folded into a book: rows are missing or were changed. */
export class AuditFoldError extends Error {
  override readonly name = 'AuditFoldError';
  readonly code = 'AUDIT_FOLD_STUCK';
  readonly row: AuditRow;

  constructor(row: AuditRow) {
    super(
      `AUDIT_FOLD_STUCK: Row ${row.seq} of the chain ${row.writer} (${row.at}) changes an item from a version that no other row makes. ` +
        'The book cannot be rebuilt beyond it. Verify the trail: it names the broken row.',
    );
    this.row = row;
  }
}
