/**
 * The end that a person gives an order which IB does not know any more: it ended while nobody looked, and IB's lists reach
 * back one day. Only an order that whole lists have lacked for some rounds, one of them begun after the person asked, and of
 * which IB has said nothing else meanwhile. IB's own word on it counts more, whenever it comes.
 */
import { isTerminal } from './legal-moves.ts';
import type { OrderReport } from './order-report.ts';
import type { Stamp } from './stamp.ts';
import { recallOrder } from './tracker-memory.ts';
import { takeSight } from './tracker-orders.ts';
import { emit, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import type { GivenEnd } from './tracker-types.ts';
import { endOf } from './tracker-view.ts';

const never: Stamp = { epoch: -1, seq: -1 };

/** `given`: it may have this end. The others say why not. */
export type EndVerdict =
  | { readonly is: 'given' }
  /** It has that very end already. */
  | { readonly is: 'same'; readonly report: OrderReport }
  | { readonly is: 'ended'; readonly report: OrderReport }
  /** It is told under another account. */
  | { readonly is: 'foreign'; readonly account: string }
  /** IB's lists have it, or IB has spoken of it since they lacked it. */
  | { readonly is: 'listed'; readonly report: OrderReport }
  /** Missing, and not in enough rounds, or not for as long as the time from one to the next. */
  | { readonly is: 'quiet'; readonly rounds: number; readonly needed: number }
  /** No whole round has ended that began late enough. */
  | { readonly is: 'unsure' };

export function judgeEnd(state: TrackerState, end: GivenEnd): EndVerdict {
  const order = tracked(state, end);
  const needed = state.config.unresolvedAfterRounds;
  if (order !== undefined) {
    if (order.account !== state.config.account) return { is: 'foreign', account: order.account };
    const { report } = order;
    if (report !== undefined && isTerminal(report.status)) {
      if (report.settled === undefined) return { is: 'ended', report };
      // Who was wrong may say so.
      if (report.status === end.status) return { is: 'same', report };
    }
  }
  if (!state.linked || state.wholeRound === 0 || state.wholeRound <= end.afterRound) return { is: 'unsure' };
  if (order !== undefined && isHeard(state, order))
    return { is: 'listed', report: order.report ?? end.known };
  // One that this run has never heard of was in none of its rounds.
  const rounds = Math.min(state.wholeRounds, order?.silentRounds ?? state.wholeRounds);
  const sinceMs = Math.max(state.wholeSinceMs, order?.silentSinceMs ?? 0);
  // Doubts make rounds follow each other within seconds.
  const isShort = rounds < needed || state.nowMs - sinceMs < state.config.resyncMs;
  return isShort ? { is: 'quiet', rounds, needed } : { is: 'given' };
}

/** Takes a person's end, where it may be given. One that stands and that the book does not have is told once more. */
export function giveEnd(state: TrackerState, end: GivenEnd): void {
  const { is } = judgeEnd(state, end);
  if (is === 'same' || is === 'ended') tellAgain(state, end);
  if (is !== 'given') return;
  const { status, settled, known } = end;
  const order = tracked(state, end) ?? adopted(state, end);
  // Whoever gave the end knows that the lists lack it.
  order.unresolvedTold = true;
  takeSight(state, order, {
    // Whatever IB says of it was seen later.
    at: never,
    ids: known,
    contract: known.contract,
    ...(order.report === undefined && { terms: known.terms }),
    status: { status, word: '' },
    reason: { code: 0, message: `${settled.by} said so: ${settled.reason}` },
    settled,
  });
}

/** A book that was restored from before the end has the order open, and IB's lists will not say it any more. */
function tellAgain(state: TrackerState, end: GivenEnd): void {
  const { report, account, endedAtMs } = tracked(state, end)!;
  const name = report && endOf(report.status);
  // What was told just now may be on its way to the book.
  const isLate = state.nowMs - endedAtMs >= state.config.resyncMs;
  if (name === undefined || end.known.status === report!.status || !isLate) return;
  emit(state, name, report!, account, state.nowMs);
}

function isHeard(state: TrackerState, order: TrackedOrder): boolean {
  const isBeingListed = state.round !== undefined && order.listedRound === state.round.id;
  return isBeingListed || order.silentRounds === 0;
}

function tracked(state: TrackerState, { known: { orderKey, permId } }: GivenEnd): TrackedOrder | undefined {
  // The book may have it under the key of an earlier run.
  return state.orders.get(orderKey) ?? state.orders.get(state.keyByPerm.get(permId) ?? '');
}

/** As the book has it: the memory of the run that knew it is gone. */
function adopted(state: TrackerState, { known, state: folded }: GivenEnd): TrackedOrder {
  recallOrder(state, known.orderKey, {
    account: state.config.account,
    state: folded,
    report: known,
    termsAt: never,
    statusAt: never,
    apiAt: never,
    transmit: true,
    parentPermId: 0,
    alerted: [],
    endedAtMs: 0,
    seenMs: state.nowMs,
    unresolvedTold: true,
    // What is folded from here on comes after all that the book was told of it.
    told: folded.live?.at ?? never,
  });
  return state.orders.get(known.orderKey)!;
}
