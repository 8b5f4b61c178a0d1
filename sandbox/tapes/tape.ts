/**
 * Tapes: recorded trades and quotes as CSV, plain or gzip, in time order. Read as a stream, checked row by row, so
 * that a bad file is refused with its line and column and never half believed.
 */
import { deriveContracts, readContracts, type TapeContract } from './contracts.ts';
import { TapeError } from './tape-error.ts';
import { readLines } from './tape-lines.ts';

export type { TapeContract } from './contracts.ts';
export { TapeError } from './tape-error.ts';

export type TapeRowKind = 'trade' | 'quote' | 'halt' | 'resume';

/** One row. Prices and sizes are decimal text exactly as written; `''` on quote, halt and resume rows without one. */
export interface TapeRow {
  /** Unix milliseconds, UTC. Equal times are allowed; their order is the file's. */
  timeMs: number;
  symbol: string;
  price: string;
  size: string;
  bid?: string;
  ask?: string;
  bidSize?: string;
  askSize?: string;
  kind: TapeRowKind;
  /** Line in the file, the header being 1. */
  line: number;
}

export interface Tape {
  readonly file: string;
  readonly rows: readonly TapeRow[];
  /** One for each symbol on the tape, from `<tape>.contracts.json` or derived from the rows. */
  readonly contracts: readonly TapeContract[];
}

export interface ReadTapeOptions {
  /** How far a row may lie before the latest one read, in milliseconds; more is an error. Default 2,000. */
  outOfOrderGraceMs?: number;
}

const requiredColumns = ['time_ms', 'symbol', 'price', 'size'] as const;
const optionalColumns = ['bid', 'ask', 'bid_size', 'ask_size', 'kind'] as const;
type Column = (typeof requiredColumns)[number] | (typeof optionalColumns)[number];

const priceText = /^-?\d{1,18}(\.\d{1,18})?$/;
const sizeText = /^\d{1,18}(\.\d{1,18})?$/;
const symbolText = /^[A-Za-z0-9][A-Za-z0-9 ._/^-]{0,39}$/;
/** 1973-03-03: anything smaller is seconds, or no time at all. */
const timeMsMin = 100_000_000_000;
/** 2100-01-01. */
const timeMsMax = 4_102_444_800_000;

/**
 * Yields the rows of a tape in the file's order. Throws `TapeError` for a file that cannot be read, a broken gzip
 * stream, a bad header, a malformed row, a row out of order beyond the grace, and a tape without rows.
 */
export async function* readTape(file: string, options: ReadTapeOptions = {}): AsyncGenerator<TapeRow> {
  const graceMs = options.outOfOrderGraceMs ?? 2_000;
  let columns: Column[] | undefined;
  let latestMs = Number.NEGATIVE_INFINITY;
  let latestLine = 0;
  let rows = 0;
  for await (const { text, line } of readLines(file)) {
    if (columns === undefined) {
      columns = parseHeader(file, text, line);
      continue;
    }
    if (text === '') continue;
    const row = parseRow(file, columns, text, line);
    if (row.timeMs < latestMs - graceMs) {
      throw new TapeError(
        'TAPE_OUT_OF_ORDER',
        { file, line, column: 1 + offsetOf(columns, text, 'time_ms') },
        `time_ms ${row.timeMs} on line ${line} is ${latestMs - row.timeMs} ms before ${latestMs} on line ${latestLine};` +
          ` rows may be at most ${graceMs} ms out of order.`,
        'Sort the tape by time_ms, or raise the out-of-order grace.',
      );
    }
    if (row.timeMs > latestMs) {
      latestMs = row.timeMs;
      latestLine = line;
    }
    rows += 1;
    yield row;
  }
  if (columns === undefined) throw badHeader(file, 1, 1, 'the file is empty.');
  if (rows === 0) {
    throw new TapeError(
      'TAPE_EMPTY',
      { file },
      'the tape has a header and no rows.',
      'Give a tape with rows.',
    );
  }
}

/** Reads a whole tape and its contracts. Throws `TapeError`, see `readTape`; also for a bad contracts file. */
export async function loadTape(file: string, options: ReadTapeOptions = {}): Promise<Tape> {
  const rows: TapeRow[] = [];
  for await (const row of readTape(file, options)) rows.push(row);
  return { file, rows, contracts: await readContracts(file, rows) };
}

/** A tape from rows in memory, for example generated ones; contracts are derived. */
export function tapeFromRows(name: string, rows: readonly TapeRow[]): Tape {
  if (rows.length === 0) {
    throw new TapeError('TAPE_EMPTY', { file: name }, 'the tape has no rows.', 'Give at least one row.');
  }
  return { file: name, rows, contracts: deriveContracts(rows) };
}

function badHeader(file: string, line: number, column: number, what: string): TapeError {
  return new TapeError(
    'TAPE_BAD_HEADER',
    { file, line, column },
    `bad header: ${what}`,
    `Line 1 must name ${requiredColumns.join(',')}; ${optionalColumns.join(', ')} are optional, others are not allowed.`,
  );
}

function parseHeader(file: string, text: string, line: number): Column[] {
  const names = text.split(',').map((name) => name.trim());
  const known: readonly string[] = [...requiredColumns, ...optionalColumns];
  let column = 1;
  for (const [index, name] of names.entries()) {
    if (!known.includes(name)) throw badHeader(file, line, column, `unknown column ${JSON.stringify(name)}.`);
    if (names.indexOf(name) !== index) throw badHeader(file, line, column, `column ${name} is there twice.`);
    column += name.length + 1;
  }
  const missing = requiredColumns.filter((name) => !names.includes(name));
  if (missing.length > 0) throw badHeader(file, line, 1, `missing ${missing.join(', ')}.`);
  return names as Column[];
}

function parseRow(file: string, columns: readonly Column[], text: string, line: number): TapeRow {
  const values = text.split(',');
  const malformed = (column: number, what: string, todo: string) =>
    new TapeError('TAPE_MALFORMED_ROW', { file, line, column }, what, todo);
  if (values.length !== columns.length) {
    throw malformed(
      Math.min(text.length, values.slice(0, columns.length).join(',').length) + 1,
      `the row has ${values.length} fields, the header ${columns.length} (${columns.join(',')}).`,
      'Give every row the fields of the header; an absent value is an empty field.',
    );
  }
  const row: TapeRow = { timeMs: 0, symbol: '', price: '', size: '', kind: 'trade', line };
  const bad = (name: Column, allowed: string) => {
    const value = values[columns.indexOf(name)] ?? '';
    return malformed(
      1 + offsetOf(columns, text, name),
      `${name} is ${JSON.stringify(value)}.`,
      `Allowed: ${allowed}.`,
    );
  };
  let kind: string | undefined;
  for (let index = 0; index < columns.length; index += 1) {
    const value = values[index]!;
    const name = columns[index]!;
    switch (name) {
      case 'time_ms':
        row.timeMs = Number(value);
        if (!/^\d{1,13}$/.test(value) || row.timeMs < timeMsMin || row.timeMs >= timeMsMax) {
          throw bad(name, 'Unix milliseconds (UTC) as an integer, from 1973 to 2099; seconds are too small');
        }
        break;
      case 'symbol':
        if (!symbolText.test(value)) throw bad(name, 'a local symbol such as GCZ3, 1 to 40 characters');
        row.symbol = value;
        break;
      case 'price':
        row.price = value;
        break;
      case 'size':
        row.size = value;
        break;
      case 'kind':
        kind = value;
        break;
      case 'bid':
      case 'ask':
        if (value === '') break;
        if (!priceText.test(value)) throw bad(name, 'a decimal number such as 1313.7, or nothing');
        row[name] = value;
        break;
      case 'bid_size':
      case 'ask_size':
        if (value === '') break;
        if (!sizeText.test(value)) throw bad(name, 'a decimal number of at least 0, or nothing');
        row[name === 'bid_size' ? 'bidSize' : 'askSize'] = value;
        break;
    }
  }
  row.kind = kindOf(row, kind, bad);
  const pricedKind = row.kind === 'trade';
  if (!priceText.test(row.price) && (pricedKind || row.price !== '')) {
    throw bad('price', `a decimal number such as 1313.7${pricedKind ? '' : ', or nothing'}; no exponents`);
  }
  if (!sizeText.test(row.size) && (pricedKind || row.size !== '')) {
    throw bad('size', `a decimal number of at least 0${pricedKind ? '' : ', or nothing'}; no exponents`);
  }
  return row;
}

/** Without the kind column (or with it empty) a row without a price but with a bid or an ask is a quote. */
function kindOf(
  row: TapeRow,
  kind: string | undefined,
  bad: (name: Column, allowed: string) => TapeError,
): TapeRowKind {
  switch (kind) {
    case 'trade':
    case 'halt':
    case 'resume':
      return kind;
    case 'quote':
      if (row.bid === undefined && row.ask === undefined)
        throw bad('kind', 'quote only with a bid or an ask');
      return kind;
    case undefined:
    case '':
      return row.price === '' && (row.bid !== undefined || row.ask !== undefined) ? 'quote' : 'trade';
    default:
      throw bad('kind', 'trade, quote, halt, resume, or nothing');
  }
}

/** Where a column's value starts in the line, from 0. */
function offsetOf(columns: readonly Column[], text: string, name: Column): number {
  const index = columns.indexOf(name);
  return text
    .split(',')
    .slice(0, index)
    .reduce((sum, value) => sum + value.length + 1, 0);
}
