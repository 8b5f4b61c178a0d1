/** Whether a row can be archived without losing anything. */
import type { ArchiveColumn, ArchiveRow } from './columns.ts';
import { unscaled } from './decimal-text.ts';
import { isDay } from './keys.ts';

type Cell = ArchiveRow[string] | undefined;

/** What keeps a row out of the archive, with the column and its value; undefined when it fits. */
export function misfitOf(row: ArchiveRow, columns: readonly ArchiveColumn[]): string | undefined {
  for (const column of columns) {
    const cell = row[column.name];
    if (!fits(cell, column)) return `${column.name} ${JSON.stringify(cell)} is no ${column.glueType}`;
  }
  return undefined;
}

function fits(cell: Cell, column: ArchiveColumn): boolean {
  if (cell === null) return column.nullable === true;
  switch (column.parquet) {
    case 'text':
      return typeof cell === 'string';
    case 'whole':
    case 'time':
      return Number.isSafeInteger(cell);
    case 'flag':
      return typeof cell === 'boolean';
    case 'date':
      return typeof cell === 'string' && isDay(cell);
    case 'decimal':
      return typeof cell === 'string' && unscaled(cell, column.scale ?? 0) !== undefined;
  }
}
