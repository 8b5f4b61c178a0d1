/**
 * Who may talk to the gateway, as a pure machine: one holder at a time, whatever is late, lost or paused. The driver
 * reads and writes the one row of the control table, and calls again at the deadline.
 *
 * Why two never act on it at the same time: a challenger that has read a version waits until that version has stood for
 * the whole time to live of its own monotonic clock, counted from the answer that first showed it, and its write has
 * the version as its condition. The holder counts from before it SENT the write of that version, which is earlier, and
 * stops a margin before the time to live. No two machines' clocks are compared; their rates must agree to within the
 * margin.
 */
import {
  askHolding,
  end,
  expired,
  holdMs,
  lose,
  onHeldFailed,
  onHeldRow,
  onReleasing,
  onReleasingRow,
  onRenewed,
} from './lease-holding.ts';
import type { LeaseEffect, LeaseInput, LeaseQuestion, LeaseState, LeaseStep, Moment } from './lease-types.ts';
import { askWatching, onTaken, onWatchFailed, onWatchRow, stopWatching } from './lease-watching.ts';

export type {
  Lease,
  LeaseConfig,
  LeaseEffect,
  LeaseInput,
  LeaseState,
  LeaseStep,
  Moment,
} from './lease-types.ts';
export { createLease } from './lease-types.ts';

/** One step. `now` is read by the driver at the moment of the input. The given state is consumed. */
export function step(state: LeaseState, input: LeaseInput, now: Moment): LeaseStep {
  const effects: LeaseEffect[] = [];
  // First of all: whatever has just come, a lease that ran out while nobody looked is lost.
  if (isOver(state, now)) lose(state, 'it was not renewed within its time to live', effects);
  switch (input.kind) {
    case 'contend':
      if (state.phase === 'idle') contend(state, input.tokenFloor, now);
      break;
    case 'release':
      release(state, now, effects);
      break;
    case 'row':
    case 'replaced':
    case 'failed':
      answer(state, input, now, effects);
      break;
    case 'tick':
      break;
  }
  if (state.asked === undefined && now.monotonicMs >= state.nextAtMs) {
    if (state.phase === 'watching') askWatching(state, effects);
    else askHolding(state, now, effects);
  }
  return { state, effects };
}

/** Monotonic time at which the machine wants its next `tick`; Infinity while it waits for an answer or for nobody. */
export function deadline(state: LeaseState): number {
  const ask = state.asked === undefined ? state.nextAtMs : Number.POSITIVE_INFINITY;
  if (state.phase !== 'held' || state.mine === undefined) return ask;
  return Math.min(ask, state.mine.sentAt.monotonicMs + holdMs(state.config));
}

/** Whether the holder of `token` may act at this moment. Asked before every write to the socket. */
export function mayAct(state: LeaseState, token: number, now: Moment): boolean {
  return state.phase === 'held' && state.mine?.row.token === token && !isOver(state, now);
}

function isOver({ phase, mine, config }: LeaseState, now: Moment): boolean {
  return phase === 'held' && mine !== undefined && expired(config, mine, now);
}

function contend(state: LeaseState, tokenFloor: number, now: Moment): void {
  state.phase = 'watching';
  state.tokenFloor = Math.max(state.tokenFloor, tokenFloor);
  state.nextAtMs = now.monotonicMs;
  state.toldHolder = '';
}

function release(state: LeaseState, now: Moment, effects: LeaseEffect[]): void {
  switch (state.phase) {
    case 'held':
      state.phase = 'releasing';
      state.releaseFailures = 0;
      // What became of a renewal without an answer must be known before anything of ours can be replaced.
      state.mustRead = state.doubtful.length > 0;
      state.nextAtMs = now.monotonicMs;
      return;
    case 'watching':
      stopWatching(state, effects);
      return;
    case 'idle':
      effects.push({ kind: 'released', clean: false });
      return;
    case 'releasing':
      return;
  }
}

type Answer = Extract<LeaseInput, { kind: 'row' | 'replaced' | 'failed' }>;

function answer(state: LeaseState, input: Answer, now: Moment, effects: LeaseEffect[]): void {
  const { asked } = state;
  state.asked = undefined;
  if (asked === undefined) return;
  switch (state.phase) {
    case 'idle':
      return;
    case 'watching':
      if (input.kind === 'row') onWatchRow(state, input.row, now, effects);
      else if (input.kind === 'failed') onWatchFailed(state, input.message, now, effects);
      // A renewal of a former term may still be answered; only an attempt to take it counts.
      else if (isTake(asked)) onTaken(state, asked.write, input.done, now, effects);
      return;
    case 'held':
      if (input.kind === 'row') onHeldRow(state, input.row, now, effects);
      else if (input.kind === 'failed') {
        onHeldFailed(state, asked.kind === 'replace' ? asked.write : undefined, now);
        effects.push({ kind: 'trouble', message: input.message });
      } else if (asked.kind === 'replace') onRenewed(state, asked.write, input.done, now, effects);
      return;
    case 'releasing':
      whileReleasing(state, asked, input, now, effects);
  }
}

function whileReleasing(
  state: LeaseState,
  asked: LeaseQuestion,
  input: Answer,
  now: Moment,
  effects: LeaseEffect[],
): void {
  if (input.kind === 'row') onReleasingRow(state, input.row, now, effects);
  else if (asked.kind === 'replace' && asked.purpose !== 'release' && input.kind === 'replaced') {
    // The question was out when it was to be given back: the renewal, or the attempt to take it.
    if (input.done) {
      state.mine = asked.write;
      state.nextAtMs = now.monotonicMs;
    } else if (state.doubtful.length > 0) {
      state.mustRead = true;
      state.nextAtMs = now.monotonicMs;
    } else {
      end(state);
      effects.push({ kind: 'released', clean: isTake(asked) });
    }
  } else if (state.mine === undefined) {
    // An attempt to take it without an answer: if it stands, its time to live ends it.
    end(state);
    effects.push({ kind: 'released', clean: false });
  } else onReleasing(state, input.kind === 'replaced' && input.done, now, effects);
}

function isTake(asked: LeaseQuestion): asked is Extract<LeaseQuestion, { kind: 'replace' }> {
  return asked.kind === 'replace' && asked.purpose === 'take';
}
