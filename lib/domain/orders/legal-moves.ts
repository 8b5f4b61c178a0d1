/** The states of an order and the moves between them. `docs/orders.md` has the same table for readers. */
import { type OrderStatus, orderStatuses } from './order-report.ts';

type Moves = Readonly<Record<OrderStatus, readonly OrderStatus[]>>;

/** Nothing more can happen but a fill that was already under way, and better knowledge of how it ended. */
const ended: readonly OrderStatus[] = ['Filled', 'Cancelled', 'ApiCancelled', 'Rejected', 'Expired'];
/** The broker has it and may fill it. */
const working: readonly OrderStatus[] = [
  'ApiPending',
  'PendingSubmit',
  'PreSubmitted',
  'Submitted',
  'PartiallyFilled',
  'PendingModify',
  'PendingCancel',
];

export function isTerminal(status: OrderStatus): boolean {
  return ended.includes(status);
}

/** Neither working nor terminal are Inactive (IB holds it and may take it up again) and Unknown. */
export function isWorking(status: OrderStatus): boolean {
  return working.includes(status);
}

/** IB has taken it: what is refused from now on is a change of it, not the order. */
export function isAccepted(status: OrderStatus): boolean {
  return isWorking(status) && status !== 'ApiPending' && status !== 'PendingSubmit';
}

/** Where every order that has not ended can go at any time: messages are skipped, and brokers cancel. */
const anywhereFrom: readonly OrderStatus[] = [
  ...ended,
  'PendingModify',
  'PendingCancel',
  'Inactive',
  'Unknown',
];

export const legalMoves: Moves = {
  ApiPending: ['PendingSubmit', 'PreSubmitted', 'Submitted', 'PartiallyFilled', ...anywhereFrom],
  PendingSubmit: ['PreSubmitted', 'Submitted', 'PartiallyFilled', ...anywhereFrom],
  PreSubmitted: ['Submitted', 'PartiallyFilled', ...anywhereFrom],
  // A stop that IB simulates goes back to PreSubmitted for the night.
  Submitted: ['PreSubmitted', 'PartiallyFilled', ...anywhereFrom],
  PartiallyFilled: anywhereFrom,
  PendingModify: ['PreSubmitted', 'Submitted', 'PartiallyFilled', ...without('PendingModify', anywhereFrom)],
  // A cancel that is refused leaves the order where it was.
  PendingCancel: ['PreSubmitted', 'Submitted', 'PartiallyFilled', ...without('PendingCancel', anywhereFrom)],
  Inactive: [
    'PendingSubmit',
    'PreSubmitted',
    'Submitted',
    'PartiallyFilled',
    ...without('Inactive', anywhereFrom),
  ],
  Unknown: without('Unknown', orderStatuses),
  Filled: [],
  // The fill was under way when the cancel was confirmed; and words come after the bare state.
  Cancelled: ['ApiCancelled', 'Expired', 'Rejected', 'Filled'],
  ApiCancelled: ['Expired', 'Rejected', 'Filled'],
  Expired: ['Rejected', 'Filled'],
  Rejected: ['Filled'],
};

/**
 * What only a correction can do: a bust, an execution corrected to less, or an order whose quantity turns out to be
 * larger than was known takes back what followed from the fills.
 */
export const correctionMoves: Partial<Moves> = {
  Filled: without('Filled', orderStatuses),
  PartiallyFilled: ['ApiPending', 'PendingSubmit', 'PreSubmitted', 'Submitted'],
};

/** Whether an order may go from one state to another; to stay is no move. */
export function isLegal(from: OrderStatus, to: OrderStatus): boolean {
  return legalMoves[from].includes(to);
}

/** The same, where executions were corrected or the quantity was raised in between. */
export function isLegalAfterCorrection(from: OrderStatus, to: OrderStatus): boolean {
  return isLegal(from, to) || (correctionMoves[from]?.includes(to) ?? false);
}

function without(status: OrderStatus, statuses: readonly OrderStatus[]): readonly OrderStatus[] {
  return statuses.filter((other) => other !== status);
}
