import type { Change } from './messages.ts';

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
