import type { Change, Row } from './messages.ts';

/** A list as the server last told it: the text of each row by its key. */
export type ToldRows = ReadonlyMap<string, string>;

/** Which rows are new or different, and which are gone. */
export function changedRows(
  before: ToldRows,
  now: readonly Row[],
): { readonly told: ToldRows; readonly rows: readonly Row[]; readonly gone: readonly string[] } {
  const told = new Map(now.map(([key, value]) => [key, JSON.stringify(value)]));
  const rows = now.filter(([key]) => before.get(key) !== told.get(key));
  const gone = [...before.keys()].filter((key) => !told.has(key));
  return { told, rows, gone };
}

/** The list after a change. A new map, so that whoever holds the former one sees that it is another. */
export function withChange(
  before: ReadonlyMap<string, unknown>,
  { rows, gone }: Pick<Change, 'rows' | 'gone'>,
): ReadonlyMap<string, unknown> {
  const after = new Map(before);
  for (const key of gone) after.delete(key);
  for (const [key, value] of rows) after.set(key, value);
  return after;
}
