import canonicalize from 'canonicalize';
import type { Row } from '../wire/messages.ts';

/** A list as it was last told: the text of each row by its key. */
export type ToldRows = ReadonlyMap<string, string>;

/** DynamoDB gives the fields of one item in any order: their order is no difference. */
export function textOf(value: unknown): string {
  return canonicalize(value) ?? 'null';
}

/** Which rows are new or different, and which are gone. */
export function changedRows(
  before: ToldRows,
  now: readonly Row[],
): { readonly told: ToldRows; readonly rows: readonly Row[]; readonly gone: readonly string[] } {
  const told = new Map(now.map(([key, value]) => [key, textOf(value)]));
  const rows = now.filter(([key]) => before.get(key) !== told.get(key));
  const gone = [...before.keys()].filter((key) => !told.has(key));
  return { told, rows, gone };
}
