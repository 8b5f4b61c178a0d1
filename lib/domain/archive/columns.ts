/**
 * The columns of the archive: one list for each of its two tables. The Parquet files are written and read by it, and
 * the Glue tables are made of it, so that they cannot differ.
 */

/**
 * - `text`: UTF-8
 * - `whole`: INT64; a whole number below 2^53
 * - `flag`: BOOLEAN
 * - `time`: TIMESTAMP of milliseconds, UTC; Unix milliseconds in a row
 * - `date`: DATE; `yyyy-mm-dd` in a row
 * - `decimal`: DECIMAL(38, scale); decimal text in a row
 */
export type ColumnKind = 'text' | 'whole' | 'flag' | 'time' | 'date' | 'decimal';

export interface ArchiveColumn {
  /** As Athena names it: lower case, words joined by `_`. */
  readonly name: string;
  readonly glueType: string;
  readonly parquet: ColumnKind;
  /** Digits after the point, of a `decimal`. */
  readonly scale?: number;
  readonly nullable?: true;
  /** What it says, with its unit; at most 255 characters, as Glue wants it. */
  readonly comment: string;
}

/** One row: a value for each column, null only where the column is nullable. */
export type ArchiveRow = Readonly<Record<string, string | number | boolean | null>>;

/** As many digits as Parquet, Glue and Athena have. */
export const decimalPrecision = 38;

const glueTypes: Readonly<Record<Exclude<ColumnKind, 'decimal'>, string>> = {
  text: 'string',
  whole: 'bigint',
  flag: 'boolean',
  time: 'timestamp',
  date: 'date',
};

function column(name: string, parquet: Exclude<ColumnKind, 'decimal'>, comment: string): ArchiveColumn {
  return { name, glueType: glueTypes[parquet], parquet, comment };
}

function decimal(name: string, scale: number, comment: string): ArchiveColumn {
  return { name, glueType: `decimal(${decimalPrecision},${scale})`, parquet: 'decimal', scale, comment };
}

function optional(given: ArchiveColumn): ArchiveColumn {
  return { ...given, nullable: true };
}

/** The builder of candles has eight digits after the point, so ten hold every candle and leave room to calculate. */
const candleScale = 10;

/** Bars of one symbol and UTC day, in order of interval, start and conId. */
export const candleColumns: readonly ArchiveColumn[] = [
  column('bar_start', 'time', 'Start of the bar, UTC'),
  column('interval_ms', 'whole', 'Length of the bar, milliseconds'),
  column('con_id', 'whole', "IB's key of the contract"),
  column('local_symbol', 'text', 'As IB writes it; the partition symbol has its special characters replaced'),
  column('session_date', 'date', "The exchange's session (trade) date"),
  decimal('open', candleScale, 'First price'),
  decimal('high', candleScale, 'Highest price'),
  decimal('low', candleScale, 'Lowest price'),
  decimal('close', candleScale, 'Last price'),
  decimal('volume', candleScale, 'Contracts or shares'),
  column('tick_count', 'whole', 'Prints that made the bar; 0 where the broker does not say'),
  column('source', 'text', 'live, flat or backfill'),
  column('volume_source', 'text', 'rtvolume, tick-by-tick, tick8 or historical'),
  column('partial', 'flag', 'Prints may be missing'),
  column('no_trades', 'flag', 'No trade printed in the bar'),
  column('epoch', 'whole', "Fencing token of the streamer's lease"),
  column('revision', 'whole', '0 for the first statement, one more for each correction'),
];

/** Changes of positions of one symbol and UTC day, in order of time, account, writer and row of the trail. */
export const positionColumns: readonly ArchiveColumn[] = [
  column('changed_at', 'time', 'When the book was changed, UTC'),
  column('account', 'text', 'IB account'),
  column('con_id', 'whole', "IB's key of the contract"),
  column('local_symbol', 'text', 'As IB writes it; empty where a removal does not say'),
  column('symbol_root', 'text', 'Root, for example GC'),
  column('sec_type', 'text', 'STK, FUT, OPT, FOP, CASH, BAG, IND or CRYPTO'),
  column('currency', 'text', 'ISO 4217 code'),
  optional(decimal('multiplier', 10, 'Value of one point in the currency')),
  optional(
    decimal('position', 10, 'Contracts or shares, negative when short; null where the item was removed'),
  ),
  // IB has doubles here, with up to 17 digits; fewer places would refuse ordinary average costs.
  optional(decimal('average_cost', 18, 'As IB says it: price x multiplier, commission included')),
  optional(decimal('average_price', 12, 'average_cost / multiplier, half to even')),
  column('removed', 'flag', 'The item was taken out of the book'),
  column(
    'version',
    'whole',
    'Version of the item after the change; of the item before it where it was removed',
  ),
  optional(column('epoch', 'whole', "Fencing token of the streamer's lease that told it")),
  optional(column('seq', 'whole', 'Number of the event in that epoch')),
  column('writer', 'text', 'Whose chain of the audit trail has the row'),
  column('audit_seq', 'whole', 'Number of the row in that chain'),
  column('audit_hash', 'text', 'SHA-256 of the row'),
  column('cause_kind', 'text', 'event, operator, reconcile, plan or restore'),
  column('cause_id', 'text', 'Id of the event, the run or the plan; for an operator, who'),
  column('cause_name', 'text', "The event's name, the command, the operation"),
  column('cause_reason', 'text', "The operator's reason, or empty"),
];
