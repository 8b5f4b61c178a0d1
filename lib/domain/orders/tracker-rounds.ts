/**
 * When the broker is asked for its lists: after every connect and restore for all of them, then every `resyncMs` for
 * orders and executions. One round at a time; what a round could not have is asked for again in the next one.
 */
import type { BrokerList, ListOutcome } from './broker-facts.ts';
import { arePositionsInDoubt } from './tracker-holdings.ts';
import type { Round, TrackerState } from './tracker-state.ts';

const everyRound: readonly BrokerList[] = ['open-orders', 'completed-orders', 'executions'];
/** Kept up to date by subscription: asked for when the link is new, and positions whenever they are in doubt. */
const onLink: readonly BrokerList[] = ['positions', 'account-values'];

/** IB's messages of one moment come together: a second later most riddles have solved themselves. */
const SOON_MS = 1_000;

/** The session is ready, or the gateway has its servers back. */
export function askForAll(state: TrackerState): void {
  state.linked = true;
  for (const list of onLink) state.owed.add(list);
}

/** The link is gone: what was asked will not be answered, and nothing follows from it. */
export function dropRound(state: TrackerState): void {
  state.linked = false;
  resetWholeRounds(state);
  state.round = undefined;
  state.roundAgain = false;
  state.roundDueMs = Number.POSITIVE_INFINITY;
  state.positionsLacking.clear();
}

/** What the lists lacked before this moment says nothing any more. */
export function resetWholeRounds(state: TrackerState): void {
  state.wholeRound = 0;
  state.wholeRounds = 0;
}

export function startRound(state: TrackerState): void {
  const lists = [...everyRound, ...state.owed];
  state.roundId += 1;
  state.round = {
    id: state.roundId,
    askedMs: state.nowMs,
    outcomes: new Map(lists.map((list) => [list, undefined])),
    executionsEndMs: 0,
  };
  state.roundDueMs = state.nowMs + state.config.resyncMs;
  state.roundAgain = false;
  for (const list of lists) state.out.push({ kind: 'ask', list });
}

/** Something came that only the lists can explain: the next round need not wait for its time. */
export function askSoon(state: TrackerState): void {
  state.roundDueMs = Math.min(state.roundDueMs, state.nowMs + SOON_MS);
}

/** Notes the end of a list; false for one that was not asked for, or ended before. */
export function noteEnd(state: TrackerState, list: BrokerList, outcome: ListOutcome): boolean {
  const { round } = state;
  if (round === undefined || !round.outcomes.has(list) || round.outcomes.get(list) !== undefined)
    return false;
  round.outcomes.set(list, outcome);
  if (list === 'executions') round.executionsEndMs = state.nowMs;
  if (outcome === 'ok' && !(list === 'positions' && arePositionsInDoubt(state))) state.owed.delete(list);
  return true;
}

/** Lists whose end was not told in time have failed. */
export function failLateLists(state: TrackerState): void {
  const { round } = state;
  if (round === undefined || state.nowMs < round.askedMs + state.config.roundTimeoutMs) return;
  for (const [list, outcome] of round.outcomes) if (outcome === undefined) noteEnd(state, list, 'failed');
}

export function isOver(round: Round): boolean {
  return [...round.outcomes.values()].every((outcome) => outcome !== undefined);
}

/** True when each of these lists is complete: only then does anything follow from what it does not have. */
export function hasAll(round: Round, lists: readonly BrokerList[] = everyRound): boolean {
  return lists.every((list) => round.outcomes.get(list) === 'ok');
}

export function roundDeadline(state: TrackerState): number {
  if (!state.linked) return Number.POSITIVE_INFINITY;
  return state.round === undefined ? state.roundDueMs : state.round.askedMs + state.config.roundTimeoutMs;
}
