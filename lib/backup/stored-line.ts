/** What the lines of a backup say. */
import type { AuditImage, AuditRow } from '../domain/audit/row.ts';
import { fromStored, type StoredMap, toStored } from '../domain/backup/stored-json.ts';
import type { StoredLine } from '../ports/table-scan.ts';
import type { RestoreTools } from './restore-types.ts';

/** An item of the book. */
export function imageOf({ text }: StoredLine): AuditImage {
  const { version, body } = itemOf(text);
  return { version: Number(version?.N), body: fromStored(body?.M ?? {}) };
}

/** A row of the trail, unchecked; writer and number are those of its key. */
export function rowOf(account: string, { sk, text }: StoredLine, tools: RestoreTools): AuditRow {
  const { at, cause, orderKey, changes, previousHash, hash } = fromStored(itemOf(text));
  // Only the book writes rows; what somebody else made of one does not match its hash.
  const stored = { at, cause, orderKey, changes, previousHash, hash } as unknown as AuditRow;
  return { ...stored, account, ...tools.auditRowOf(sk) };
}

export function lineOf(pk: string, sk: string, { version, body }: AuditImage): StoredLine {
  const item = { pk: { S: pk }, sk: { S: sk }, version: { N: String(version) }, body: { M: toStored(body) } };
  return { pk, sk, text: JSON.stringify({ Item: item }) };
}

/** The highest fencing token that an item speaks of; 0 for none. */
export function epochIn({ text }: StoredLine): number {
  let highest = 0;
  // A quote inside a text is written with a backslash, so this finds members alone.
  for (const [, epoch] of text.matchAll(/"epoch":\{"N":"(\d+)"\}/g))
    highest = Math.max(highest, Number(epoch));
  return highest;
}

function itemOf(text: string): StoredMap {
  return (JSON.parse(text) as { readonly Item: StoredMap }).Item;
}
