/**
 * The proofs that an order of the broker is one of the book, from the best to the weakest, and what none of them
 * overrules.
 */
import type { Json } from '../book/item.ts';
import type { OrderBody } from '../book/orders.ts';
import type { CompletedOrderFact } from '../orders/broker-facts.ts';
import { statusOfCompleted } from '../orders/broker-words.ts';
import { amount } from '../orders/decimals.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import { isSameSubmission, signatureBucketMs } from '../safety/submission.ts';
import type { BrokerOrder } from './context.ts';

export type Digest = (value: Json) => string;

/** An order of the book that has no partner yet. */
export interface Entry {
  readonly key: string;
  readonly body: OrderBody;
  /** Time of its first known moment, Unix ms; undefined where nobody knows. */
  readonly atMs: number | undefined;
}

export type ProofName = 'reference' | 'api' | 'signature';
export type Test = (order: BrokerOrder, entry: Entry) => boolean;

/** Each proof is tried on what the ones before it left; where one leaves several, the next ones may still decide. */
export const proofs: readonly { readonly key: ProofName; readonly test: Test }[] = [
  {
    key: 'reference',
    test: (order, { body }) => order.orderRef !== '' && order.orderRef === body.orderRef,
  },
  {
    key: 'api',
    test: (order, { body }) =>
      order.orderId > 0 &&
      order.orderId === body.orderId &&
      order.clientId === body.clientId &&
      sameReference(order.orderRef, body.orderRef),
  },
  { key: 'signature', test: sameSignature },
];

/** What the index of a proof has an order of the book under; undefined where it has nothing to show. */
export function nameOfEntry({ body }: Entry, kind: ProofName): string | undefined {
  if (kind === 'reference') return body.orderRef || undefined;
  if (kind === 'api') return body.orderId > 0 ? `${body.clientId}#${body.orderId}` : undefined;
  return body.terms && body.contract
    ? signatureBase(body.contract.conId, body.contract.symbol, body.terms)
    : undefined;
}

/** The same of an order of the broker. */
export function nameOfOrder(order: BrokerOrder, kind: ProofName): string | undefined {
  if (kind === 'reference') return order.orderRef || undefined;
  if (kind === 'api') return order.orderId > 0 ? `${order.clientId}#${order.orderId}` : undefined;
  const asked = order.open ?? order.completed;
  if (asked === null) return undefined;
  return signatureBase(asked.contract.conId, asked.contract.symbol, termsOf(order, asked));
}

/** What no proof overrules: another contract or side, two permIds, or an order that ended otherwise. */
export function couldBe(order: BrokerOrder, { body }: Entry): boolean {
  if (order.permId > 0 && body.permId > 0) return false;
  const contract = (order.open ?? order.completed ?? order.executions[0])?.contract;
  if (contract && body.contract && contract.conId !== body.contract.conId) return false;
  const side = (order.open ?? order.completed)?.terms.action ?? order.executions[0]?.side;
  if (side && body.terms && side !== body.terms.action) return false;
  return !isTerminal(body.status) || endedLike(order.completed, body);
}

/** An order that was refused before it had a permId may get one in the list of completed orders. */
function endedLike(completed: CompletedOrderFact | null, body: OrderBody): boolean {
  if (completed === null || amount(completed.filled).gt(0) || body.permId > 0) return false;
  const end = statusOfCompleted(completed.status, completed.completedStatus);
  return end === body.status || end === 'Rejected' || end === 'Inactive';
}

/** IB shortens references and TWS adds to them; nothing known speaks against nothing. */
function sameReference(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function sameSignature(order: BrokerOrder, entry: Entry): boolean {
  if (!sameReference(order.orderRef, entry.body.orderRef)) return false;
  const name = nameOfOrder(order, 'signature');
  if (name === undefined || name !== nameOfEntry(entry, 'signature')) return false;
  // IB does not say when an open order was placed. What is not known does not tell two orders apart.
  const atMs = order.executions[0]?.timeMs;
  return atMs === undefined || entry.atMs === undefined || isSameSubmission(atMs, entry.atMs);
}

interface PricedTerms {
  readonly action: string;
  readonly quantity: string;
  readonly limitPrice: string | null;
  readonly stopPrice: string | null;
}

/** IB lists a completed order without its quantity; where it was filled, that is it. */
function termsOf({ completed }: BrokerOrder, { terms }: { readonly terms: PricedTerms }): PricedTerms {
  const quantity = Number(terms.quantity) === 0 ? (completed?.filled ?? '0') : terms.quantity;
  return { ...terms, quantity };
}

function signatureBase(
  conId: number,
  symbol: string,
  { action, quantity, limitPrice, stopPrice }: PricedTerms,
): string {
  const number = (text: string | null) => (text === null ? '' : String(Number(text)));
  return [symbol, conId, number(quantity), number(limitPrice), number(stopPrice), action].join('|');
}

/**
 * `sha256(symbol|qty|price|side|timestamp_rounded)`, for the record. Rounding to ten seconds cannot miss a match at the
 * edge of a bucket here: what decides is the distance, and both buckets are named.
 */
export function signatureOf(base: string, atMs: number | undefined, digest: Digest): string {
  const bucket = atMs === undefined ? '' : signatureBucketMs(atMs);
  return digest(`${base}|${bucket}`);
}
