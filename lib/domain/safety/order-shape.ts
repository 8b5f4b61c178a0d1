/** Which legs an order may have, and how they belong together. */
import { plain } from '../orders/decimals.ts';
import { legNames, type OrderWish, wishedOrderTypes, wishedTimesInForce } from '../orders/order-wish.ts';
import { deny, shown } from './denial.ts';
import type { Denial } from './gate-types.ts';
import type { OrderLeg, OrderTerms, TermsPicture } from './order-terms-check.ts';
import { readDecimal } from './price-steps.ts';
import { closingSide, holdingsOf } from './reducing.ts';

const bracketText =
  'A bracket: one `entry`, and one `take-profit` (LMT), one `stop-loss` (STP or STP LMT), or both, on the other side with the quantity of the entry';

const childTypes: Readonly<Record<string, readonly string[]>> = {
  'take-profit': ['LMT'],
  'stop-loss': ['STP', 'STP LMT'],
};

/** By the words of the legs alone, before their figures are read. */
export function shapeProblem(picture: TermsPicture, wish: OrderWish): Denial | undefined {
  return (
    unknownWords(wish) ?? flattenProblem(picture, wish) ?? legsProblem(picture, wish) ?? childProblem(wish)
  );
}

/** Who goes round the schema of commands gets no further than this. */
function unknownWords({ legs }: OrderWish): Denial | undefined {
  for (const { leg, action, orderType, timeInForce } of legs) {
    const known: readonly (readonly [string, readonly string[]])[] = [
      [leg, legNames],
      [action, ['BUY', 'SELL']],
      [orderType, wishedOrderTypes],
      [timeInForce, wishedTimesInForce],
    ];
    const unknown = known.find(([word, words]) => !words.includes(word));
    if (unknown !== undefined) {
      return deny(
        'COMMAND_INVALID',
        `${shown(String(unknown[0]))} is not known.`,
        `One of ${unknown[1].join(', ')}.`,
      );
    }
  }
  return undefined;
}

function flattenProblem(picture: TermsPicture, { command, legs }: OrderWish): Denial | undefined {
  if (command !== 'flatten') return undefined;
  const position = holdingsOf(picture)?.position;
  const side = position === undefined ? undefined : closingSide(position);
  if (position === undefined || side === undefined) {
    return deny(
      'NOTHING_TO_FLATTEN',
      'There is no position in this contract.',
      'Nothing: it is flat already.',
    );
  }
  // The position may have changed since the order was made for it.
  const isFitting = legs.every(
    ({ action, quantity }) => action === side && !readDecimal(quantity)?.gt(position.abs()),
  );
  if (isFitting) return undefined;
  return deny(
    'COMMAND_INVALID',
    `The order would not flatten the position of ${plain(position)}, but turn it round or enlarge it.`,
    `${side} of at most ${plain(position.abs())}.`,
  );
}

function legsProblem({ modified }: TermsPicture, { command, legs }: OrderWish): Denial | undefined {
  const [first] = legs;
  const count = (name: string) => legs.filter(({ leg }) => leg === name).length;
  const [entries, targets, stops] = [count('entry'), count('take-profit'), count('stop-loss')];
  if (command === 'place-bracket') {
    const children = targets + stops;
    if (entries === 1 && children > 0 && targets <= 1 && stops <= 1) return undefined;
    const has = `${entries} entry, ${targets} take-profit and ${stops} stop-loss`;
    return deny('BRACKET_INVALID', `The bracket has legs ${has}.`, `${bracketText}.`);
  }
  if (legs.length !== 1 || first === undefined) {
    return deny(
      'BRACKET_INVALID',
      `\`${command}\` is one order, and this one has ${legs.length} legs.`,
      command === 'place' ? `One leg \`entry\`, or by \`place-bracket\`: ${bracketText}.` : 'One leg.',
    );
  }
  if (command === 'modify') {
    if (!modified)
      return deny(
        'ORDER_UNKNOWN',
        'No working order is known under this key.',
        'The key of an order that works.',
      );
    if (modified.action === first.action) return undefined;
    return deny(
      'COMMAND_INVALID',
      `The order is a ${modified.action}; its side cannot be changed.`,
      `${modified.action}, or cancel it and place another one.`,
    );
  }
  if (entries === 1) return undefined;
  return deny(
    'BRACKET_INVALID',
    `A ${first.leg} without its entry: a child has no parent to wait for.`,
    `The same order as \`entry\`, or by \`place-bracket\`: ${bracketText}.`,
  );
}

function childProblem({ command, legs }: OrderWish): Denial | undefined {
  for (const { leg, orderType } of legs) {
    const types = childTypes[leg];
    if (types === undefined || types.includes(orderType)) continue;
    return deny('BRACKET_INVALID', `The ${leg} is a ${orderType}.`, `${leg} as ${types.join(' or ')}.`);
  }
  if (command !== 'place-bracket') return undefined;
  const action = legs.find(({ leg }) => leg === 'entry')?.action;
  const same = legs.find((leg) => leg.leg !== 'entry' && leg.action === action);
  if (same === undefined) return undefined;
  return deny(
    'BRACKET_INVALID',
    `The ${same.leg} is a ${same.action} as the entry is: it would add to the position instead of closing it.`,
    `${bracketText}: ${action === 'BUY' ? 'SELL' : 'BUY'}.`,
  );
}

/** The stop on the losing side of the entry and the target on the winning one: else they are hit at once. */
export function sidesProblem(
  { entry, children, command }: OrderTerms,
  last: OrderLeg['limitPrice'],
): Denial | undefined {
  if (command !== 'place-bracket') return undefined;
  const own = [entry.limitPrice, entry.stopPrice].filter((price) => price !== null);
  const prices = own.length > 0 ? own : last === null ? [] : [last];
  const low = prices.reduce<OrderLeg['limitPrice']>((a, b) => (a === null || b.lt(a) ? b : a), null);
  const high = prices.reduce<OrderLeg['limitPrice']>((a, b) => (a === null || b.gt(a) ? b : a), null);
  // Without a price to compare with there is no last trade either, which is denied by itself.
  if (low === null || high === null) return undefined;
  const of = own.length > 0 ? `the entry's ${entry.orderType} price` : 'the last trade';
  for (const { leg, limitPrice, stopPrice } of children) {
    const price = leg === 'stop-loss' ? stopPrice : limitPrice;
    const isBelow = (entry.action === 'BUY') === (leg === 'stop-loss');
    const edge = isBelow ? low : high;
    if (price === null || (isBelow ? price.lt(edge) : price.gt(edge))) continue;
    const where = isBelow ? 'below' : 'above';
    return deny(
      'BRACKET_INVALID',
      `The ${leg} at ${plain(price)} is not ${where} ${of} of ${plain(edge)}: to a ${entry.action} it is on the wrong side.`,
      `${leg} ${where} ${plain(edge)}.`,
    );
  }
  return undefined;
}

/** Children close exactly what the entry opens. */
export function quantitiesProblem(
  { entry, children, command }: OrderTerms,
  { modified }: TermsPicture,
): Denial | undefined {
  const other = children.find(({ quantity }) => !quantity.eq(entry.quantity));
  if (other !== undefined) {
    return deny(
      'BRACKET_INVALID',
      `The ${other.leg} has a quantity of ${plain(other.quantity)}, and the entry one of ${plain(entry.quantity)}.`,
      `${other.leg} of ${plain(entry.quantity)}.`,
    );
  }
  if (command !== 'modify' || !modified || (entry.leg === 'entry' && !modified.isBracket)) return undefined;
  if (readDecimal(modified.quantity)?.eq(entry.quantity)) return undefined;
  return deny(
    'BRACKET_INVALID',
    `All legs of the bracket have a quantity of ${shown(modified.quantity)}; ${plain(entry.quantity)} for the ${entry.leg} alone would leave a part unprotected, or open a position.`,
    `${entry.leg} of ${modified.quantity} at other prices; or cancel the bracket and place another one.`,
  );
}
