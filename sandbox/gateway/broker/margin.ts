/**
 * What the broker holds back for positions: a rate on their notional by kind of contract, the greater one to open and the
 * lesser one to hold. It is asked for and never enforced: no order is refused for it, and no account value shows it.
 */
import type { Broker } from './broker.ts';
import { lastPrice } from './exchange.ts';
import { commissionOf } from './fills.ts';
import { type Decimal, decimal, zero } from './money.ts';
import { type Holding, multiplierOf } from './portfolio.ts';
import type { BrokerOrder, Instrument } from './types.ts';

const rates: Readonly<Record<string, { readonly initial: string; readonly maintenance: string }>> = {
  FUT: { initial: '0.1', maintenance: '0.08' },
  STK: { initial: '0.5', maintenance: '0.25' },
};
/** Of what is not known, all of it. */
const wholly = { initial: '1', maintenance: '1' };

export interface MarginSums {
  readonly initial: Decimal;
  readonly maintenance: Decimal;
  readonly equity: Decimal;
}

export interface MarginImpact {
  readonly before: MarginSums;
  readonly after: MarginSums;
  readonly commission: Decimal;
}

/**
 * Margin before and after an order as if it were filled as a whole. Undefined where nobody can say: no price is known, or
 * the contract is not in USD, and there are no exchange rates.
 */
export function marginImpact(broker: Broker, order: BrokerOrder, equity: Decimal): MarginImpact | undefined {
  const { instrument, terms, account } = order;
  const price = priceOf(instrument, terms.limitPrice || terms.auxPrice);
  if (price === undefined || instrument.contract.currency !== 'USD') return undefined;
  const quantity = decimal(terms.quantity);
  const moved = terms.action === 'BUY' ? quantity : quantity.negated();
  const holdings = broker.portfolio.holdings(account);
  const position = holdings.find((holding) => holding.instrument === instrument)?.position ?? zero;
  const others = holdings.filter(
    (holding) => holding.instrument !== instrument && holding.instrument.contract.currency === 'USD',
  );
  const commission = commissionOf({ ...order, filled: quantity }, quantity, broker.options);
  const sums = (own: Decimal, worth: Decimal): MarginSums => {
    const of = (kind: 'initial' | 'maintenance') =>
      others
        .reduce(
          (sum, held) => sum.plus(heldBack(held.instrument, held.position, markOf(held), kind)),
          heldBack(instrument, own, price, kind),
        )
        .times(broker.marginFactor);
    return { initial: of('initial'), maintenance: of('maintenance'), equity: worth };
  };
  return {
    before: sums(position, equity),
    after: sums(position.plus(moved), equity.minus(commission)),
    commission,
  };
}

function heldBack(
  instrument: Instrument,
  position: Decimal,
  price: Decimal,
  kind: 'initial' | 'maintenance',
): Decimal {
  const rate = rates[instrument.contract.secType] ?? wholly;
  return position.abs().times(price).times(multiplierOf(instrument)).times(rate[kind]);
}

/** At the last price; before any, at what was paid. */
function markOf({ instrument, averageCost }: Holding): Decimal {
  return lastPrice(instrument) ?? averageCost.div(multiplierOf(instrument));
}

function priceOf(instrument: Instrument, asked: string): Decimal | undefined {
  return lastPrice(instrument) ?? (asked === '' ? undefined : decimal(asked));
}
