/** What is wrong with an order's terms, in IB's codes and words. */
import { decimal } from './money.ts';
import { type Instrument, type OrderTerms, orderTypes, type Refusal, timesInForce } from './types.ts';

/** `-` and more than eighteen digits are refused here, so that everything behind can compute. */
export const number = /^-?\d{1,18}(\.\d{1,18})?$/;

export const invalid = (cause: string): Refusal => ({
  code: 321,
  text: `Error validating request.-'bO' : cause - ${cause}`,
});
export const rejected = (reason: string): Refusal => ({
  code: 201,
  text: `Order rejected - reason:${reason}`,
});

const needs: Readonly<Record<string, readonly (keyof OrderTerms)[]>> = {
  LMT: ['limitPrice'],
  STP: ['auxPrice'],
  'STP LMT': ['limitPrice', 'auxPrice'],
};

export function checkTerms(terms: OrderTerms, instrument: Instrument): Refusal | undefined {
  if (terms.action !== 'BUY' && terms.action !== 'SELL')
    return invalid(`Invalid action ${terms.action}; BUY and SELL are known.`);
  if (!orderTypes.includes(terms.orderType))
    return rejected(`Order type ${terms.orderType} is not supported; ${orderTypes.join(', ')} are.`);
  if (!timesInForce.includes(terms.timeInForce))
    return rejected(`Time in force ${terms.timeInForce} is not supported; ${timesInForce.join(', ')} are.`);
  if (!number.test(terms.quantity) || decimal(terms.quantity).lte(0))
    return invalid(`Order size ${terms.quantity || '(empty)'} must be above 0.`);
  if (terms.timeInForce === 'GTD' && terms.goodTillMs === undefined)
    return invalid(`Invalid good till date ${terms.goodTillDate || '(empty)'}.`);
  if (terms.ocaGroup !== '' && ![0, 1, 2, 3].includes(terms.ocaType))
    return invalid(`Invalid OCA type ${terms.ocaType}.`);
  return checkPrices(terms, instrument);
}

function checkPrices(terms: OrderTerms, { contract }: Instrument): Refusal | undefined {
  for (const name of needs[terms.orderType] ?? []) {
    if (terms[name] === '') return invalid(`${terms.orderType} needs ${name}.`);
  }
  const trailing = terms.orderType.startsWith('TRAIL');
  if (trailing && (terms.auxPrice === '') === (terms.trailingPercent === ''))
    return invalid(`${terms.orderType} needs either an amount or a percentage.`);
  if (terms.orderType === 'TRAIL LIMIT' && (terms.limitOffset === '') === (terms.limitPrice === ''))
    return invalid('TRAIL LIMIT needs either a limit price or an offset.');
  for (const name of [
    'limitPrice',
    'auxPrice',
    'trailStopPrice',
    'trailingPercent',
    'limitOffset',
  ] as const) {
    const value = terms[name];
    if (value === '') continue;
    if (!number.test(value)) return invalid(`${name} ${value.slice(0, 40)} is no decimal number.`);
    if (name === 'trailingPercent') continue;
    if (!decimal(value).mod(contract.minTick).isZero()) {
      return {
        code: 110,
        text: 'The price does not conform to the minimum price variation for this contract.',
      };
    }
  }
  return undefined;
}
