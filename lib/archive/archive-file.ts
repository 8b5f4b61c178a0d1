/** One file of the archive: what is there already and what is new become one, and it is written where that changes it. */
import { Buffer } from 'node:buffer';
import { candleOfRow, candleRow, mergeCandles } from '../domain/archive/candle-rows.ts';
import {
  type ArchiveColumn,
  type ArchiveRow,
  candleColumns,
  positionColumns,
} from '../domain/archive/columns.ts';
import { misfitOf } from '../domain/archive/fit.ts';
import { type ArchiveFolder, archiveKey } from '../domain/archive/keys.ts';
import { mergePositions } from '../domain/archive/position-rows.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { readParquet, writeParquet } from './parquet-file.ts';

export interface FilePlace {
  readonly folder: ArchiveFolder;
  readonly symbol: string;
  /** `yyyy-mm-dd`, UTC. */
  readonly day: string;
}

export interface MergedFile {
  readonly key: string;
  /** Rows that the file has now. */
  readonly rows: number;
  readonly bytes: number;
  /** False where it was so already. */
  readonly written: boolean;
  /** What could not be archived, in words. */
  readonly misfits: readonly string[];
}

const columnsOf: Readonly<Record<ArchiveFolder, readonly ArchiveColumn[]>> = {
  candles: candleColumns,
  positions: positionColumns,
};

const mergeOf: Readonly<
  Record<ArchiveFolder, (archived: readonly ArchiveRow[], fresh: readonly ArchiveRow[]) => ArchiveRow[]>
> = {
  candles: (archived, fresh) =>
    mergeCandles(archived.map(candleOfRow), fresh.map(candleOfRow)).map(candleRow),
  positions: mergePositions,
};

/**
 * Brings rows into their file. Rows that do not fit are left out and named; the others are archived all the same.
 *
 * @throws ArchiveFileError where the file that is there cannot be read; it is left as it is
 */
export async function mergeIntoFile(
  store: ObjectStore,
  { folder, symbol, day }: FilePlace,
  fresh: readonly ArchiveRow[],
): Promise<MergedFile> {
  const key = archiveKey(folder, symbol, day);
  const columns = columnsOf[folder];
  const misfits = fresh.flatMap((row) => misfitOf(row, columns) ?? []);
  const fitting = misfits.length === 0 ? fresh : fresh.filter((row) => misfitOf(row, columns) === undefined);
  const former = await store.get(key);
  const archived = former === undefined ? [] : await readParquet(key, former, columns);
  const rows = mergeOf[folder](archived, fitting);
  if (rows.length === 0) return { key, rows: 0, bytes: 0, written: false, misfits };
  const body = writeParquet(rows, columns);
  const written = former === undefined || !Buffer.from(body).equals(former);
  if (written) await store.put({ key, body, contentType: 'application/vnd.apache.parquet' });
  return { key, rows: rows.length, bytes: body.byteLength, written, misfits };
}
