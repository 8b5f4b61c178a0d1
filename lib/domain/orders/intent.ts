/** What is recorded of a trading command before anything leaves: the item `INTENT#<key>` of the book. */
import type { BookBody } from '../book/item.ts';
import type { DenialCode } from '../safety/gate-types.ts';
import type { LegName, WishedLeg } from './order-wish.ts';

/**
 * `sending`: it is recorded, it may have left, and the broker has not been heard. `sent`: the broker has it, or has had it;
 * what became of it the orders tell. The others are ends: nothing of it left (`denied`, `would-send`), the broker refused it
 * (`rejected`), or nobody can tell (`unresolved`; a late word of the broker makes it `sent`).
 */
export const intentStates = ['sending', 'sent', 'denied', 'would-send', 'rejected', 'unresolved'] as const;
export type IntentState = (typeof intentStates)[number];

export interface IntentLeg {
  readonly leg: LegName;
  readonly orderRef: string;
  /** At our client; 0 where none was given out. */
  readonly orderId: number;
}

export interface Intent {
  readonly key: string;
  readonly commandId: string;
  readonly command: string;
  readonly issuedBy: string;
  readonly state: IntentState;
  /** Of a denial, `''` otherwise. */
  readonly code: DenialCode | '';
  readonly message: string;
  readonly allowed: string;
  /** 0 for a command that names orders by themselves. */
  readonly conId: number;
  readonly legs: readonly IntentLeg[];
  /** What was asked for, as it came. */
  readonly wish: { readonly by: string; readonly legs: readonly WishedLeg[] };
  /** API client and epoch under which it left. */
  readonly clientId: number;
  readonly epoch: number;
  /** Id of the journal that knows whether it left. */
  readonly journal: string;
  /** When it was asked for, and when it was last written: ISO-8601 UTC. */
  readonly issuedAt: string;
  readonly at: string;
}

/** The key under which a change of an order is recorded. */
export function modifyKey(commandId: string): string {
  return `MOD-${commandId}`;
}

/** The key under which it is recorded that an order was not given an end. */
export function settleKey(commandId: string): string {
  return `SETTLE-${commandId}`;
}

export function intentBody(intent: Intent): BookBody {
  return { ...intent } as unknown as BookBody;
}

/** @throws TypeError for an item that is no intent: nothing may leave under its key */
export function readIntent(body: BookBody): Intent {
  const { key, commandId, state, legs } = body;
  const known = intentStates.some((each) => each === state);
  if (typeof key !== 'string' || typeof commandId !== 'string' || !known || !Array.isArray(legs)) {
    throw new TypeError('INTENT_INVALID: an item INTENT of the book is no intent of this program');
  }
  return body as unknown as Intent;
}

/**
 * The reference under which a leg is known at the broker: it finds the order again, whatever was lost. Forty characters,
 * which every version of TWS shows and returns in full.
 *
 * @param sha256 hexadecimal
 */
export function orderRefOf(
  account: string,
  key: string,
  leg: LegName,
  sha256: (text: string) => string,
): string {
  return `ek-${sha256(JSON.stringify([account, key, leg])).slice(0, 37)}`;
}
