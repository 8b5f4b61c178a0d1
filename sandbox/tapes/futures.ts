/** What is publicly known of common futures roots, for tapes that come without a contracts file. */

interface FuturesRoot {
  readonly multiplier: string;
  readonly exchange: string;
  readonly name: string;
  /** `third-friday` of the contract month; `third-last` business day of it; `crude`: before the 25th of the month before. */
  readonly expiryRule: 'third-friday' | 'third-last' | 'crude';
}

const root = (
  multiplier: string,
  exchange: string,
  name: string,
  expiryRule: FuturesRoot['expiryRule'] = 'third-friday',
): FuturesRoot => ({ multiplier, exchange, name, expiryRule });

/** Multipliers as in IB's contract details (ib-facts row 16 for the index futures). */
export const futuresRoots: Readonly<Record<string, FuturesRoot>> = {
  ES: root('50', 'CME', 'E-mini S&P 500'),
  MES: root('5', 'CME', 'Micro E-mini S&P 500'),
  NQ: root('20', 'CME', 'E-mini NASDAQ 100'),
  MNQ: root('2', 'CME', 'Micro E-mini NASDAQ 100'),
  RTY: root('50', 'CME', 'E-mini Russell 2000'),
  M2K: root('5', 'CME', 'Micro E-mini Russell 2000'),
  YM: root('5', 'CBOT', 'E-mini Dow Jones'),
  MYM: root('0.5', 'CBOT', 'Micro E-mini Dow Jones'),
  GC: root('100', 'COMEX', 'Gold', 'third-last'),
  MGC: root('10', 'COMEX', 'Micro Gold', 'third-last'),
  SI: root('5000', 'COMEX', 'Silver', 'third-last'),
  SIL: root('1000', 'COMEX', 'Micro Silver', 'third-last'),
  HG: root('25000', 'COMEX', 'Copper', 'third-last'),
  CL: root('1000', 'NYMEX', 'Light Sweet Crude Oil', 'crude'),
  MCL: root('100', 'NYMEX', 'Micro Crude Oil', 'crude'),
  NG: root('10000', 'NYMEX', 'Natural Gas', 'third-last'),
};

const monthLetters = 'FGHJKMNQUVXZ';
const localSymbolText = new RegExp(`^([A-Z0-9]{1,4})([${monthLetters}])(\\d{1,2})$`);

export interface FuturesSymbol {
  readonly root: string;
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
}

/**
 * Reads a local symbol such as `GCZ3`: root, month letter, one or two digits of the year. One digit means the first
 * year from the tape's own month on that ends in it, because a tape is of a contract that still traded.
 */
export function parseFuturesSymbol(localSymbol: string, tapeMs: number): FuturesSymbol | undefined {
  const match = localSymbolText.exec(localSymbol);
  if (match === null) return undefined;
  const [, rootSymbol, letter, digits] = match as unknown as [string, string, string, string];
  const month = monthLetters.indexOf(letter) + 1;
  if (digits.length === 2) return { root: rootSymbol, year: 2000 + Number(digits), month };
  const tapeDate = new Date(tapeMs);
  const tapeYear = tapeDate.getUTCFullYear();
  let year = tapeYear - (tapeYear % 10) + Number(digits);
  if (year < tapeYear || (year === tapeYear && month < tapeDate.getUTCMonth() + 1)) year += 10;
  return { root: rootSymbol, year, month };
}

/** The last trade date `yyyymmdd` by the root's usual rule. Exchange holidays are not known here. */
export function lastTradeDate({ root: rootSymbol, year, month }: FuturesSymbol): string {
  const rule = futuresRoots[rootSymbol]?.expiryRule ?? 'third-friday';
  if (rule === 'third-friday') {
    const firstWeekday = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
    return yyyymmdd(new Date(Date.UTC(year, month - 1, 1 + ((5 - firstWeekday + 7) % 7) + 14)));
  }
  if (rule === 'third-last') return yyyymmdd(businessDaysBefore(new Date(Date.UTC(year, month, 1)), 3));
  // Crude stops three business days before the 25th of the month before delivery (four if the 25th is none).
  const anchor = new Date(Date.UTC(year, month - 2, 25));
  return yyyymmdd(businessDaysBefore(anchor, isWeekend(anchor) ? 4 : 3));
}

function businessDaysBefore(date: Date, days: number): Date {
  const day = new Date(date);
  for (let left = days; left > 0; ) {
    day.setUTCDate(day.getUTCDate() - 1);
    if (!isWeekend(day)) left -= 1;
  }
  return day;
}

const isWeekend = (date: Date) => date.getUTCDay() === 0 || date.getUTCDay() === 6;
const yyyymmdd = (date: Date) => date.toISOString().slice(0, 10).replaceAll('-', '');
