import type { WishedLeg } from '../../lib/domain/orders/order-wish.ts';
import { wishedOrderTypes, wishedTimesInForce } from '../../lib/domain/orders/order-wish.ts';
import { decimalText } from '../../lib/domain/orders/plan-of-order.ts';
import { intentKey } from '../../lib/events/command.ts';
import { CliError } from './exit.ts';
import { validName } from './valid-names.ts';

/** What the command line says of an order. */
export interface OrderFlags {
  readonly symbol: string;
  readonly side: 'BUY' | 'SELL';
  readonly quantity: string;
  readonly type: WishedLeg['orderType'];
  readonly limit?: string;
  readonly stop?: string;
  readonly tif: WishedLeg['timeInForce'];
  readonly outsideRth?: true;
  readonly takeProfit?: string;
  readonly stopLoss?: string;
}

export function sideOf(text: string): 'BUY' | 'SELL' {
  return validName('side', text, ['BUY', 'SELL']);
}

/** `stp-lmt` and `stp_lmt` too: a word with a space has to be quoted in a shell. */
export function orderTypeOf(text: string): WishedLeg['orderType'] {
  return validName('order type', text.replaceAll(/[-_]/g, ' '), wishedOrderTypes);
}

export function timeInForceOf(text: string): WishedLeg['timeInForce'] {
  return validName('time in force', text, wishedTimesInForce);
}

/** A quantity or price; whether its size is allowed is for the gate to say. */
export function decimalOf(text: string): string {
  if (decimalText.test(text)) return text;
  throw new CliError(
    'NUMBER_INVALID',
    `${text} is no decimal number. Write it plainly, for example 2600.1. Nothing was sent.`,
  );
}

export function quantityOf(text: string): string {
  if (decimalText.test(text) && /[1-9]/.test(text) && !text.startsWith('-')) return text;
  throw new CliError(
    'QUANTITY_INVALID',
    `${text} is no quantity: a decimal number above 0, for example 1. The side is said by --side. Nothing was sent.`,
  );
}

export function keyOf(text: string): string {
  if (intentKey.safeParse(text).success) return text;
  throw new CliError(
    'KEY_INVALID',
    `${text} is no key: 1 to 64 letters, digits, or . _ : -, beginning with a letter or digit. Nothing was sent.`,
  );
}

/**
 * The legs of an order, the entry first.
 *
 * @throws CliError PRICE_MISSING or PRICE_UNWANTED where a price does not go with the type
 */
export function legsOf(flags: OrderFlags): readonly [WishedLeg, ...WishedLeg[]] {
  const { side, quantity, type, limit, stop, tif, outsideRth = false, takeProfit, stopLoss } = flags;
  needPrice(type, '--limit', limit, type === 'LMT' || type === 'STP LMT');
  needPrice(type, '--stop', stop, type === 'STP' || type === 'STP LMT');
  const entry: WishedLeg = {
    leg: 'entry',
    action: side,
    quantity,
    orderType: type,
    limitPrice: limit ?? null,
    stopPrice: stop ?? null,
    timeInForce: tif,
    outsideRth,
  };
  const child = {
    action: side === 'BUY' ? 'SELL' : 'BUY',
    quantity,
    // A child that ended with the day would leave the position without it overnight.
    timeInForce: 'GTC',
    outsideRth,
  } as const;
  return [
    entry,
    ...(takeProfit === undefined
      ? []
      : [
          {
            ...child,
            leg: 'take-profit',
            orderType: 'LMT',
            limitPrice: takeProfit,
            stopPrice: null,
          } satisfies WishedLeg,
        ]),
    ...(stopLoss === undefined
      ? []
      : [
          {
            ...child,
            leg: 'stop-loss',
            orderType: 'STP',
            limitPrice: null,
            stopPrice: stopLoss,
          } satisfies WishedLeg,
        ]),
  ];
}

function needPrice(type: string, option: string, value: string | undefined, wanted: boolean): void {
  if (wanted && value === undefined)
    throw new CliError('PRICE_MISSING', `An order of type ${type} needs ${option}. Nothing was sent.`);
  if (!wanted && value !== undefined)
    throw new CliError('PRICE_UNWANTED', `An order of type ${type} has no ${option}. Nothing was sent.`);
}
