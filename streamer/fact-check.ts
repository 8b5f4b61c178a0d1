import type { BrokerFact, ExecutionFact } from '../lib/domain/orders/broker-facts.ts';
import { parseExecId } from '../lib/domain/orders/exec-id.ts';
import { BrokerMessageError } from './broker-facts-values.ts';
import { plainText, unprintable } from './wire-values.ts';

/** References, ids and names: IB takes references of some 40 characters. */
const nameCharsMax = 512;
/** Beyond it no price or quantity is one, and a double does not have so many digits anyway. */
const decimalCharsMax = 40;
const decimalShape = /^-?\d{1,20}(?:\.\d+)?$/;
/** Sentences for people: not a reason to refuse what they stand in. */
const sentences: ReadonlySet<string> = new Set(['warning', 'whyHeld', 'completedStatus', 'message']);
const decimals: ReadonlySet<string> = new Set([
  'filled',
  'remaining',
  'averageFillPrice',
  'quantity',
  'price',
  'cumulativeQuantity',
  'averagePrice',
  'commission',
  'realizedPnl',
  'position',
  'averageCost',
  'multiplier',
  'strike',
  'limitPrice',
  'stopPrice',
  'trailingPercent',
  'trailStopPrice',
]);
const neverNegative: ReadonlySet<string> = new Set(['filled', 'remaining', 'quantity', 'cumulativeQuantity']);
/** Account values that are believed; the others are words as well as numbers. */
const followed: ReadonlySet<string> = new Set(['TotalCashBalance', 'CashBalance', 'NetLiquidation']);
/** An exponent of any length would become a text of that length. */
const amountShape = /^[-+]?\d{0,20}\.?\d{1,20}([eE][-+]?\d{1,2})?$/;

/**
 * A fact with nothing in it that the book could not keep or a person could not read.
 *
 * @throws BrokerMessageError: the fact is left out, and its list is not whole
 */
export function checkedFact<F extends BrokerFact>(fact: F): F {
  const { kind } = fact;
  if ('account' in fact && fact.account === '') throw new BrokerMessageError(`${words(kind)} has no account`);
  if ('permId' in fact && fact.permId < 0)
    throw new BrokerMessageError(`${words(kind)} has a permId below 0`);
  // Only a correction takes a whole execution back: its quantity is 0 then.
  if (kind === 'execution' && !(Number(fact.quantity) > 0) && !isBust(fact))
    throw new BrokerMessageError(`execution ${plainText(fact.execId)} has the quantity ${fact.quantity}`);
  if (kind === 'account-value' && followed.has(fact.key) && !amountShape.test(fact.value.trim()))
    throw new BrokerMessageError(`the account value ${fact.key} is no amount`);
  return checked(kind, fact) as F;
}

function isBust({ quantity, execId }: ExecutionFact): boolean {
  return quantity === '0' && parseExecId(execId).revision > 1;
}

function checked(kind: string, record: object): object {
  const entries = Object.entries(record as Readonly<Record<string, unknown>>);
  return Object.fromEntries(entries.map(([name, value]) => [name, checkedValue(kind, name, value)]));
}

function checkedValue(kind: string, name: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return checked(kind, value);
  if (typeof value !== 'string') return value;
  if (sentences.has(name)) return plainText(value);
  const isSensible = decimals.has(name)
    ? value.length <= decimalCharsMax && decimalShape.test(value)
    : value.length <= nameCharsMax && !unprintable.test(value);
  if (!isSensible) throw new BrokerMessageError(`${words(kind)} has a ${name} that makes no sense`);
  if (neverNegative.has(name) && value.startsWith('-'))
    throw new BrokerMessageError(`${words(kind)} has a ${name} below 0`);
  return value;
}

function words(kind: string): string {
  return `a message of kind ${kind}`;
}
