import type { ContractDetails } from '@stoqey/ib';
import { BrokerMessageError } from './broker-facts-values.ts';
import { requestIdsFrom } from './gateway-errors.ts';

/** What the gateway's fields may say outside of orders: whatever else they say is left out, and told. */

/** IB's own texts have a few hundred characters. */
const textCharsMax = 2_000;
/** A week of hours with breaks has less than a thousand. */
const hoursCharsMax = 8_000;
const accountsMax = 1_000;
/** What moves a cursor, ends a line, or turns the reading around. */
export const unprintable = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
const allUnprintable = new RegExp(`${unprintable.source}+`, 'gu');
/** 2000 to 2100: tapes play any day of it, and no clock of a gateway says another. */
const timeMin = 946_684_800;
const timeMax = 4_102_444_800;
/** Nobody trades in steps, or in multiples, beyond it; and it is exact as a double. */
const numberMax = 1e12;
const noticesMax = 3_000;
const noticesMs = 60_000;

/** Text for logs, events and people: without what moves a cursor or turns the reading around, and not without end. */
export function plainText(text: string): string {
  const short = text.length > textCharsMax ? `${text.slice(0, textCharsMax)}…` : text;
  return short.toWellFormed().replaceAll(allUnprintable, ' ');
}

/** The accounts of the login, as far as they are ids of accounts. */
export function accountIds(list: string): readonly string[] {
  return list
    .split(',', accountsMax)
    .map((account) => account.trim())
    .filter((account) => /^[A-Za-z0-9_.-]{1,32}$/.test(account));
}

/**
 * @param seconds the broker's time, Unix seconds
 * @throws BrokerMessageError where it is no time: the market's clock never goes back, so it would not recover from it
 */
export function sensibleTime(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= timeMin && seconds < timeMax) return seconds;
  throw new BrokerMessageError("the broker's time is no time between 2000 and 2100");
}

/** @throws BrokerMessageError where what a line is made of cannot be read */
export function sensibleContract(details: ContractDetails): ContractDetails {
  const { contract, minTick, sizeIncrement, timeZoneId, tradingHours } = details;
  const { conId, multiplier, symbol, localSymbol, secType, exchange, currency } = contract;
  const of = 'the details of a contract';
  if (!Number.isSafeInteger(conId) || conId! <= 0) throw new BrokerMessageError(`${of} have no conId`);
  for (const number of [minTick, sizeIncrement, Number(multiplier ?? 0)]) {
    if (number !== undefined && !(number >= 0 && number <= numberMax))
      throw new BrokerMessageError(`${of} ${conId} have a number that makes no sense`);
  }
  const { lastTradeDateOrContractMonth: expiry = '' } = contract;
  if (expiry !== '' && !/^\d{8}/.test(expiry))
    throw new BrokerMessageError(`${of} ${conId} have no last trade date`);
  const texts = [symbol, localSymbol, secType, exchange, currency, timeZoneId, tradingHours];
  texts.push(contract.lastTradeDateOrContractMonth);
  if (texts.some((text) => text !== undefined && (text.length > hoursCharsMax || unprintable.test(text))))
    throw new BrokerMessageError(`${of} ${conId} have control characters, or more text than there can be`);
  return details;
}

/** Whether an id can be that of an order of ours: those of our requests begin above. */
export function isOrderId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < requestIdsFrom;
}

/** Notices and errors of one connection: each may turn the session about, or ask for every line anew. */
export class NoticeFlood {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** True where one more, at this time of a steady clock, is one too many. */
  isOver(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= noticesMs) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count > noticesMax;
  }
}
