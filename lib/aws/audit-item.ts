/** A row of the audit trail as an item of its table, and back. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type AuditRow, dayOf } from '../domain/audit/row.ts';
import type { Json } from '../domain/book/item.ts';
import { auditOrderKeys, auditPartition, auditRowOf, auditSort } from './keys.ts';
import { fromAttributes, toAttributes } from './marshalling.ts';

export function auditItem(row: AuditRow): Record<string, AttributeValue> {
  const { account, writer, seq, at, cause, orderKey, changes, previousHash, hash } = row;
  const sk = auditSort(writer, seq);
  return toAttributes({
    pk: auditPartition(account, dayOf(at)),
    sk,
    ...(orderKey === '' ? {} : auditOrderKeys({ account, orderKey, at, sk })),
    at,
    cause: { ...cause },
    orderKey,
    changes: changes as readonly object[] as readonly Json[],
    previousHash,
    hash,
  });
}

/**
 * The row as it is stored, unchecked. Writer and number are those of its key, so that a row under another key does not
 * make its hash any more.
 */
export function auditRow(account: string, item: Readonly<Record<string, AttributeValue>>): AuditRow {
  const { sk, at, cause, orderKey, changes, previousHash, hash } = fromAttributes(item);
  // Only the book writes rows; what somebody else made of one does not match its hash.
  const stored = { at, cause, orderKey, changes, previousHash, hash } as unknown as AuditRow;
  return { ...stored, account, ...auditRowOf(String(sk)) };
}
