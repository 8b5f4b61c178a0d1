/**
 * Where working orders meet the tape. Each print and each quote fills the orders that would take its price, at that
 * price (there is no slippage), the oldest order first, up to a share of its size. After the tape's end the last price
 * stands, for any size.
 */
import type { TapeRow } from '../../tapes/tape.ts';
import { available, remaining, takes, trigger } from './matching.ts';
import { type Decimal, decimal } from './money.ts';
import type { BrokerOrder, Instrument } from './types.ts';

export interface ExchangeInput {
  readonly fillShare: number | 'all';
  readonly onTriggered: (order: BrokerOrder) => void;
  readonly onFill: (order: BrokerOrder, quantity: Decimal, price: Decimal) => void;
  /** An order that is good for one moment only was not filled in it. */
  readonly onMissed: (order: BrokerOrder) => void;
}

export class Exchange {
  /** Working orders by local symbol, the oldest first. Only symbols with working orders are here. */
  readonly #working = new Map<string, BrokerOrder[]>();
  readonly #input: ExchangeInput;

  constructor(input: ExchangeInput) {
    this.#input = input;
  }

  /** No order works, so no row matters. */
  get idle(): boolean {
    return this.#working.size === 0;
  }

  add(order: BrokerOrder): void {
    const { localSymbol } = order.instrument.contract;
    const orders = this.#working.get(localSymbol);
    if (orders === undefined) this.#working.set(localSymbol, [order]);
    else orders.push(order);
  }

  remove(order: BrokerOrder): void {
    const { localSymbol } = order.instrument.contract;
    const orders = this.#working.get(localSymbol);
    if (orders === undefined) return;
    const rest = orders.filter((other) => other !== order);
    if (rest.length === 0) this.#working.delete(localSymbol);
    else this.#working.set(localSymbol, rest);
  }

  /** A row has been played; the instrument's state has it already. */
  onRow(row: TapeRow): void {
    const orders = this.#working.get(row.symbol);
    if (orders === undefined || orders[0]!.instrument.halted) return;
    const { fillShare } = this.#input;
    if (row.kind === 'trade' && row.size !== '0' && Number(row.size) > 0) {
      this.#meet(orders, decimal(row.price), available(row.size, fillShare), true, () => true);
    }
    if (row.ask !== undefined) {
      const size = available(row.askSize ?? '0', fillShare);
      this.#meet(orders, decimal(row.ask), size, false, ({ terms }) => terms.action === 'BUY');
    }
    if (row.bid !== undefined) {
      const size = available(row.bidSize ?? '0', fillShare);
      this.#meet(orders, decimal(row.bid), size, false, ({ terms }) => terms.action === 'SELL');
    }
    if (row.kind === 'trade' || row.kind === 'quote') this.#endMoments(orders);
  }

  /** The tape has ended: what is open meets the last price, without a limit of size. */
  onEnded(): void {
    for (const orders of this.#working.values()) {
      const { instrument } = orders[0]!;
      const price = lastPrice(instrument);
      if (price === undefined || instrument.halted) continue;
      this.#meet(orders, price, undefined, true, () => true);
      this.#endMoments(orders);
    }
  }

  /** `left` is what may still be taken at this price, undefined for any quantity. */
  #meet(
    orders: readonly BrokerOrder[],
    price: Decimal,
    size: Decimal | undefined,
    traded: boolean,
    sided: (order: BrokerOrder) => boolean,
  ): void {
    let left = size;
    for (const order of orders) {
      // Another order's fill may have ended this one (OCA) or made it smaller.
      if (order.stage !== 'working' || !sided(order)) continue;
      if (traded && trigger(order, price)) this.#input.onTriggered(order);
      if (left?.lte(0) || !takes(order, price)) continue;
      const wanted = remaining(order);
      const quantity = left === undefined || wanted.lte(left) ? wanted : left;
      left = left?.minus(quantity);
      this.#input.onFill(order, quantity, price);
    }
  }

  #endMoments(orders: readonly BrokerOrder[]): void {
    for (const order of orders) {
      if (order.stage === 'working' && order.terms.timeInForce === 'IOC') this.#input.onMissed(order);
    }
  }
}

export const lastPrice = ({ last }: Instrument): Decimal | undefined =>
  last === undefined ? undefined : decimal(last.price);
