/** Encoders of account, position and profit messages. */
import { message } from './encode.ts';

type Field = string | number;

/** The contract's fields as the account side sends them. */
export interface WireContract {
  readonly conId: Field;
  readonly symbol: string;
  readonly secType: string;
  readonly expiry: string;
  readonly strike: string;
  readonly right: string;
  readonly multiplier: string;
  readonly exchange: string;
  readonly currency: string;
  readonly localSymbol: string;
  readonly tradingClass: string;
}

/** The eleven contract fields in the order that positions, orders and executions share. */
export function contractFields(c: WireContract): Field[] {
  const { conId, symbol, secType, expiry, strike, right, multiplier, exchange, currency } = c;
  const { localSymbol, tradingClass } = c;
  return [
    conId,
    symbol,
    secType,
    expiry,
    strike,
    right,
    multiplier,
    exchange,
    currency,
    localSymbol,
    tradingClass,
  ];
}

export const position = (m: {
  account: string;
  contract: WireContract;
  position: string;
  averageCost: string;
}) => message(61, 3, m.account, contractFields(m.contract), m.position, m.averageCost);
export const positionEnd = () => message(62, 1);

/** The position of one account and model, as reqPositionsMulti gets it. */
export const positionMulti = (m: {
  id: Field;
  account: string;
  contract: WireContract;
  position: string;
  averageCost: string;
  modelCode: string;
}) => message(71, 3, m.id, m.account, contractFields(m.contract), m.position, m.averageCost, m.modelCode);

export const familyCodes = (codes: readonly { account: string; code: string }[]) =>
  message(
    78,
    codes.length,
    codes.flatMap(({ account, code }) => [account, code]),
  );

export const accountSummary = (m: {
  id: Field;
  account: string;
  tag: string;
  value: string;
  currency: string;
}) => message(63, 1, m.id, m.account, m.tag, m.value, m.currency);
export const accountSummaryEnd = (id: Field) => message(64, 1, id);

export const accountValue = (m: { key: string; value: string; currency: string; account: string }) =>
  message(6, 2, m.key, m.value, m.currency, m.account);
export const accountTime = (hoursMinutes: string) => message(8, 1, hoursMinutes);
export const accountDownloadEnd = (account: string) => message(54, 1, account);

export const portfolioValue = (m: {
  contract: WireContract;
  position: string;
  marketPrice: string;
  marketValue: string;
  averageCost: string;
  unrealizedPnl: string;
  realizedPnl: string;
  account: string;
}) =>
  message(7, 8, contractFields(m.contract), [
    m.position,
    m.marketPrice,
    m.marketValue,
    m.averageCost,
    m.unrealizedPnl,
    m.realizedPnl,
    m.account,
  ]);

export const accountUpdateMulti = (m: {
  id: Field;
  account: string;
  modelCode: string;
  key: string;
  value: string;
  currency: string;
}) => message(73, 1, m.id, m.account, m.modelCode, m.key, m.value, m.currency);
export const accountUpdateMultiEnd = (id: Field) => message(74, 1, id);

export const pnl = (m: { id: Field; daily: string; unrealized: string; realized: string }) =>
  message(94, m.id, m.daily, m.unrealized, m.realized);
export const pnlSingle = (m: {
  id: Field;
  position: string;
  daily: string;
  unrealized: string;
  realized: string;
  value: string;
}) => message(95, m.id, m.position, m.daily, m.unrealized, m.realized, m.value);
