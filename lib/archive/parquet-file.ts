/**
 * Rows as a Parquet file, and back. One row group, Snappy, data pages of version 2; the same rows are the same bytes.
 * No number passes through a float: decimals are whole numbers in FIXED_LEN_BYTE_ARRAY(16) under DECIMAL.
 */
import { parquetMetadata, parquetReadObjects, type SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { type ArchiveColumn, type ArchiveRow, decimalPrecision } from '../domain/archive/columns.ts';
import { decimalText, unscaled } from '../domain/archive/decimal-text.ts';
import { misfitOf } from '../domain/archive/fit.ts';
import { dayOfMs, startOfDay } from '../domain/archive/keys.ts';

/** Bytes of a DECIMAL: the fewest that hold 38 digits. */
const decimalBytes = 16;
/** More than any day has, so that a file is one row group. */
const rowGroupSize = 10_000_000;
const dayMs = 86_400_000;

type Cell = ArchiveRow[string] | undefined;

/** A file of the archive is not one that this program wrote, or it is damaged. It was left as it is. */
export class ArchiveFileError extends Error {
  override readonly name = 'ArchiveFileError';
  readonly code = 'ARCHIVE_FILE_UNREADABLE';

  constructor(key: string, why: string, options?: ErrorOptions) {
    super(
      `ARCHIVE_FILE_UNREADABLE: ${key} cannot be read (${why}); it was left as it is. ` +
        'Restore an earlier version of that object, or delete it and archive its day again.',
      options,
    );
  }
}

/**
 * @param rows each fits its columns (`misfitOf`)
 * @throws RangeError for a row that does not
 */
export function writeParquet(rows: readonly ArchiveRow[], columns: readonly ArchiveColumn[]): Uint8Array {
  for (const row of rows) {
    const misfit = misfitOf(row, columns);
    if (misfit !== undefined) throw new RangeError(misfit);
  }
  const file = parquetWriteBuffer({
    schema: [
      { name: 'evenkeel', num_children: columns.length },
      ...columns.map((column) => schemaElement(column)),
    ],
    columnData: columns.map((column) => ({
      name: column.name,
      data: rows.map((row) => stored(row[column.name], column)),
      // The writer's own choice for flags is one that older readers lack.
      ...(column.parquet === 'flag' ? { encoding: 'PLAIN' as const } : {}),
    })),
    rowGroupSize,
    createdBy: 'evenkeel archive version 1',
  });
  return new Uint8Array(file);
}

/** @throws ArchiveFileError for a file without these columns, or one that is damaged */
export async function readParquet(
  key: string,
  bytes: Uint8Array,
  columns: readonly ArchiveColumn[],
): Promise<ArchiveRow[]> {
  try {
    const file = bytes.slice().buffer;
    const metadata = parquetMetadata(file);
    const wanted = new Map(columns.map((column) => [column.name, column]));
    const schema = metadata.schema.map((element) => asStored(element, wanted.get(element.name)));
    const rows = await parquetReadObjects({
      file,
      metadata: { ...metadata, schema },
      columns: [...wanted.keys()],
      parsers: { timestampFromMilliseconds: Number },
    });
    return rows.map((row) =>
      Object.fromEntries(columns.map((column) => [column.name, restored(row[column.name], column)])),
    );
  } catch (error) {
    throw new ArchiveFileError(key, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function schemaElement(column: ArchiveColumn): SchemaElement {
  const { name, nullable, scale = 0 } = column;
  const repetition_type = nullable === true ? 'OPTIONAL' : 'REQUIRED';
  switch (column.parquet) {
    case 'text':
      return {
        name,
        repetition_type,
        type: 'BYTE_ARRAY',
        converted_type: 'UTF8',
        logical_type: { type: 'STRING' },
      };
    case 'whole':
      return { name, repetition_type, type: 'INT64' };
    case 'flag':
      return { name, repetition_type, type: 'BOOLEAN' };
    case 'time':
      return {
        name,
        repetition_type,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      };
    case 'date':
      return {
        name,
        repetition_type,
        type: 'INT32',
        converted_type: 'DATE',
        logical_type: { type: 'DATE' },
      };
    case 'decimal':
      return {
        name,
        repetition_type,
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: decimalBytes,
        converted_type: 'DECIMAL',
        precision: decimalPrecision,
        scale,
        logical_type: { type: 'DECIMAL', precision: decimalPrecision, scale },
      };
  }
}

/** The reader makes floats of a DECIMAL, so it is shown the bytes alone; of a DATE, the days. */
function asStored(element: SchemaElement, column: ArchiveColumn | undefined): SchemaElement {
  if (column === undefined) return element;
  const expected = schemaElement(column);
  if (
    element.type !== expected.type ||
    element.converted_type !== expected.converted_type ||
    (element.scale ?? 0) !== (expected.scale ?? 0)
  )
    throw new Error(`its column ${column.name} is no ${column.glueType}`);
  if (column.parquet !== 'decimal' && column.parquet !== 'date') return element;
  const { converted_type: _, logical_type: __, ...bare } = element;
  return bare;
}

function stored(cell: Cell, { parquet, scale = 0 }: ArchiveColumn) {
  if (cell === null || cell === undefined) return null;
  switch (parquet) {
    case 'whole':
    case 'time':
      return BigInt(cell);
    case 'date':
      return startOfDay(String(cell)) / dayMs;
    case 'decimal':
      // A bigint is written as it is; a number would be scaled as a float.
      return unscaled(String(cell), scale);
    default:
      return cell;
  }
}

function restored(
  value: unknown,
  { name, parquet, nullable, scale = 0 }: ArchiveColumn,
): string | number | boolean | null {
  if (value === null || value === undefined) {
    if (nullable === true) return null;
    throw new Error(`its column ${name} lacks a value`);
  }
  switch (parquet) {
    case 'whole':
    case 'time':
      return Number(value);
    case 'flag':
      return value === true;
    case 'date':
      return dayOfMs(Number(value) * dayMs);
    case 'decimal':
      return decimalText(signed(value as Uint8Array), scale);
    case 'text':
      return String(value);
  }
}

/** Big-endian two's complement. */
function signed(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}
