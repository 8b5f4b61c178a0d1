/** A day of orders against the simulated gateway, from a seed: what a desk does, amended, cancelled, filled in part. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contract, EventName, IBApi, type Order, OrderAction, OrderType, TimeInForce } from '@stoqey/ib';
import type { Desk } from '../../sandbox/desk/desk.ts';

const tick = 0.1;
/** IB's tick type of the last trade's price. */
const lastPrice = 4;
/** The gateway ends a session that sends more than 50 messages a second. */
const pauseMs = 30;

export interface TradingDayOptions {
  readonly desk: Desk;
  readonly symbol: string;
  readonly conId: number;
  readonly clientId: number;
  readonly seed: number;
}

/** One API client that trades; ids of its orders are kept so that it can change and cancel them. */
export class TradingClient {
  placed = 0;
  readonly #ib: IBApi;
  readonly #options: TradingDayOptions;
  readonly #contract: Contract;
  readonly #random: () => number;
  readonly #resting: { readonly id: number; readonly order: Order }[] = [];
  readonly #manual: number[] = [];
  #nextId = 0;
  #last = 0;

  private constructor(ib: IBApi, options: TradingDayOptions) {
    this.#ib = ib;
    this.#options = options;
    this.#contract = { conId: options.conId, exchange: 'COMEX' };
    this.#random = randomOf(options.seed);
  }

  /** Connects and waits for the first price. */
  static async open(options: TradingDayOptions): Promise<TradingClient> {
    const { port } = options.desk.gateway!;
    const ib = new IBApi({ host: '127.0.0.1', port, clientId: options.clientId, maxReqPerSec: 45 });
    const client = new TradingClient(ib, options);
    ib.on(EventName.error, () => undefined);
    ib.on(EventName.nextValidId, (id: number) => {
      client.#nextId = Math.max(client.#nextId, id);
    });
    ib.on(EventName.tickPrice, (_id, type, price) => {
      if (type === lastPrice) client.#last = price;
    });
    ib.connect(options.clientId);
    await until('the next order id', () => client.#nextId > 0);
    ib.reqMktData(1, client.#contract, '', false, false);
    await until('a price', () => client.#last > 0);
    return client;
  }

  /** Places `orders` orders, the legs of brackets and OCA groups counted, and changes and cancels some on the way. */
  async trade(orders: number): Promise<void> {
    const end = this.placed + orders;
    while (this.placed < end) {
      const dice = this.#random();
      if (dice < 0.25) await this.#bracket();
      else if (dice < 0.45) await this.#place({ orderType: OrderType.MKT, totalQuantity: this.#size(8) });
      else if (dice < 0.6) await this.#place(this.#limit(this.#last + this.#ticks(3)));
      else if (dice < 0.72) await this.#rest();
      else if (dice < 0.78) await this.#oca();
      else if (dice < 0.83) await this.#place({ ...this.#limit(this.#last), tif: TimeInForce.IOC });
      else if (dice < 0.88) await this.#stop();
      else if (dice < 0.93) await this.#byHand();
      if (this.#random() < 0.4) await this.#amend();
      if (this.#random() < 0.2) await this.#cancel();
    }
  }

  /** Cancels every other resting order, so that the day ends with orders of both kinds. */
  async wind(): Promise<void> {
    for (const [index, { id }] of this.#resting.entries()) {
      if (index % 2 === 0) await this.#send(() => this.#ib.cancelOrder(id));
    }
    for (const permId of this.#manual.splice(0)) {
      await this.#options.desk.trade({ action: 'cancel', permId }).catch(() => undefined);
    }
  }

  close(): void {
    this.#ib.removeAllListeners();
    this.#ib.on(EventName.error, () => undefined);
    this.#ib.disconnect();
  }

  async #bracket(): Promise<void> {
    const parent = this.#id();
    const quantity = this.#size(4);
    const side = this.#side();
    const away = side === OrderAction.BUY ? 1 : -1;
    const close = side === OrderAction.BUY ? OrderAction.SELL : OrderAction.BUY;
    const base = { totalQuantity: quantity, orderRef: `bracket-${this.#options.clientId}-${parent}` };
    await this.#placeAs(parent, {
      ...base,
      action: side,
      orderType: this.#random() < 0.5 ? OrderType.MKT : OrderType.LMT,
      lmtPrice: price(this.#last + away * tick * 2),
      transmit: false,
    });
    const child = { ...base, action: close, parentId: parent, tif: TimeInForce.GTC };
    await this.#placeAs(this.#id(), {
      ...child,
      orderType: OrderType.LMT,
      lmtPrice: price(this.#last + away * tick * 12),
      transmit: false,
    });
    await this.#placeAs(this.#id(), {
      ...child,
      orderType: OrderType.STP,
      auxPrice: price(this.#last - away * tick * 8),
      transmit: true,
    });
  }

  async #rest(): Promise<void> {
    const order = {
      ...this.#limit(this.#last - 6 * this.#sign()),
      tif: TimeInForce.GTC,
      transmit: true,
    } as Order;
    order.action = order.lmtPrice! < this.#last ? OrderAction.BUY : OrderAction.SELL;
    const id = this.#id();
    await this.#placeAs(id, order);
    this.#resting.push({ id, order });
  }

  async #oca(): Promise<void> {
    const group = { ocaGroup: `oca-${this.#options.clientId}-${this.#nextId}`, ocaType: 1 };
    await this.#place({ ...this.#limit(this.#last), ...group });
    await this.#place({ ...this.#limit(this.#last - 3), action: OrderAction.BUY, ...group });
  }

  async #stop(): Promise<void> {
    const side = this.#side();
    const away = side === OrderAction.BUY ? 1 : -1;
    await this.#place({
      action: side,
      orderType: OrderType.STP,
      auxPrice: price(this.#last + away * tick * 2),
      totalQuantity: this.#size(3),
    });
  }

  /** Typed into TWS: another id for the streamer to make out. */
  async #byHand(): Promise<void> {
    const isMarket = this.#random() < 0.5;
    const { permId } = await this.#options.desk.trade({
      action: 'place',
      symbol: this.#options.symbol,
      side: this.#side() === OrderAction.BUY ? 'BUY' : 'SELL',
      quantity: String(this.#size(3)),
      ...(isMarket
        ? { orderType: 'MKT' as const }
        : {
            orderType: 'LMT' as const,
            limitPrice: price(this.#last - 7).toFixed(1),
            timeInForce: 'GTC' as const,
          }),
    });
    this.placed += 1;
    if (!isMarket) this.#manual.push(permId);
  }

  /** Another price, now and then one that fills it; or another quantity. */
  async #amend(): Promise<void> {
    const chosen = this.#chosen();
    if (!chosen) return;
    const { id, order } = chosen;
    if (this.#random() < 0.4) order.lmtPrice = price(this.#last + this.#ticks(2));
    else if (this.#random() < 0.5) order.lmtPrice = price((order.lmtPrice ?? this.#last) - tick);
    else order.totalQuantity = (order.totalQuantity ?? 1) + 1;
    await this.#placeAs(id, order, false);
  }

  async #cancel(): Promise<void> {
    const chosen = this.#chosen();
    if (!chosen) return;
    this.#resting.splice(this.#resting.indexOf(chosen), 1);
    await this.#send(() => this.#ib.cancelOrder(chosen.id));
  }

  #chosen() {
    return this.#resting[Math.floor(this.#random() * this.#resting.length)];
  }

  #limit(lmtPrice: number): Partial<Order> {
    return { orderType: OrderType.LMT, lmtPrice: price(lmtPrice), totalQuantity: this.#size(5) };
  }

  #place(order: Partial<Order>): Promise<void> {
    return this.#placeAs(this.#id(), { action: this.#side(), ...order });
  }

  async #placeAs(id: number, order: Partial<Order>, isNew = true): Promise<void> {
    if (isNew) this.placed += 1;
    await this.#send(() => this.#ib.placeOrder(id, this.#contract, { transmit: true, ...order } as Order));
  }

  async #send(act: () => unknown): Promise<void> {
    act();
    await sleep(pauseMs);
  }

  #id(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  #side(): OrderAction {
    return this.#random() < 0.5 ? OrderAction.BUY : OrderAction.SELL;
  }

  #sign(): number {
    return this.#random() < 0.5 ? 1 : -1;
  }

  #size(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }

  #ticks(most: number): number {
    return Math.round((this.#random() * 2 - 1) * most) * tick;
  }
}

function price(value: number): number {
  return Math.round(value / tick) / Math.round(1 / tick);
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited 20 s for ${what}`);
    await sleep(10);
  }
}

/** mulberry32: the same day again from the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
