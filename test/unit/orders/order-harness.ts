/** One order told step by step, with the words that tests need. */
import type { TradedContract } from '../../../lib/domain/orders/contract.ts';
import { parseExecId } from '../../../lib/domain/orders/exec-id.ts';
import type { CommissionReport, FillReport } from '../../../lib/domain/orders/fill-report.ts';
import type { OrderReport, OrderTerms } from '../../../lib/domain/orders/order-report.ts';
import {
  type Folded,
  foldCommission,
  foldFill,
  foldReport,
  type OrderAlert,
  type OrderState,
  type OrderView,
  viewOf,
} from '../../../lib/domain/orders/order-state.ts';
import type { Stamp } from '../../../lib/domain/orders/stamp.ts';

export const es: TradedContract = {
  conId: 495512563,
  symbol: 'ES',
  secType: 'FUT',
  localSymbol: 'ESH6',
  exchange: 'CME',
  currency: 'USD',
  multiplier: '50',
  lastTradeDate: '20260320',
  strike: '0',
  right: '',
  tradingClass: 'ES',
};
export const spy: TradedContract = {
  ...es,
  conId: 756733,
  symbol: 'SPY',
  secType: 'STK',
  localSymbol: 'SPY',
  exchange: 'SMART',
  multiplier: '1',
  lastTradeDate: '',
  tradingClass: 'SPY',
};
export const calendarSpread: TradedContract = {
  ...es,
  conId: 0,
  secType: 'BAG',
  localSymbol: 'ESH6-ESM6',
  lastTradeDate: '',
};
export const esJune: TradedContract = {
  ...es,
  conId: 551601561,
  localSymbol: 'ESM6',
  lastTradeDate: '20260618',
};

const identity = {
  orderKey: 'P900100',
  permId: 900100,
  clientId: 7,
  orderId: 13,
  orderRef: '',
  origin: 'api' as const,
};

export const limitTerms: OrderTerms = {
  action: 'BUY',
  quantity: '5',
  orderType: 'LMT',
  limitPrice: '5000',
  stopPrice: null,
  trailingPercent: null,
  trailStopPrice: null,
  timeInForce: 'DAY',
  goodTillDate: '',
  outsideRth: false,
  ocaGroup: '',
  ocaType: 0,
  parentId: 0,
  parentKey: null,
};

export interface ReportWords extends Partial<Omit<OrderReport, 'terms'>> {
  readonly terms?: Partial<OrderTerms>;
  readonly quantity?: string;
}

export function reportOf(words: ReportWords): OrderReport {
  const { terms, quantity, ...rest } = words;
  const status = rest.status ?? 'Submitted';
  return {
    ...identity,
    contract: es,
    status,
    brokerStatus: status === 'PartiallyFilled' ? 'Submitted' : status,
    whyHeld: '',
    reason: null,
    reportedFilled: '0',
    reportedAveragePrice: null,
    ...rest,
    terms: { ...limitTerms, ...terms, ...(quantity !== undefined && { quantity }) },
  };
}

export const openMs = Date.UTC(2026, 0, 5, 14, 30);

export function fillOf(
  execId: string,
  quantity: string,
  price: string,
  more: Partial<FillReport> = {},
): FillReport {
  return {
    ...identity,
    execId,
    ...parseExecId(execId),
    contract: es,
    side: 'BUY',
    quantity,
    price,
    timeMs: openMs,
    exchange: 'CME',
    liquidation: false,
    liquidity: 1,
    cumulativeQuantity: quantity,
    averagePrice: price,
    synthetic: false,
    ...more,
  };
}

export function costOf(
  execId: string,
  commission: string,
  more: Partial<CommissionReport> = {},
): CommissionReport {
  return {
    orderKey: identity.orderKey,
    execId,
    ...parseExecId(execId),
    commission,
    currency: 'USD',
    realizedPnl: null,
    ...more,
  };
}

export type Told =
  | { readonly kind: 'report'; readonly report: OrderReport }
  | { readonly kind: 'fill'; readonly report: FillReport }
  | { readonly kind: 'commission'; readonly report: CommissionReport };
export type Stamped = Told & { readonly at: Stamp };

export function fold(state: OrderState | undefined, told: Told, at: Stamp): Folded {
  if (told.kind === 'report') return foldReport(state, told.report, at);
  if (told.kind === 'fill') return foldFill(state, told.report, at);
  return foldCommission(state, told.report, at);
}

export function foldAll(events: readonly Stamped[]): OrderState {
  let state: OrderState | undefined;
  for (const event of events) state = fold(state, event, event.at).state;
  return state!;
}

/** Stamps in the order of arrival. */
export function arriving(events: readonly Told[]): Stamped[] {
  return events.map((event, index) => ({ ...event, at: { epoch: 1, seq: index + 1 } }));
}

/** JSON with sorted keys: equal text is equal content. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** An order that is told something after the other, stamped as it comes. */
export class ToldOrder {
  state: OrderState | undefined;
  readonly alerts: OrderAlert[] = [];
  last: Folded | undefined;
  #seq = 0;

  report(words: ReportWords = {}): this {
    return this.#take({ kind: 'report', report: reportOf(words) });
  }

  fill(execId: string, quantity: string, price: string, more: Partial<FillReport> = {}): this {
    return this.#take({ kind: 'fill', report: fillOf(execId, quantity, price, more) });
  }

  cost(execId: string, commission: string, more: Partial<CommissionReport> = {}): this {
    return this.#take({ kind: 'commission', report: costOf(execId, commission, more) });
  }

  get view(): OrderView {
    return viewOf(this.state!);
  }

  get alertNames(): string[] {
    return this.alerts.map(({ alert, severity, subject }) => `${severity} ${alert} ${subject}`);
  }

  #take(told: Told): this {
    this.#seq += 1;
    this.last = fold(this.state, told, { epoch: 1, seq: this.#seq });
    this.state = this.last.state;
    this.alerts.push(...this.last.alerts);
    return this;
  }
}
