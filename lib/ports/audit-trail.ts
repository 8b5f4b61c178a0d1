import type { AuditChain, AuditRow } from '../domain/audit/row.ts';

export type { AuditChain, AuditRow } from '../domain/audit/row.ts';

export interface AuditTrail {
  /** The chains of an account, as their heads in the book have them. */
  chains(account: string): Promise<readonly AuditChain[]>;
  /**
   * The rows of one chain in order of their seq, page by page; as stored, unchecked.
   *
   * @param fromDay `yyyy-mm-dd` UTC: rows of earlier days may be left out
   */
  rows(account: string, writer: string, fromDay?: string): AsyncGenerator<AuditRow, void, undefined>;
  /** The rows that concern one order, oldest first. Eventually consistent. */
  rowsOfOrder(account: string, orderKey: string): AsyncGenerator<AuditRow, void, undefined>;
}
