/**
 * Positions and cash, from executions. The cost of a position is the average of what was paid, commissions included
 * (ib-facts 15); closing a part takes its share of the cost. Stocks move cash by price times quantity; futures by
 * their realised profit, because nothing is paid for them; commissions move it always.
 */
import { type Decimal, decimal, zero } from './money.ts';
import type { Execution, Instrument } from './types.ts';

export interface Holding {
  readonly account: string;
  readonly instrument: Instrument;
  /** Negative when short. */
  position: Decimal;
  /** Signed as the position: quantity × price × multiplier, without commissions. */
  cost: Decimal;
  /** Commissions of what is held. */
  costCommission: Decimal;
  /** Realised profit, net of commissions. */
  realized: Decimal;
  /** What the instrument has moved in cash. */
  cash: Decimal;
  readonly averageCost: Decimal;
}

export class Portfolio {
  readonly #holdings = new Map<string, HoldingState>();
  readonly #startCash: Decimal;

  constructor(startCash: string) {
    this.#startCash = decimal(startCash);
  }

  /** Takes in an execution that has just happened; returns what it realised, net, or undefined. */
  apply(execution: Pick<Execution, 'order' | 'quantity' | 'price' | 'commission'>): Decimal | undefined {
    return this.#holding(execution.order.account, execution.order.instrument).apply(execution);
  }

  /** Computes one holding anew from the executions that stand; returns what the last of them realised. */
  rebuild(account: string, instrument: Instrument, standing: readonly Execution[], asked: string) {
    this.#holdings.delete(key(account, instrument));
    const holding = this.#holding(account, instrument);
    let realized: Decimal | undefined;
    for (const execution of standing) {
      const made = holding.apply(execution);
      if (execution.execId === asked) realized = made;
    }
    return realized;
  }

  /** All that was ever held, zeros included. */
  holdings(account?: string): Holding[] {
    return [...this.#holdings.values()].filter(
      (holding) => account === undefined || holding.account === account,
    );
  }

  holding(account: string, instrument: Instrument): Holding {
    return this.#holding(account, instrument);
  }

  cash(account: string): { currency: string; amount: Decimal }[] {
    const amounts = new Map<string, Decimal>([['USD', this.#startCash]]);
    for (const { instrument, cash } of this.holdings(account)) {
      const { currency } = instrument.contract;
      amounts.set(currency, (amounts.get(currency) ?? zero).plus(cash));
    }
    return [...amounts].map(([currency, amount]) => ({ currency, amount }));
  }

  #holding(account: string, instrument: Instrument): HoldingState {
    let holding = this.#holdings.get(key(account, instrument));
    if (holding === undefined) {
      holding = new HoldingState(account, instrument);
      this.#holdings.set(key(account, instrument), holding);
    }
    return holding;
  }
}

const key = (account: string, { contract }: Instrument) => `${account}/${contract.conId}`;

export const multiplierOf = ({ contract }: Instrument): Decimal => decimal(contract.multiplier || '1');

class HoldingState implements Holding {
  readonly account: string;
  readonly instrument: Instrument;
  position = zero;
  cost = zero;
  costCommission = zero;
  realized = zero;
  cash = zero;

  constructor(account: string, instrument: Instrument) {
    this.account = account;
    this.instrument = instrument;
  }

  get averageCost(): Decimal {
    return this.position.isZero() ? zero : this.cost.plus(this.costCommission).div(this.position);
  }

  apply({
    order,
    quantity,
    price,
    commission,
  }: Pick<Execution, 'order' | 'quantity' | 'price' | 'commission'>) {
    const signed = order.terms.action === 'BUY' ? quantity : quantity.neg();
    const value = signed.times(price).times(multiplierOf(this.instrument));
    const paid = this.instrument.contract.secType !== 'FUT';
    this.cash = this.cash.minus(commission);
    if (paid) this.cash = this.cash.minus(value);
    if (quantity.isZero()) {
      this.realized = this.realized.minus(commission);
      return undefined;
    }
    const closes = !this.position.isZero() && this.position.isNeg() !== signed.isNeg();
    if (!closes) {
      this.position = this.position.plus(signed);
      this.cost = this.cost.plus(value);
      this.costCommission = this.costCommission.plus(commission);
      return undefined;
    }
    const held = this.position.abs();
    const closed = held.lt(quantity) ? held : quantity;
    const closedCost = this.cost.times(closed).div(held);
    const closedCommission = this.costCommission.times(closed).div(held);
    const closingCommission = commission.times(closed).div(quantity);
    // The closing trade's value has the other sign than the cost of what it closes.
    const gross = value.times(closed).div(quantity).plus(closedCost).neg();
    const net = gross.minus(closedCommission).minus(closingCommission);
    this.realized = this.realized.plus(net);
    if (!paid) this.cash = this.cash.plus(gross);
    this.position = this.position.plus(signed);
    if (closed.eq(quantity)) {
      this.cost = this.cost.minus(closedCost);
      this.costCommission = this.costCommission.minus(closedCommission);
    } else {
      const opened = quantity.minus(closed);
      this.cost = value.times(opened).div(quantity);
      this.costCommission = commission.minus(closingCommission);
    }
    if (this.position.isZero()) {
      this.cost = zero;
      this.costCommission = zero;
    }
    return net;
  }
}
