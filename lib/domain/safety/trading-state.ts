/** Whether an account may trade: set by people and by the limits on losses, kept in the book, and so there after a restart. */
import type { BookBody } from '../book/item.ts';

/**
 * `halted`: nothing leaves but a person's cancel. `reduce-only`: only what makes a position smaller, or protects it.
 */
export const tradingModes = ['active', 'reduce-only', 'halted'] as const;
export type TradingMode = (typeof tradingModes)[number];

export interface TradingState {
  readonly mode: TradingMode;
  /** Who set it: an AWS identity, or the limit that was passed. */
  readonly by: string;
  readonly reason: string;
  /** ISO-8601 UTC; `''` where nobody has set it. */
  readonly at: string;
}

export type TradingReading = TradingState & { readonly source: 'stored' | 'first' | 'unreadable' };

/** Flags and lock hold trading back at first; this one is there to stop what runs. */
const firstState: TradingState = { mode: 'active', by: '', reason: '', at: '' };

/** The state that the body of the `TRADING` item says; undefined for no item. What cannot be read is halted. */
export function readTradingState(body: BookBody | undefined): TradingReading {
  if (body === undefined) return { ...firstState, source: 'first' };
  const { mode, by, reason, at } = body;
  const known = tradingModes.find((each) => each === mode);
  if (known === undefined || typeof by !== 'string' || typeof reason !== 'string' || typeof at !== 'string') {
    return {
      ...firstState,
      mode: 'halted',
      reason: 'the item TRADING of the book is no trading state; set it anew by halt, reduce-only or resume',
      source: 'unreadable',
    };
  }
  return { mode: known, by, reason, at, source: 'stored' };
}

/** Body of the `TRADING` item. */
export function tradingBody({ mode, by, reason, at }: TradingState): BookBody {
  return { mode, by, reason, at };
}
