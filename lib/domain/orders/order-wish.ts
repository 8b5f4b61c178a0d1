/** What somebody wants done with orders, as it was asked for: nothing of it is checked yet. */

/** What a leg is in its order: a single order has one leg `entry`. */
export const legNames = ['entry', 'take-profit', 'stop-loss'] as const;
export type LegName = (typeof legNames)[number];

export const wishedOrderTypes = ['MKT', 'LMT', 'STP', 'STP LMT'] as const;
export const wishedTimesInForce = ['DAY', 'GTC', 'IOC'] as const;

/** Quantities and prices are text as the sender wrote it: what is no decimal is the gate's to answer. */
export interface WishedLeg {
  readonly leg: LegName;
  readonly action: 'BUY' | 'SELL';
  readonly quantity: string;
  readonly orderType: (typeof wishedOrderTypes)[number];
  /** Null for order types without one. */
  readonly limitPrice: string | null;
  readonly stopPrice: string | null;
  readonly timeInForce: (typeof wishedTimesInForce)[number];
  readonly outsideRth: boolean;
}

/** Orders that are to leave together: one, or a bracket of a parent and its children. */
export interface OrderWish {
  readonly command: 'place' | 'place-bracket' | 'modify' | 'settle' | 'flatten';
  /** A person at the command line, or a program. */
  readonly by: 'person' | 'program';
  readonly conId: number;
  readonly legs: readonly WishedLeg[];
}
