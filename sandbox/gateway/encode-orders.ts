/**
 * Encoders of the order side. Open and completed orders have some 150 fields that differ by server version, so their
 * layouts are tables: a field's name, what is sent when nothing was said, and the versions that have it.
 */
import { message } from './encode.ts';
import { contractFields, type WireContract } from './encode-account.ts';
import { completedOrderLayout, type LayoutField, type OrderFields, openOrderLayout } from './order-layout.ts';

type Field = string | number;

function encodeLayout(layout: readonly LayoutField[], serverVersion: number, order: OrderFields): Field[] {
  // A delta-neutral type, even the word `None`, brings its own fields.
  const deltaNeutral = (order.deltaNeutralOrderType ?? 'None') !== '';
  return layout
    .filter((field) => serverVersion >= field.since && serverVersion < field.before)
    .filter((field) => deltaNeutral || !field.deltaNeutral)
    .map((field) => order[field.name] ?? field.initial);
}

/** The whole order as the gateway reports it; fields not given take the values that a plain order has. */
export const openOrder = (
  serverVersion: number,
  m: { orderId: Field; contract: WireContract; order: OrderFields },
): string =>
  message(5, m.orderId, contractFields(m.contract), encodeLayout(openOrderLayout, serverVersion, m.order));
export const openOrderEnd = () => message(53, 1);

export const completedOrder = (
  serverVersion: number,
  m: { contract: WireContract; order: OrderFields },
): string =>
  message(101, contractFields(m.contract), encodeLayout(completedOrderLayout, serverVersion, m.order));
export const completedOrdersEnd = () => message(102);

export interface OrderStatus {
  readonly orderId: Field;
  readonly status: string;
  readonly filled: string;
  readonly remaining: string;
  readonly averageFillPrice: string;
  readonly permId: Field;
  readonly parentId: Field;
  readonly lastFillPrice: string;
  readonly clientId: Field;
  readonly whyHeld: string;
  readonly marketCapPrice: string;
}
export const orderStatus = (m: OrderStatus) =>
  message(
    3,
    [m.orderId, m.status, m.filled, m.remaining, m.averageFillPrice, m.permId, m.parentId, m.lastFillPrice],
    [m.clientId, m.whyHeld, m.marketCapPrice],
  );

export interface Execution {
  /** -1 when nobody asked. */
  readonly id: Field;
  readonly orderId: Field;
  readonly contract: WireContract;
  readonly execId: string;
  readonly time: string;
  readonly account: string;
  readonly exchange: string;
  /** `BOT` or `SLD`. */
  readonly side: string;
  readonly shares: string;
  readonly price: string;
  readonly permId: Field;
  readonly clientId: Field;
  readonly liquidation: Field;
  readonly cumulativeQuantity: string;
  readonly averagePrice: string;
  readonly orderRef: string;
  readonly evRule: string;
  readonly evMultiplier: string;
  readonly modelCode: string;
  readonly lastLiquidity: Field;
  readonly pendingPriceRevision: Field;
}
export const execution = (serverVersion: number, m: Execution) =>
  message(
    11,
    [m.id, m.orderId, ...contractFields(m.contract), m.execId, m.time, m.account, m.exchange, m.side],
    [
      m.shares,
      m.price,
      m.permId,
      m.clientId,
      m.liquidation,
      m.cumulativeQuantity,
      m.averagePrice,
      m.orderRef,
    ],
    [m.evRule, m.evMultiplier, m.modelCode, m.lastLiquidity],
    serverVersion >= 178 ? [m.pendingPriceRevision] : [],
  );
export const executionsEnd = (id: Field) => message(55, 1, id);

export const commissionReport = (m: {
  execId: string;
  commission: string;
  currency: string;
  realizedPnl: string;
  yield: string;
  yieldRedemptionDate: string;
}) => message(59, 1, m.execId, m.commission, m.currency, m.realizedPnl, m.yield, m.yieldRedemptionDate);
