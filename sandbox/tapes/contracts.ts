/** What the tape's symbols are: from `<tape>.contracts.json`, else derived from the rows and marked so. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { deriveHours } from './derived-hours.ts';
import { futuresRoots, lastTradeDate, parseFuturesSymbol } from './futures.ts';
import type { TapeRow } from './tape.ts';
import { TapeError } from './tape-error.ts';

/** A contract as the simulated gateway describes it and replay uses it. Texts are IB's own forms. */
export interface TapeContract {
  readonly conId: number;
  /** Root symbol for futures, the ticker for stocks. */
  readonly symbol: string;
  /** The symbol column of the tape. */
  readonly localSymbol: string;
  readonly secType: 'STK' | 'FUT' | 'CASH' | 'IND' | 'CRYPTO';
  readonly exchange: string;
  readonly primaryExchange: string;
  readonly currency: string;
  /** Decimal text, `''` where IB sends none (stocks). */
  readonly multiplier: string;
  readonly minTick: string;
  readonly tradingClass: string;
  readonly longName: string;
  /** IANA name or link, for example `US/Eastern`. */
  readonly timeZone: string;
  /** `20131006:2000-20131007:1715;20131012:CLOSED`, in `timeZone`. */
  readonly tradingHours: string;
  readonly liquidHours: string;
  /** Last trade date `yyyymmdd`, futures only. */
  readonly expiry?: string;
  /** `yyyymm`, futures only. */
  readonly contractMonth?: string;
  /** True when no contracts file said it. */
  readonly derived: boolean;
}

const decimal = z.string().regex(/^\d+(\.\d+)?$/, 'a decimal number as text, for example "0.25"');
const hours = z
  .string()
  .regex(
    /^(\d{8}:(CLOSED|\d{4}-\d{8}:\d{4})(;|$))*$/,
    'sessions as IB writes them: 20260105:1800-20260106:1700;20260110:CLOSED',
  );
const timeZone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, 'an IANA time zone, for example US/Eastern');

const contractSchema = z.strictObject({
  /** The symbol column of the tape. */
  localSymbol: z.string().min(1),
  symbol: z.string().min(1).optional(),
  conId: z.int().positive().optional(),
  secType: z.enum(['STK', 'FUT', 'CASH', 'IND', 'CRYPTO']).optional(),
  exchange: z.string().optional(),
  primaryExchange: z.string().optional(),
  currency: z.string().length(3).optional(),
  multiplier: z.union([z.literal(''), decimal]).optional(),
  minTick: decimal.optional(),
  tradingClass: z.string().optional(),
  longName: z.string().optional(),
  timeZone: timeZone.optional(),
  tradingHours: hours.optional(),
  liquidHours: hours.optional(),
  expiry: z
    .string()
    .regex(/^\d{8}$/, 'a date as yyyymmdd')
    .optional(),
  contractMonth: z
    .string()
    .regex(/^\d{6}$/, 'a month as yyyymm')
    .optional(),
});
const contractsSchema = z.array(contractSchema).min(1);
type ContractInput = z.infer<typeof contractSchema>;

/** The path of the contracts file of a tape. */
export const contractsFile = (tape: string) => `${tape}.contracts.json`;

/** The contracts of a tape: those of its contracts file where there is one, completed by derivation. */
export async function readContracts(tape: string, rows: readonly TapeRow[]): Promise<TapeContract[]> {
  const file = contractsFile(tape);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return deriveContracts(rows);
    throw new TapeError('TAPE_BAD_CONTRACTS', { file }, 'cannot be read.', 'Check its permissions.', {
      cause: error,
    });
  }
  return deriveContracts(rows, parseContracts(file, text));
}

function parseContracts(file: string, text: string): ContractInput[] {
  const bad = (what: string, cause?: unknown) =>
    new TapeError(
      'TAPE_BAD_CONTRACTS',
      { file },
      what,
      'It is a JSON array of objects with localSymbol (the symbol column of the tape) and what is known of it:' +
        ` ${Object.keys(contractSchema.shape).slice(1).join(', ')}.`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw bad(`is no JSON (${(error as Error).message}).`, error);
  }
  const parsed = contractsSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`);
  throw bad(`${problems.join('; ')}.`, parsed.error);
}

/** One contract for each symbol of the rows; what `given` does not say is derived from the rows. */
export function deriveContracts(
  rows: readonly TapeRow[],
  given: readonly ContractInput[] = [],
): TapeContract[] {
  const bySymbol = Map.groupBy(rows, (row) => row.symbol);
  const conIds = new Set(given.flatMap((contract) => contract.conId ?? []));
  return [...bySymbol].map(([localSymbol, own]) => {
    const said = given.find((contract) => contract.localSymbol === localSymbol);
    const derived = deriveContract(localSymbol, own, conIds);
    if (said === undefined) return derived;
    const contract = { ...derived, longName: said.longName ?? localSymbol, ...defined(said), derived: false };
    return said.tradingHours !== undefined && said.liquidHours === undefined
      ? { ...contract, liquidHours: said.tradingHours }
      : contract;
  });
}

function deriveContract(localSymbol: string, rows: readonly TapeRow[], conIds: Set<number>): TapeContract {
  const futures = parseFuturesSymbol(localSymbol, rows[0]!.timeMs);
  const known = futures && futuresRoots[futures.root];
  const expiry = futures && lastTradeDate(futures);
  const tradingHours = deriveHours(rows);
  const common = {
    conId: conIdOf(`${localSymbol}/${expiry ?? ''}`, conIds),
    localSymbol,
    currency: 'USD',
    minTick: deriveMinTick(rows),
    timeZone: 'US/Eastern',
    tradingHours,
    liquidHours: tradingHours,
    derived: true,
  };
  if (futures === undefined) {
    return {
      ...common,
      symbol: localSymbol,
      secType: 'STK',
      exchange: 'SMART',
      primaryExchange: 'NASDAQ',
      multiplier: '',
      tradingClass: localSymbol,
      longName: `${localSymbol} (derived from the tape)`,
    };
  }
  return {
    ...common,
    symbol: futures.root,
    secType: 'FUT',
    exchange: known?.exchange ?? 'CME',
    primaryExchange: '',
    multiplier: known?.multiplier ?? '1',
    tradingClass: futures.root,
    longName: `${known?.name ?? futures.root} (derived from the tape)`,
    expiry: expiry!,
    contractMonth: `${futures.year}${String(futures.month).padStart(2, '0')}`,
  };
}

/** The greatest step that every price is a multiple of; one unit of the last decimal where few prices are known. */
function deriveMinTick(rows: readonly TapeRow[]): string {
  const prices = new Set<string>();
  for (const row of rows) {
    for (const price of [row.price, row.bid, row.ask])
      if (price !== undefined && price !== '') prices.add(price);
  }
  let decimals = 0;
  for (const price of prices) decimals = Math.max(decimals, (price.split('.')[1] ?? '').length);
  const scaled = [...prices].map((price) => {
    const [whole, fraction = ''] = price.replace('-', '').split('.');
    return BigInt(whole + fraction.padEnd(decimals, '0'));
  });
  let step = 0n;
  for (const value of scaled) for (let a = value; a !== 0n; ) [step, a] = [a, step % a];
  // Few prices share large steps by chance.
  if (prices.size < 8 || step === 0n) step = 1n;
  const digits = step.toString().padStart(decimals + 1, '0');
  if (decimals === 0) return digits;
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '');
}

/** A stable number in the range of real conIds, from FNV-1a of the name; the next free one on a collision. */
function conIdOf(name: string, taken: Set<number>): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  let conId = 100_000_000 + (hash % 800_000_000);
  while (taken.has(conId)) conId += 1;
  taken.add(conId);
  return conId;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
