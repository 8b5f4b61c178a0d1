import { type Contract, type ContractDetails, SecType } from '@stoqey/ib';
import type { SymbolConfig } from '../config/schema.ts';
import { formatFixed, fromNumber } from '../lib/domain/market/fixed.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import { frontMonth } from '../lib/domain/market/roll.ts';
import { amount, plain } from '../lib/domain/orders/decimals.ts';

/**
 * From a configured symbol to one contract: which questions to ask the broker, in which order, and which of the
 * answers to take. A plain name is tried as the root of a future, then as a local symbol, then as a stock: roots come
 * first because ES, CL and GC are also tickers of stocks, and a desk that names them means the future.
 */
export function queriesFor(symbol: SymbolConfig): readonly Contract[] {
  if (typeof symbol === 'number') return [{ conId: symbol }];
  if (typeof symbol === 'string') {
    return [
      { symbol, secType: SecType.FUT },
      { localSymbol: symbol, secType: SecType.FUT },
      { symbol, secType: SecType.STK, exchange: 'SMART', currency: 'USD' },
    ];
  }
  const rest: Contract = {
    ...(symbol.secType === undefined ? {} : { secType: symbol.secType as SecType }),
    ...(symbol.exchange === undefined ? {} : { exchange: symbol.exchange }),
    ...(symbol.currency === undefined ? {} : { currency: symbol.currency }),
  };
  if ('conId' in symbol) return [{ conId: symbol.conId, ...rest }];
  if ('localSymbol' in symbol) return [{ secType: SecType.FUT, ...rest, localSymbol: symbol.localSymbol }];
  return [{ secType: SecType.FUT, ...rest, symbol: symbol.root }];
}

/** The configured symbol as a person wrote it. */
export function nameOf(symbol: SymbolConfig): string {
  if (typeof symbol === 'object') {
    if ('root' in symbol) return symbol.root;
    if ('localSymbol' in symbol) return symbol.localSymbol;
    return String(symbol.conId);
  }
  return String(symbol);
}

/** Without those of another size than the configuration says. */
export function ofSize(symbol: SymbolConfig, found: readonly ContractDetails[]): readonly ContractDetails[] {
  if (typeof symbol !== 'object' || !('root' in symbol) || symbol.multiplier === undefined) return found;
  const { multiplier } = symbol;
  return found.filter(({ contract }) => Number(contract.multiplier) === multiplier);
}

/**
 * Takes one of the contracts that the broker named: the only one, or the front month by the roll rule.
 *
 * @param atMs market time, Unix ms UTC
 * @param like only those of its kind are taken: a roll changes the month, and nothing else
 */
export function choose(
  configured: string,
  found: readonly ContractDetails[],
  atMs: number,
  daysBeforeExpiry: number,
  like?: Instrument,
): Instrument | undefined {
  const instruments = instrumentsOf(configured, found).filter(
    (instrument) => like === undefined || isSameKind(instrument, like),
  );
  if (instruments.length <= 1) return instruments[0];
  if (instruments.some((instrument) => instrument.expiry === undefined)) return instruments[0];
  return frontMonth(instruments, atMs, daysBeforeExpiry);
}

/**
 * One of each kind that the name stands for, where the roll rule would have to choose between kinds: IB has futures of
 * several multipliers under one root (SI is 5,000 ounces and 1,000). Which of them is meant only a person can say.
 */
export function kindsOf(configured: string, found: readonly ContractDetails[]): readonly Instrument[] {
  const kinds: Instrument[] = [];
  for (const instrument of instrumentsOf(configured, found))
    if (instrument.expiry !== undefined && !kinds.some((kind) => isSameKind(kind, instrument)))
      kinds.push(instrument);
  return kinds;
}

/** What a point is worth is the same, in the same currency. */
export function isSameKind(a: Instrument, b: Instrument): boolean {
  return a.multiplier === b.multiplier && a.currency === b.currency && a.secType === b.secType;
}

function instrumentsOf(configured: string, found: readonly ContractDetails[]): readonly Instrument[] {
  const seen = new Set<number>();
  const instruments: Instrument[] = [];
  for (const details of found) {
    const instrument = toInstrument(configured, details);
    // The broker repeats a contract for every exchange that routes it.
    if (!instrument || seen.has(instrument.conId)) continue;
    seen.add(instrument.conId);
    instruments.push(instrument);
  }
  return instruments;
}

/** The contract to subscribe to. Only keys are sent back, never a decoded contract (its multiplier may have been lost). */
export function contractOf(instrument: Instrument): Contract {
  return { conId: instrument.conId, exchange: instrument.exchange };
}

/**
 * Whole contracts and shares, whatever IB says of fractions: of the API it takes fractions of coins alone. Left out where
 * the step is 1.
 */
function lotOf({ contract, sizeIncrement }: ContractDetails): Pick<Instrument, 'lotSize'> {
  if (sizeIncrement === undefined || !(sizeIncrement > 0)) return {};
  const step = contract.secType === SecType.CRYPTO ? sizeIncrement : Math.max(1, sizeIncrement);
  return step === 1 ? {} : { lotSize: plain(amount(String(step))) };
}

function toInstrument(configured: string, details: ContractDetails): Instrument | undefined {
  const { contract } = details;
  if (contract.conId === undefined || !contract.symbol) return undefined;
  const expiry = contract.lastTradeDateOrContractMonth?.slice(0, 8);
  return {
    conId: contract.conId,
    configured,
    symbol: contract.symbol,
    localSymbol: contract.localSymbol || contract.symbol,
    secType: contract.secType ?? '',
    exchange: contract.exchange ?? 'SMART',
    currency: contract.currency ?? '',
    // @stoqey/ib turns an empty multiplier into 0.
    multiplier: contract.multiplier ? String(contract.multiplier) : '1',
    minTick: details.minTick ? formatFixed(fromNumber(details.minTick)) : '0',
    timeZone: details.timeZoneId ?? '',
    tradingHours: details.tradingHours ?? '',
    ...(expiry ? { expiry } : {}),
    ...lotOf(details),
  };
}
