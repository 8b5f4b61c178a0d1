/** A fresh order. */
import { zero } from './money.ts';
import type { BrokerOrder, OrderTerms, PlaceRequest } from './types.ts';

/** A market order for the day; whoever uses it says what and how much. */
export const marketTerms: OrderTerms = {
  action: 'BUY',
  quantity: '0',
  orderType: 'MKT',
  limitPrice: '',
  auxPrice: '',
  trailStopPrice: '',
  trailingPercent: '',
  limitOffset: '',
  timeInForce: 'DAY',
  goodTillDate: '',
  goodTillMs: undefined,
  outsideRth: false,
  ocaGroup: '',
  ocaType: 0,
  orderRef: '',
};

export function newOrder(request: PlaceRequest, parent: BrokerOrder | undefined): BrokerOrder {
  return {
    account: request.account,
    clientId: request.clientId,
    orderId: request.orderId,
    permId: 0,
    instrument: request.instrument,
    exchange: request.exchange,
    manual: request.orderId === 0,
    liquidation: false,
    parent,
    terms: request.terms,
    stage: 'held',
    status: 'PendingSubmit',
    whyHeld: '',
    triggered: false,
    trailStop: undefined,
    filled: zero,
    filledValue: zero,
    lastFillPrice: '0',
    commission: zero,
    reason: undefined,
    completedMs: 0,
    completedStatus: '',
  };
}
