/**
 * The order and position tracker: one event for each real change of an order, a fill, a commission, a position or a
 * balance, whatever IB repeats, delays or leaves out. A pure machine: what time it is comes with every input, and the
 * same inputs give the same effects. It asks for the lists itself, after every connect and from time to time, and tells
 * only what was missed.
 *
 * What it has told it remembers, by `remember` effects; a machine that is made from that memory goes on where the last
 * one ended. With the memory lost it tells everything again, which changes nothing in the book.
 */
import type { BrokerFact, BrokerList } from './broker-facts.ts';
import type { Stamp } from './stamp.ts';
import { doubtCoverage, judgeCoverage } from './tracker-coverage.ts';
import { giveEnd } from './tracker-ends.ts';
import { takeCommission, takeExecution } from './tracker-executions.ts';
import { takeCompleted, takeError, takeOpenOrder, takeStatus } from './tracker-facts.ts';
import {
  arePositionsInDoubt,
  beginPositions,
  closeUnlisted,
  closeUnlistedCash,
  takeAccountValue,
  takePosition,
} from './tracker-holdings.ts';
import { recall, rememberDirty, tellUnread } from './tracker-memory.ts';
import {
  askForAll,
  askSoon,
  dropRound,
  failLateLists,
  isOver,
  noteEnd,
  resetWholeRounds,
  roundDeadline,
  startRound,
} from './tracker-rounds.ts';
import { settle } from './tracker-settle.ts';
import { createState, type TrackerState } from './tracker-state.ts';
import type { TrackerEffect, TrackerInput, TrackerMemory, TrackerOptions } from './tracker-types.ts';

export type { TrackerState } from './tracker-state.ts';
export type {
  TrackerDoc,
  TrackerEffect,
  TrackerEmit,
  TrackerInput,
  TrackerMemory,
  TrackerOptions,
} from './tracker-types.ts';

export interface TrackerStep {
  readonly state: TrackerState;
  readonly effects: readonly TrackerEffect[];
}

/** A tracker that knows what an earlier run remembered. Nothing is told or asked before the first step. */
export function createTracker(options: TrackerOptions, memory: readonly TrackerMemory[]): TrackerState {
  const state = createState(options);
  recall(state, memory);
  return state;
}

/** The system time (Unix ms) at which the next `tick` does something; Infinity while there is no link. */
export function deadline(state: TrackerState): number {
  return roundDeadline(state);
}

/** One step. `nowMs` is the system clock, Unix ms. The given state is consumed. */
export function step(state: TrackerState, input: TrackerInput, nowMs: number): TrackerStep {
  state.nowMs = nowMs;
  tellUnread(state);
  take(state, input);
  rememberDirty(state);
  const effects = state.out;
  state.out = [];
  return { state, effects };
}

function take(state: TrackerState, input: TrackerInput): void {
  switch (input.kind) {
    case 'fact':
      takeFact(state, input.fact, input.at);
      break;
    case 'connected':
      // A link that is new has no questions of the old one.
      dropRound(state);
      doubtCoverage(state);
      askForAll(state);
      startRound(state);
      break;
    case 'disconnected':
      dropRound(state);
      break;
    case 'restored':
      takeRestored(state);
      break;
    case 'list-begin':
      if (input.list === 'positions') beginPositions(state, input.renews);
      else if (input.list === 'account-values') state.cashListed.clear();
      break;
    case 'list-over':
      // What becomes of the questions of a link that is gone says nothing.
      if (state.linked) takeListOver(state, input.list, input.whole);
      break;
    case 'list-end':
      if (noteEnd(state, input.list, input.outcome)) endRound(state);
      break;
    case 'doubt':
      if (state.linked) askSoon(state);
      break;
    case 'settle':
      giveEnd(state, input.end);
      break;
    case 'tick':
      failLateLists(state);
      endRound(state);
      if (state.linked && state.round === undefined && state.nowMs >= state.roundDueMs) startRound(state);
  }
}

function takeFact(state: TrackerState, fact: BrokerFact, at: Stamp): void {
  if (at.epoch > state.epoch) {
    state.epoch = at.epoch;
    state.told = 0;
  }
  switch (fact.kind) {
    case 'open-order':
      takeOpenOrder(state, fact, at);
      break;
    case 'order-status':
      takeStatus(state, fact, at);
      break;
    case 'execution':
      takeExecution(state, fact, at);
      break;
    case 'commission':
      takeCommission(state, fact, at);
      break;
    case 'completed-order':
      takeCompleted(state, fact, at);
      break;
    case 'order-error':
      takeError(state, fact, at);
      break;
    case 'position':
      takePosition(state, fact);
      break;
    case 'account-value':
      takeAccountValue(state, fact);
      return;
  }
}

function takeRestored(state: TrackerState): void {
  if (!state.linked) return;
  resetWholeRounds(state);
  doubtCoverage(state);
  askForAll(state);
  if (state.round === undefined) startRound(state);
  else state.roundAgain = true;
}

function takeListOver(state: TrackerState, list: BrokerList, whole: boolean): void {
  if (list === 'account-values' && whole) closeUnlistedCash(state);
  if (list !== 'positions') return;
  if (whole) closeUnlisted(state);
  // The old subscription has ended, and what the new one began with is not known whole.
  if (!whole && state.positionsRenewal !== 'none') state.owed.add('positions');
  if (state.positionsRenewal === 'nothing-new') state.positionsRenewal = 'none';
  if (!arePositionsInDoubt(state)) return;
  state.owed.add('positions');
  askSoon(state);
}

/** Draws what follows from a round once all its lists have ended. */
function endRound(state: TrackerState): void {
  const { round } = state;
  if (round === undefined || !isOver(round)) return;
  if (state.roundAgain) {
    // What this round had was asked for before the restore: nothing follows from it.
    state.round = undefined;
    askForAll(state);
    startRound(state);
    return;
  }
  settle(state, round);
  judgeCoverage(state, round);
  state.round = undefined;
  const outcomes = Object.fromEntries(round.outcomes);
  const complete = [...round.outcomes.values()].every((outcome) => outcome === 'ok');
  state.out.push({ kind: 'synced', outcomes, complete });
}
