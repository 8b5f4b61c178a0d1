/** How the gate says no. */
import { type Amount, plain } from '../orders/decimals.ts';
import type { Denial, DenialCode } from './gate-types.ts';
import { floorTo } from './price-steps.ts';

/**
 * @param message what is wrong, with the figures
 * @param allowed what would be allowed, with the figures, or what ends the denial
 */
export function deny(code: DenialCode, message: string, allowed: string): Denial {
  return { verdict: 'deny', code, message, allowed };
}

export function isDenial(value: object): value is Denial {
  return 'verdict' in value && value.verdict === 'deny';
}

/** What a sender wrote, fit for a message. */
export function shown(text: string): string {
  return text.length > 40
    ? `${JSON.stringify(text.slice(0, 40))} and ${text.length - 40} more`
    : JSON.stringify(text);
}

/** `at most 4`, on the lot; `nothing` where not one lot is left. */
export function atMost(most: Amount, lotSize: Amount): string {
  const lots = floorTo(most, lotSize);
  return lots.gt(0) ? `at most ${plain(lots)}` : 'nothing';
}
