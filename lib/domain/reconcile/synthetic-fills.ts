/**
 * Fills that stand in for what no execution explains: how much of a change of a position they are, at which price the
 * broker's average holds, and what they are called.
 */

import type { TradedContract } from '../orders/contract.ts';
import { type Amount, amount, derivedPrice, plain, sum, zero } from '../orders/decimals.ts';
import { parseExecId } from '../orders/exec-id.ts';
import type { FillReport } from '../orders/fill-report.ts';
import type { OrderIdentity } from '../orders/order-report.ts';
import { compareStamps, type Stamp } from '../orders/stamp.ts';
import { syntheticExecId } from '../orders/synthetic-fill.ts';
import { isTailOfWindow, type PositionEvidence, type WindowFill } from './position-evidence.ts';

/** A position on one side: its size, negative when short, and its average price, null where nobody gives one. */
export interface Holding {
  readonly size: Amount;
  readonly price: Amount | null;
}

/** Key of the order that a synthetic fill makes where no known order can have made it. */
export function syntheticOrderKey(conId: number, positionVersion: number): string {
  return `S${conId}-${positionVersion}`;
}

/** Nobody at the broker knows such an order: it is matched with nothing, and its absence means nothing. */
export function isSyntheticOrder(orderKey: string): boolean {
  return /^S\d+-\d+$/.test(orderKey);
}

/**
 * The part of a change of a position that no execution explains; null where the fills allow no answer. Positions and
 * executions come in any order, so what the book's position contains already has to be found first.
 *
 * @param stamp of the book's position; null where it has none
 * @param taken what orders miss by the broker's own word, fills that are made for them included
 */
export function unexplained(
  book: Amount,
  broker: Amount,
  { before, after, latest, window, unclear }: PositionEvidence,
  stamp: Stamp | null,
  taken: Amount,
): Amount | null {
  const change = broker.minus(book);
  const isKnown = latest !== null || window.length > 0 || !taken.isZero();
  // The fills are there: only the position comes behind.
  if (isKnown && after.plus(taken).eq(broker)) return zero;
  if (unclear) return null;
  // The fills and the position of the book agree: what the broker has beyond all fills is the answer.
  if (before.eq(book) || before.plus(taken).eq(book)) return broker.minus(after).minus(taken);
  const isTold = isTailOfWindow(window, change) || isTailOfWindow(window, change.minus(taken));
  if (isTold || change.eq(taken)) return zero;
  if (window.length > 0 || !taken.isZero()) return null;
  // No fill that might be missing in the book's position: older ones are unknown, and the change itself is the answer.
  const isAhead = latest === null || (stamp !== null && compareStamps(latest, stamp) <= 0);
  return isAhead ? change : null;
}

export interface Leg {
  /** Bought is positive. */
  readonly quantity: Amount;
  readonly price: Amount;
}

/**
 * The legs of what is unexplained, before the executions of the window: one, or two where the position goes through zero
 * (close, then open). Empty where there is no price for any; without the broker's average nothing is opened that it holds.
 */
export function legsOf(
  missing: Amount,
  book: Holding,
  broker: Holding,
  window: readonly WindowFill[],
): readonly Leg[] {
  const start = broker.size.minus(sum(window.map(({ quantity }) => quantity))).minus(missing);
  const reached = start.plus(missing);
  const crosses = !start.isZero() && !reached.isZero() && start.isPositive() !== reached.isPositive();
  const own = start.eq(book.size) ? book.price : null;
  // What is flat has no average any more; the book's own is the last one that was known.
  const known = broker.size.isZero() ? own : broker.price;
  if (crosses) return [...legAt(start.negated(), known ?? own), ...legAt(reached, known)];
  if (reached.abs().lt(start.abs())) return legAt(missing, known ?? own);
  if (known === null || broker.size.isZero()) return legAt(missing, known);
  return legAt(missing, preservingPrice({ size: start, price: own }, missing, known, window));
}

function legAt(quantity: Amount, price: Amount | null): readonly Leg[] {
  return price === null ? [] : [{ quantity, price }];
}

/**
 * The price at which the position ends with the broker's average. The average after a chain of fills is a straight line
 * in the price of one of them, so two points of it give the answer; where the position went through flat since, the
 * price has no part in the average any more, and the broker's average itself is the best that there is.
 */
function preservingPrice(
  start: Holding,
  quantity: Amount,
  average: Amount,
  window: readonly WindowFill[],
): Amount {
  if (!start.size.isZero() && start.price === null) return average;
  const ends = (price: Amount) => averageAfter([{ quantity, price }, ...window], start);
  const [atZero, atOne] = [ends(zero), ends(amount('1'))];
  const slope = atOne.minus(atZero);
  if (slope.isZero()) return average;
  const price = average.minus(atZero).div(slope);
  // Averages of IB hold odd costs at times; a price on the other side of zero is no price.
  return price.isZero() || price.isPositive() !== average.isPositive() ? average : price;
}

/** Average price of what is left, by average cost: an enlargement is weighed in, a reduction leaves it as it is. */
function averageAfter(fills: readonly Leg[], start: Holding): Amount {
  let { size } = start;
  let price = start.price ?? zero;
  for (const fill of fills) {
    const next = size.plus(fill.quantity);
    const sameSide = size.isZero() || size.isPositive() === fill.quantity.isPositive();
    if (sameSide) price = size.times(price).plus(fill.quantity.times(fill.price)).div(next);
    else if (next.isPositive() !== size.isPositive() && !next.isZero()) price = fill.price;
    size = next;
  }
  return price;
}

export interface SyntheticName extends OrderIdentity {
  readonly account: string;
  readonly contract: TradedContract;
}

/**
 * The report of a synthetic fill. It has the same id whenever it is made from the same book.
 *
 * @param cumulative filled quantity of its order with it
 */
export function syntheticFill(
  { account, contract, ...identity }: SyntheticName,
  { quantity, price }: Leg,
  cumulative: Amount,
  timeMs: number,
): FillReport {
  const numbers = { quantity: plain(quantity.abs()), cumulativeQuantity: plain(cumulative) };
  const execId = syntheticExecId({ account, conId: contract.conId, orderKey: identity.orderKey, ...numbers });
  const { orderKey, permId, clientId, orderId, orderRef, origin } = identity;
  return {
    orderKey,
    permId,
    clientId,
    orderId,
    orderRef,
    origin,
    execId,
    ...parseExecId(execId),
    contract,
    side: quantity.isPositive() ? 'BUY' : 'SELL',
    ...numbers,
    price: derivedPrice(price),
    timeMs,
    exchange: contract.exchange,
    liquidation: false,
    liquidity: 0,
    averagePrice: derivedPrice(price),
    synthetic: true,
  };
}

/** The legs as fills of an order of their own, in the last moments that the broker's window leaves open. */
export function fillsOfLegs(
  account: string,
  contract: TradedContract,
  legs: readonly Leg[],
  positionVersion: number,
  executionsSinceMs: number,
): readonly FillReport[] {
  const orderKey = syntheticOrderKey(contract.conId, positionVersion);
  const none = { permId: 0, clientId: 0, orderId: 0, orderRef: '', origin: 'manual' as const };
  let cumulative = zero;
  return legs.map((leg, index) => {
    cumulative = cumulative.plus(leg.quantity.abs());
    const timeMs = executionsSinceMs - legs.length + index;
    return syntheticFill({ account, contract, orderKey, ...none }, leg, cumulative, timeMs);
  });
}
