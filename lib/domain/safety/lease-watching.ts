import { end, expired, retryMs, startHolding } from './lease-holding.ts';
import type { Lease, LeaseEffect, LeaseState, LeaseWrite, Moment } from './lease-types.ts';

/** What a challenger does: look, wait until one version has stood long enough, take it. */

const LOOK_EVERY_MS_MAX = 1_000;
/** After somebody else was faster. */
const LOOK_AGAIN_MS = 50;
const TELL_EVERY_MS = 60_000;
/** For a table that does not answer, in the place of a holder's name. */
const NOBODY_ANSWERS = '?';

export function askWatching(state: LeaseState, effects: LeaseEffect[]): void {
  state.asked = { kind: 'read' };
  effects.push({ kind: 'read' });
}

export function onWatchRow(
  state: LeaseState,
  row: Lease | undefined,
  now: Moment,
  effects: LeaseEffect[],
): void {
  if (row === undefined || row.released || row.holder === state.config.holder) {
    // Our own name: it is written in the outbox's file, whose exclusive lock only one process can have. This process has
    // it, so the one that held the lease is dead, or it was this one and has stopped.
    take(state, row, now, effects);
    return;
  }
  const { ttlMs, renewMs } = state.config;
  const seen = state.seen !== undefined && sameVersion(state.seen.row, row) ? state.seen : undefined;
  state.seen = seen ?? { row, sinceMs: now.monotonicMs };
  const unchangedMs = now.monotonicMs - state.seen.sinceMs;
  if (unchangedMs >= ttlMs) {
    take(state, row, now, effects);
    return;
  }
  state.nextAtMs = Math.min(
    now.monotonicMs + Math.min(renewMs, LOOK_EVERY_MS_MAX),
    state.seen.sinceMs + ttlMs,
  );
  if (due(state, row.holder, now)) effects.push({ kind: 'waiting', row, unchangedMs });
}

export function onWatchFailed(state: LeaseState, message: string, now: Moment, effects: LeaseEffect[]): void {
  state.nextAtMs = now.monotonicMs + retryMs(state.config);
  if (due(state, NOBODY_ANSWERS, now)) effects.push({ kind: 'trouble', message });
}

/** The answer to an attempt to take it. */
export function onTaken(
  state: LeaseState,
  write: LeaseWrite,
  done: boolean,
  now: Moment,
  effects: LeaseEffect[],
): void {
  // Somebody was faster, or the answer was too slow to be acted upon: the row tells, and our own name is taken at once.
  state.nextAtMs = now.monotonicMs + LOOK_AGAIN_MS;
  if (!done || expired(state.config, write, now)) return;
  startHolding(state, write);
  effects.push({ kind: 'acquired', token: write.row.token });
}

/** Nobody wants it any more. An attempt to take it that is out may still succeed: then it is given back. */
export function stopWatching(state: LeaseState, effects: LeaseEffect[]): void {
  if (state.asked?.kind === 'replace' && state.asked.purpose === 'take') {
    state.phase = 'releasing';
    state.releaseFailures = 0;
    return;
  }
  end(state);
  effects.push({ kind: 'released', clean: true });
}

function take(state: LeaseState, row: Lease | undefined, now: Moment, effects: LeaseEffect[]): void {
  const next: Lease = {
    holder: state.config.holder,
    token: Math.max(row?.token ?? 0, state.tokenFloor) + 1,
    version: (row?.version ?? 0) + 1,
    renewedAtMs: now.wallMs,
    released: false,
  };
  state.asked = { kind: 'replace', purpose: 'take', write: { row: next, sentAt: now } };
  effects.push({ kind: 'replace', expected: row, next });
}

/** Whether the wait is to be told: at once when its reason is a new one, then once a minute. */
function due(state: LeaseState, holder: string, now: Moment): boolean {
  if (state.toldHolder === holder && now.monotonicMs - state.toldAtMs < TELL_EVERY_MS) return false;
  state.toldHolder = holder;
  state.toldAtMs = now.monotonicMs;
  return true;
}

function sameVersion(a: Lease, b: Lease): boolean {
  return a.holder === b.holder && a.token === b.token && a.version === b.version;
}
