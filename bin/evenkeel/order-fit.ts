/** Whether an order's own words fit its contract, by the gate's own rules, before it is sent. */
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import type { OrderWish } from '../../lib/domain/orders/order-wish.ts';
import type { Foreseen } from '../../lib/domain/orders/plan-of-order.ts';
import { isDenial } from '../../lib/domain/safety/denial.ts';
import type { Denial, DenialCode, TradingPicture } from '../../lib/domain/safety/gate-types.ts';
import { readTerms } from '../../lib/domain/safety/order-terms-check.ts';
import { plain, type View } from './view.ts';

export interface FitContract {
  readonly instrument: Instrument;
  /** By the book; signed decimal text. */
  readonly position: string;
  /** The order that a `modify` changes. */
  readonly modified?: TradingPicture['modified'];
}

/**
 * Tick, lot and shape. Of a flatten IB's word decides, and the last trade is the streamer's to know.
 *
 * @returns what the gate denies in the order's own words, whatever the account's state; undefined where they fit
 */
export function unfitOf(
  command: OrderWish['command'],
  legs: OrderWish['legs'],
  { instrument, position, modified = null }: FitContract,
): Denial | undefined {
  if (command === 'flatten') return undefined;
  const picture = {
    instrument,
    lotSize: instrument.lotSize ?? '1',
    modified,
    market: { lastPrice: null },
    position,
    working: { buy: '0', sell: '0' },
  };
  const terms = readTerms(picture, { command, by: 'person', conId: instrument.conId, legs });
  return isDenial(terms) ? terms : undefined;
}

const denials: Partial<Record<DenialCode, string>> = {
  FLAGS_UNREADABLE: 'the flags cannot be read',
  SAFE_MODE: 'SAFE_MODE is on',
  RECONCILE_LOCKED: 'the reconcile lock holds, and this order does more than make a position smaller',
  HALTED: 'trading is halted',
  REDUCE_ONLY: 'trading is reduce-only, and this order does more than make a position smaller',
};

/** What the account's state and the order's own words lead to. The gate looks at the market and the limits as well. */
export function expectedLine(foreseen: Foreseen, unfit: Denial | undefined, { colours }: View): string {
  if (foreseen.answer === 'deny') {
    const why = denials[foreseen.code];
    const code = why === undefined ? foreseen.code : `${foreseen.code}, ${why}`;
    return colours.red(`it would be denied: ${code}`);
  }
  if (unfit !== undefined) {
    const { code, message, allowed } = unfit;
    return colours.red(plain(`it would be denied: ${code}, ${message} Allowed: ${allowed}`));
  }
  if (foreseen.answer === 'would-send')
    return colours.yellow('DRY_RUN: nothing leaves; it would be answered "would send"');
  return 'it leaves for IB, if the gate finds nothing against it';
}
