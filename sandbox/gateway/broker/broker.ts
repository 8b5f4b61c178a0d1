/**
 * The broker behind the gateway: accounts, orders, matching, fills, positions, cash. It knows no sockets and no
 * clients' sessions; what happens is told to one listener, and its only clock is the tape's.
 */
import type { TapeRow } from '../../tapes/tape.ts';
import { sessionsOf } from '../sessions.ts';
import { Exchange, lastPrice } from './exchange.ts';
import { type FillInput, fillOrder, ocaPartners } from './fills.ts';
import { ExecutionLedger } from './ledger.ts';
import { forbiddenChange, isStop, remaining } from './matching.ts';
import { type Decimal, decimal, zero } from './money.ts';
import { OrderStore } from './order-store.ts';
import { marketTerms, newOrder } from './order-terms.ts';
import { Portfolio } from './portfolio.ts';
import { checkTerms, rejected } from './terms-check.ts';
import { TapeTimers } from './timers.ts';
import type { BrokerEvent, BrokerOptions, BrokerOrder, OrderTerms, PlaceRequest, Refusal } from './types.ts';

const cancelText = 'Order Canceled - reason:';
export const expiredText = `${cancelText}The order has expired`;

/** What faults have prepared for the next orders and fills. */
export interface Prepared {
  /** The next orders are refused. Without `permId` IB never takes them in. */
  readonly rejections: { readonly code: number; readonly text: string; readonly permId: boolean }[];
  /** The next fills that complete an order are too large by this. */
  readonly overfills: Decimal[];
}

export class Broker {
  readonly options: BrokerOptions;
  readonly orders: OrderStore;
  readonly ledger: ExecutionLedger;
  readonly portfolio: Portfolio;
  readonly timers = new TapeTimers();
  readonly prepared: Prepared = { rejections: [], overfills: [] };
  /** What is asked as margin is so many times the rates. */
  marginFactor = decimal(1);
  tapeMs = 0;
  readonly #exchange: Exchange;
  readonly #tell: (event: BrokerEvent) => void;

  constructor(options: BrokerOptions, tell: (event: BrokerEvent) => void) {
    this.options = options;
    this.#tell = tell;
    this.orders = new OrderStore(options.runId);
    this.ledger = new ExecutionLedger(options.runId);
    this.portfolio = new Portfolio(options.startCash);
    this.#exchange = new Exchange({
      fillShare: options.fillShare,
      onTriggered: (order) => this.#triggered(order),
      onFill: (order, quantity, price) => this.fill(order, quantity, price),
      onMissed: (order) => this.#finish(order, 'Cancelled', 202, cancelText, 'Cancelled by System'),
    });
  }

  /** A row was played, and its instrument's state has it. Costs next to nothing while no order works. */
  onRow(row: TapeRow, tapeMs: number): void {
    this.tapeMs = tapeMs;
    if (this.timers.dueMs <= tapeMs) this.timers.run(tapeMs);
    if (!this.#exchange.idle) this.#exchange.onRow(row);
  }

  /** The tape's time has moved on; `ended` once no row is left. */
  onAdvanced(tapeMs: number, ended: boolean): void {
    this.tapeMs = tapeMs;
    if (this.timers.dueMs <= tapeMs) this.timers.run(tapeMs);
    if (ended && !this.#exchange.idle) this.#exchange.onEnded();
  }

  /** Places an order, or changes it when the client has one of that id. Returns it, or why it is refused. */
  place(request: PlaceRequest): BrokerOrder | Refusal {
    const { clientId, orderId, instrument, terms } = request;
    const known = orderId === 0 ? undefined : this.orders.find(clientId, orderId);
    if (known !== undefined && known.stage !== 'held') return this.#modify(known, request);
    if (known === undefined && orderId !== 0) {
      if (orderId <= this.orders.highest(clientId)) return { code: 103, text: 'Duplicate order id' };
      this.orders.raise(clientId, orderId);
    }
    const parent = request.parentId === 0 ? undefined : this.orders.find(clientId, request.parentId);
    if (request.parentId !== 0 && parent === undefined)
      return { code: 135, text: `Can't find order with id =${request.parentId}` };
    const wrong = checkTerms(terms, instrument);
    if (wrong !== undefined) return wrong;
    if (parent?.stage === 'done' && parent.status !== 'Filled') return rejected('Parent order is cancelled.');
    const order = known ?? newOrder(request, parent);
    order.terms = terms;
    if (known === undefined) this.orders.add(order);
    if (request.transmit) this.#transmit(order);
    return order;
  }

  /** Asks for the end of an order. The answer comes as PendingCancel, and as Cancelled when it has arrived. */
  cancel(order: BrokerOrder): Refusal | undefined {
    const what = `OrderId ${order.orderId} that needs to be cancelled`;
    if (order.stage === 'held') {
      this.#dropHeld(order);
      return undefined;
    }
    if (order.stage === 'done') {
      return { code: 10148, text: `${what} cannot be cancelled, state: ${order.status}.` };
    }
    if (order.status === 'PendingCancel') {
      const text = `Cancel attempted when order is not in a cancellable state. Order permId = ${order.permId}`;
      return { code: 161, text };
    }
    order.status = 'PendingCancel';
    this.#tellOf('status', order);
    this.#later(() => {
      if (order.stage !== 'done') {
        this.#finish(order, 'Cancelled', 202, cancelText, 'Cancelled by Trader');
        return;
      }
      this.#tellError(order, 10148, `${what} cannot be cancelled, state: ${order.status}.`);
    });
    return undefined;
  }

  /** Cancels every open order of every client. */
  cancelAll(): void {
    for (const order of [...this.orders.open(), ...this.orders.held()]) {
      if (order.status !== 'PendingCancel') this.cancel(order);
    }
  }

  /** Ends an order by the broker's own decision: its time is over, or its contract rolled. */
  expire(order: BrokerOrder): void {
    this.#finish(order, 'Cancelled', 202, expiredText, 'Cancelled by System: Order expired');
  }

  /** Forgets what only the gateway holds: it restarts. */
  restart(): void {
    for (const order of this.orders.held()) {
      order.stage = 'done';
      this.orders.drop(order);
    }
  }

  /** Closes a position at the last price, as IB does by itself. False where there is nothing to close. */
  liquidate(account: string, localSymbol?: string): boolean {
    let closed = false;
    for (const { instrument, position } of this.portfolio.holdings(account)) {
      const price = lastPrice(instrument);
      if (position.isZero() || price === undefined) continue;
      if (localSymbol !== undefined && instrument.contract.localSymbol !== localSymbol) continue;
      const quantity = position.abs();
      const terms: OrderTerms = {
        ...marketTerms,
        action: position.isNeg() ? 'BUY' : 'SELL',
        quantity: quantity.toFixed(),
      };
      const request = { account, clientId: 0, orderId: 0, instrument, exchange: '', parentId: 0, terms };
      const order = { ...newOrder({ ...request, transmit: true }, undefined), liquidation: true };
      this.orders.admit(order);
      order.stage = 'working';
      this.#tellOf('order', order, true);
      this.fill(order, quantity, price);
      closed = true;
    }
    return closed;
  }

  /** Fills an order, whatever its state: cancels and fills race at the exchange. */
  fill(order: BrokerOrder, asked: Decimal, price: Decimal): void {
    const over = asked.gte(remaining(order)) ? (this.prepared.overfills.shift() ?? zero) : zero;
    const quantity = asked.plus(over);
    const share = asked.div(greater(remaining(order), asked));
    const input: FillInput = { quantity, price, tapeMs: this.tapeMs, options: this.options };
    const execution = fillOrder(order, input, this.ledger, this.portfolio);
    if (order.stage === 'done') this.#exchange.remove(order);
    this.#tell({ kind: 'fill', order: { ...order }, execution });
    this.#tell({ kind: 'position', account: order.account, instrument: order.instrument });
    this.#reduceGroup(order, share);
    if (order.status === 'Filled') {
      for (const child of this.orders.children(order)) if (child.stage === 'waiting') this.#activate(child);
    }
  }

  /** A correction was entered in the ledger: the order's sums and everybody's figures follow. */
  corrected(order: BrokerOrder, execution: Extract<BrokerEvent, { kind: 'correction' }>['execution']): void {
    this.#tell({ kind: 'correction', order: { ...order }, execution });
    this.#tell({ kind: 'position', account: order.account, instrument: order.instrument });
  }

  #modify(order: BrokerOrder, request: PlaceRequest): BrokerOrder | Refusal {
    if (order.stage === 'done') {
      return order.status === 'Filled'
        ? { code: 104, text: 'Cannot modify a filled order.' }
        : { code: 103, text: 'Duplicate order id' };
    }
    if (request.instrument !== order.instrument) return differs('contract');
    if (request.account !== order.account) return differs('account');
    if (request.parentId !== (order.parent?.orderId ?? 0)) return differs('parentId');
    return this.change(order, request.terms);
  }

  /** Changes an open order's terms, or says why not. */
  change(order: BrokerOrder, terms: OrderTerms): BrokerOrder | Refusal {
    if (order.stage === 'done') return { code: 104, text: 'Cannot modify a filled order.' };
    if (order.status === 'PendingCancel') return differs('it is being cancelled');
    const wrong = checkTerms(terms, order.instrument);
    if (wrong !== undefined) return wrong;
    const forbidden = forbiddenChange(order.terms, terms);
    if (forbidden !== undefined) return differs(forbidden);
    const tooSmall = () => decimal(terms.quantity).lt(order.filled);
    const below = () => differs(`quantity is below the filled ${order.filled.toFixed()}`);
    if (tooSmall()) return below();
    const { ocaGroup, ocaType } = order.terms;
    this.#later(() => {
      if (order.stage === 'done' || order.status === 'PendingCancel') return;
      if (tooSmall()) {
        this.#tellError(order, below().code, below().text);
        return;
      }
      order.terms = { ...terms, ocaGroup, ocaType };
      if (terms.trailStopPrice !== '') order.trailStop = decimal(terms.trailStopPrice);
      if (remaining(order).isZero()) {
        order.status = 'Filled';
        this.#close(order, `Filled Size: ${order.filled.toFixed()}`);
      } else {
        this.#watchTime(order);
      }
      this.#tellOf('order', order);
    });
    return order;
  }

  /** Sends an order and the whole bracket that it belongs to. */
  #transmit(order: BrokerOrder): void {
    const root = order.parent ?? order;
    for (const one of [root, ...this.orders.children(root)]) if (one.stage === 'held') this.#release(one);
  }

  #release(order: BrokerOrder): void {
    const refused = this.prepared.rejections.shift();
    if (refused?.permId === false) {
      order.stage = 'done';
      order.status = 'Inactive';
      this.#tellError(order, refused.code, refused.text);
      return;
    }
    this.orders.admit(order);
    order.stage = 'sent';
    const { parent } = order;
    if (parent !== undefined && order.terms.ocaGroup === '') {
      order.terms = { ...order.terms, ocaGroup: String(parent.permId), ocaType: 3 };
    }
    if (refused !== undefined) {
      this.#finish(
        order,
        'Inactive',
        refused.code,
        refused.text,
        `Rejected by System: ${reasonOf(refused.text)}`,
      );
      return;
    }
    if (this.options.latencyMs > 0) this.#tellOf('order', order, true);
    this.#later(() => {
      if (order.stage === 'sent') this.#accept(order);
    });
  }

  #accept(order: BrokerOrder): void {
    const first = this.options.latencyMs === 0;
    const { parent } = order;
    if (order.terms.timeInForce !== 'IOC') this.#watchTime(order);
    if (parent !== undefined && parent.status !== 'Filled') {
      if (parent.stage === 'done') {
        this.#finish(order, 'Cancelled', 202, cancelText, 'Cancelled by System');
        return;
      }
      order.stage = 'waiting';
      if (order.status !== 'PendingCancel') order.status = 'PreSubmitted';
      order.whyHeld = isStop(order.terms.orderType) ? 'child,trigger' : 'child';
      this.#tellOf('order', order, first);
      return;
    }
    this.#activate(order, first);
  }

  #activate(order: BrokerOrder, first = false): void {
    const { orderType } = order.terms;
    order.stage = 'working';
    if (order.terms.trailStopPrice !== '') order.trailStop ??= decimal(order.terms.trailStopPrice);
    if (order.status !== 'PendingCancel') order.status = orderType === 'LMT' ? 'Submitted' : 'PreSubmitted';
    order.whyHeld = isStop(orderType) ? 'trigger' : '';
    this.#tellOf('order', order, first);
    this.#exchange.add(order);
  }

  #triggered(order: BrokerOrder): void {
    order.whyHeld = '';
    if (order.status === 'PreSubmitted') order.status = 'Submitted';
    this.#tellOf('order', order);
  }

  /** DAY orders end with the session, where the contract's hours are known and not guessed; GTD at their date. */
  #watchTime(order: BrokerOrder): void {
    const { contract } = order.instrument;
    const { timeInForce, goodTillMs } = order.terms;
    let endMs: number | undefined;
    if (timeInForce === 'GTD') endMs = goodTillMs;
    if (timeInForce === 'DAY' && !contract.derived)
      endMs = sessionsOf(contract).find((session) => session.endMs > this.tapeMs)?.endMs;
    if (endMs === undefined) return;
    const { terms } = order;
    this.timers.add(Math.max(endMs, this.tapeMs), () => {
      if (order.stage !== 'done' && order.terms === terms) this.expire(order);
    });
  }

  /** One of a group was filled: the others end or become smaller. `share` is the part of it that was filled. */
  #reduceGroup(order: BrokerOrder, share: Decimal): void {
    if (order.terms.ocaGroup === '') return;
    for (const other of ocaPartners(order, this.orders.open())) {
      if (order.terms.ocaType === 1 || order.status === 'Filled') {
        this.#finish(other, 'Cancelled', 202, cancelText, 'Cancelled by System');
        continue;
      }
      const less = remaining(other).times(share).floor();
      if (less.isZero()) continue;
      const quantity = decimal(other.terms.quantity).minus(less);
      const { terms } = other;
      other.terms = { ...terms, quantity: quantity.toFixed() };
      this.#tellOf('order', other);
    }
  }

  #finish(
    order: BrokerOrder,
    status: 'Cancelled' | 'Inactive',
    code: number,
    text: string,
    completedStatus: string,
  ): void {
    order.status = status;
    order.reason = { code, text };
    this.#close(order, completedStatus);
    if (status === 'Inactive') {
      this.#tellError(order, code, text);
      this.#tellOf('order', order, true);
    } else {
      this.#tellOf('status', order);
      this.#tellError(order, code, text);
    }
    for (const child of this.orders.children(order)) {
      if (child.stage === 'held') this.#dropHeld(child);
      else if (child.stage !== 'done')
        this.#finish(child, 'Cancelled', 202, cancelText, 'Cancelled by System');
    }
  }

  #close(order: BrokerOrder, completedStatus: string): void {
    order.stage = 'done';
    order.whyHeld = '';
    order.completedMs = this.tapeMs;
    order.completedStatus = completedStatus;
    this.#exchange.remove(order);
  }

  #dropHeld(order: BrokerOrder): void {
    order.stage = 'done';
    order.status = 'ApiCancelled';
    this.#tellOf('status', order);
    this.#tellError(order, 202, cancelText);
    for (const child of this.orders.children(order)) if (child.stage === 'held') this.#dropHeld(child);
  }

  #later(act: () => void): void {
    const { latencyMs } = this.options;
    if (latencyMs === 0) act();
    else this.timers.add(this.tapeMs + latencyMs, act);
  }

  #tellOf(kind: 'order' | 'status', order: BrokerOrder, first = false): void {
    this.#tell(kind === 'order' ? { kind, order: { ...order }, first } : { kind, order: { ...order } });
  }

  #tellError(order: BrokerOrder, code: number, text: string): void {
    this.#tell({ kind: 'error', order: { ...order }, code, text });
  }
}

const differs = (what: string): Refusal => ({
  code: 105,
  text: `Order being modified does not match original order: ${what}`,
});
const greater = (a: Decimal, b: Decimal) => (a.gte(b) ? a : b);
const reasonOf = (text: string) => text.replace(/^Order rejected - reason:/, '');
