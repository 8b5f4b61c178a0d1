/** The archive as tables of Athena: partitions are worked out from the query, so nothing has to be crawled or added. */
import { type ArchiveColumn, candleColumns, positionColumns } from './columns.ts';
import { type ArchiveFolder, folderOf } from './keys.ts';

export interface ArchiveTable {
  /** Name in Glue. */
  readonly name: ArchiveFolder;
  readonly description: string;
  readonly columns: readonly ArchiveColumn[];
}

export const archiveTables: readonly ArchiveTable[] = [
  { name: 'candles', description: 'Bars by symbol and UTC day of their start', columns: candleColumns },
  {
    name: 'positions',
    description: 'Changes of positions by symbol and UTC day, from the audit trail',
    columns: positionColumns,
  },
];

/** Both are text: Athena takes an injected partition only as text, and `date >= '2026-01-05'` compares as it reads. */
export const partitionKeys = [
  { name: 'symbol', type: 'string', comment: "Local symbol, for example GCZ5; '_20' stands for a space" },
  { name: 'date', type: 'string', comment: 'UTC day, yyyy-mm-dd' },
] as const;

/** Formats by their class names, as Glue wants them in a storage descriptor. */
export const parquetFormat = {
  inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
} as const;

/** The first day that a query may ask for; nothing is older than the project's oldest tapes. */
const firstDay = '2010-01-01';

/** `s3://<bucket>/candles/`: the location of a table. */
export function tableLocation(bucket: string, folder: ArchiveFolder): string {
  return `s3://${bucket}/${folderOf(folder)}`;
}

/** The parameters of a Glue table. */
export function tableParameters(bucket: string, folder: ArchiveFolder): Readonly<Record<string, string>> {
  return {
    EXTERNAL: 'TRUE',
    classification: 'parquet',
    'projection.enabled': 'true',
    // Symbols come and go with every expiry: the query names the ones it wants.
    'projection.symbol.type': 'injected',
    'projection.date.type': 'date',
    'projection.date.format': 'yyyy-MM-dd',
    'projection.date.range': `${firstDay},NOW`,
    'projection.date.interval': '1',
    'projection.date.interval.unit': 'DAYS',
    'storage.location.template': `${tableLocation(bucket, folder)}symbol=\${symbol}/date=\${date}/`,
  };
}
