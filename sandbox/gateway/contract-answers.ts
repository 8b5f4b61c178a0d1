/** Which contracts of the tape a request means, and how the gateway describes them. */
import type { TapeContract } from '../tapes/contracts.ts';
import type { ContractDetails } from './encode.ts';
import type { RequestContract } from './fields.ts';
import type { InstrumentState } from './instrument-state.ts';

/** All instruments that fit: by conId, else local symbol, else root or ticker with what else was given. */
export function findInstruments(
  states: readonly InstrumentState[],
  asked: RequestContract,
): InstrumentState[] {
  return states.filter(({ contract }) => fits(contract, asked));
}

function fits(contract: TapeContract, asked: RequestContract): boolean {
  if (asked.conId !== 0) return asked.conId === contract.conId;
  if (asked.localSymbol !== '' && asked.localSymbol !== contract.localSymbol) return false;
  if (asked.localSymbol === '' && asked.symbol === '') return false;
  if (asked.symbol !== '' && asked.symbol !== contract.symbol) return false;
  if (asked.secType !== '' && asked.secType !== contract.secType) return false;
  if (asked.currency !== '' && asked.currency !== contract.currency) return false;
  if (asked.tradingClass !== '' && asked.tradingClass !== contract.tradingClass) return false;
  if (asked.expiry !== '' && !(contract.expiry ?? '').startsWith(asked.expiry)) return false;
  // The exchange of a derived contract is a guess, so it refuses nobody.
  return contract.derived || asked.exchange === '' || exchangesOf(contract).includes(asked.exchange);
}

const exchangesOf = (contract: TapeContract) => [contract.exchange, contract.primaryExchange, 'SMART'];

const orderTypes = 'ACTIVETIM,DAY,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,TRAIL,WHATIF';

/** The market rule of a contract: one for each price step. */
export const marketRuleId = (contract: TapeContract, states: readonly InstrumentState[]): number =>
  26 + [...new Set(states.map((state) => state.contract.minTick))].indexOf(contract.minTick);

export function describe(id: number, contract: TapeContract, ruleId: number): ContractDetails {
  const futures = contract.secType === 'FUT';
  return {
    id,
    symbol: contract.symbol,
    secType: contract.secType,
    lastTradeDate: contract.expiry ?? '',
    strike: '0',
    right: '',
    exchange: contract.exchange,
    currency: contract.currency,
    localSymbol: contract.localSymbol,
    marketName: contract.tradingClass,
    tradingClass: contract.tradingClass,
    conId: contract.conId,
    minTick: contract.minTick,
    multiplier: contract.multiplier,
    orderTypes,
    validExchanges: contract.exchange,
    priceMagnifier: 1,
    underConId: 0,
    longName: contract.longName,
    primaryExchange: contract.primaryExchange,
    contractMonth: contract.contractMonth ?? '',
    industry: '',
    category: '',
    subcategory: '',
    timeZone: contract.timeZone,
    tradingHours: contract.tradingHours,
    liquidHours: contract.liquidHours,
    secIds: [],
    aggGroup: futures ? 2147483647 : 1,
    underSymbol: futures ? contract.symbol : '',
    underSecType: futures ? 'IND' : '',
    marketRuleIds: String(ruleId),
    realExpirationDate: contract.expiry ?? '',
    stockType: contract.secType === 'STK' ? 'COMMON' : '',
    minSize: '1',
    sizeIncrement: '1',
    suggestedSizeIncrement: contract.secType === 'STK' ? '100' : '1',
  };
}
