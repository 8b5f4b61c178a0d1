/** Whether the account has the margin for an order, on what the broker answers to the question "what if". */
import { type Amount, plain } from '../orders/decimals.ts';
import type { OrderWish, WishedLeg } from '../orders/order-wish.ts';
import { deny } from './denial.ts';
import type { Denial, TradingPicture } from './gate-types.ts';
import { readDecimal } from './price-steps.ts';
import { reducesPosition } from './reducing.ts';

/** In the account's base currency, decimal text; null where the broker has said nothing, or no number. */
export interface MarginFigures {
  readonly initMarginAfter: string | null;
  readonly maintMarginAfter: string | null;
  readonly equityWithLoanAfter: string | null;
}

export type MarginAnswer =
  /** Status and warning in IB's words. */
  | ({ readonly kind: 'figures'; readonly status: string; readonly warning: string } & MarginFigures)
  /** By an error. */
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  /** The question is not answered: `why` ends a sentence. */
  | { readonly kind: 'none'; readonly why: string };

/** What the broker says of an order that it would not take. */
const refusing: readonly string[] = ['Inactive', 'Cancelled', 'ApiCancelled'];
const names = ['initMarginAfter', 'maintMarginAfter', 'equityWithLoanAfter'] as const;

/**
 * What to ask the broker about. Undefined for what needs no more margin than is held back already: an order that only
 * reduces, children, which close what their entry opens, and a change that makes nothing larger. Of an entry that grows it
 * is all that is not filled, as if it were a new order: the broker may not count what works.
 */
export function marginQuestion(picture: TradingPicture, wish: OrderWish): WishedLeg | undefined {
  const entry = wish.legs.find(({ leg }) => leg === 'entry');
  if (entry === undefined || wish.command === 'flatten' || reducesPosition(picture, wish)) return undefined;
  if (wish.command !== 'modify') return entry;
  const quantity = readDecimal(entry.quantity);
  const before = readDecimal(picture.modified?.quantity ?? '');
  const filled = readDecimal(picture.modified?.filled ?? '');
  if (quantity === undefined || before === undefined || filled === undefined) return entry;
  return quantity.lte(before) ? undefined : { ...entry, quantity: plain(quantity.minus(filled)) };
}

/** Whether all that the verdict needs is there: a broker that has not reckoned yet answers without figures first. */
export function isWhole(figures: MarginFigures): boolean {
  return names.every((name) => readFigure(figures[name]) !== undefined);
}

/** Undefined where there is enough. A question that failed is no word that there is enough. */
export function marginDenial(answer: MarginAnswer): Denial | undefined {
  if (answer.kind === 'none')
    return unknown(`The broker did not say what margin the order needs: ${answer.why}`);
  if (answer.kind === 'refused') {
    return deny(
      'MARGIN',
      `The broker would not take the order: ${answer.code} ${answer.message}`,
      'What its words allow; `evenkeel positions` shows what is held.',
    );
  }
  const lacking = names.filter((name) => readFigure(answer[name]) === undefined);
  const initial = readFigure(answer.initMarginAfter);
  const equity = readFigure(answer.equityWithLoanAfter);
  if (lacking.length > 0 || initial === undefined || equity === undefined)
    return unknown(`The broker's answer on margin is not whole: ${lacking.join(', ')} is no figure`);
  if (refusing.includes(answer.status)) {
    const words = answer.warning === '' ? '' : `: ${answer.warning}`;
    return deny(
      'MARGIN',
      `The broker would not take the order, it would be ${answer.status}${words}.`,
      'What its words allow.',
    );
  }
  if (equity.gte(initial)) return undefined;
  return deny(
    'MARGIN',
    `The order would need an initial margin of ${plain(initial)} in all, and the equity with loan value would be ${plain(equity)}: ${plain(initial.minus(equity))} too little.`,
    'A smaller order, or the same one once other positions are smaller.',
  );
}

function unknown(message: string): Denial {
  return deny(
    'MARGIN',
    `${message}. Nobody knows whether there is enough.`,
    'The same order with another key; orders that make a position smaller leave without the question.',
  );
}

function readFigure(text: string | null): Amount | undefined {
  return text === null ? undefined : readDecimal(text);
}
