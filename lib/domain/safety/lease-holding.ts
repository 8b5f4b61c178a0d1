import type { Lease, LeaseConfig, LeaseEffect, LeaseState, LeaseWrite, Moment } from './lease-types.ts';

/** What the holder does: renew in time, find out what became of a renewal without an answer, give it back. */

/** Share of the time to live by which the holder stops before anybody may follow: clocks may differ by half of it each. */
const MARGIN_SHARE = 0.1;
const RELEASE_ATTEMPTS = 3;
/** More renewals than this without an answer do not fit into a time to live; the oldest is forgotten. */
const DOUBTFUL_MAX = 64;

/** After a write that was sent at a moment, how long its sender may act on it, in milliseconds. */
export function holdMs({ ttlMs }: LeaseConfig): number {
  return ttlMs * (1 - MARGIN_SHARE);
}

/** After a failure, before the next question. */
export function retryMs({ renewMs }: LeaseConfig): number {
  return renewMs / 4;
}

/**
 * Whether a write sent at `sentAt` no longer carries. By both clocks: the monotonic one stands still while a machine is
 * suspended, and only the wall clock shows it. (A wall clock set forward looks the same and costs a new acquisition.)
 */
export function expired(config: LeaseConfig, { sentAt }: LeaseWrite, now: Moment): boolean {
  const limitMs = holdMs(config);
  return now.monotonicMs - sentAt.monotonicMs >= limitMs || now.wallMs - sentAt.wallMs >= limitMs;
}

export function startHolding(state: LeaseState, write: LeaseWrite): void {
  state.phase = 'held';
  state.mine = write;
  state.doubtful = [];
  state.mustRead = false;
  state.seen = undefined;
  state.tokenFloor = write.row.token;
  state.nextAtMs = write.sentAt.monotonicMs + state.config.renewMs;
}

/** Nothing is held or wanted any more. A question that is out is still waited for. */
export function end(state: LeaseState): void {
  state.phase = 'idle';
  state.mine = undefined;
  state.doubtful = [];
  state.mustRead = false;
  state.seen = undefined;
  state.nextAtMs = Number.POSITIVE_INFINITY;
}

export function lose(state: LeaseState, reason: string, effects: LeaseEffect[]): void {
  end(state);
  effects.push({ kind: 'lost', reason });
}

/** The next question of a holder: a renewal, or what the row says. */
export function askHolding(state: LeaseState, now: Moment, effects: LeaseEffect[]): void {
  if (state.mine === undefined) return;
  if (state.mustRead) {
    state.asked = { kind: 'read' };
    effects.push({ kind: 'read' });
    return;
  }
  const released = state.phase === 'releasing';
  const version = Math.max(state.mine.row.version, ...state.doubtful.map(({ row }) => row.version)) + 1;
  const row: Lease = { ...state.mine.row, version, renewedAtMs: now.wallMs, released };
  state.asked = { kind: 'replace', purpose: released ? 'release' : 'renew', write: { row, sentAt: now } };
  effects.push({ kind: 'replace', expected: state.mine.row, next: row });
}

export function onRenewed(
  state: LeaseState,
  write: LeaseWrite,
  done: boolean,
  now: Moment,
  effects: LeaseEffect[],
): void {
  if (done) {
    state.mine = write;
    state.doubtful = [];
    state.nextAtMs = write.sentAt.monotonicMs + state.config.renewMs;
  } else if (state.doubtful.length === 0) {
    lose(state, 'another one has it', effects);
  } else {
    // One of our own renewals without an answer may be what stands there.
    state.mustRead = true;
    state.nextAtMs = now.monotonicMs;
  }
}

/** What the row says after a refused renewal: one of ours, or the end. */
export function onHeldRow(
  state: LeaseState,
  row: Lease | undefined,
  now: Moment,
  effects: LeaseEffect[],
): void {
  const { mine } = state;
  state.mustRead = false;
  const stands = [mine, ...state.doubtful].find((write) => write !== undefined && sameWrite(write.row, row));
  if (stands === undefined) {
    lose(state, row === undefined ? 'its row is gone' : `${row.holder} has it`, effects);
    return;
  }
  state.mine = stands;
  state.doubtful = state.doubtful.filter((write) => write.row.version > stands.row.version);
  if (expired(state.config, stands, now)) lose(state, 'it was not renewed within its time to live', effects);
  else state.nextAtMs = now.monotonicMs + (stands === mine ? retryMs(state.config) : 0);
}

export function onHeldFailed(state: LeaseState, write: LeaseWrite | undefined, now: Moment): void {
  if (write !== undefined) state.doubtful = [...state.doubtful, write].slice(-DOUBTFUL_MAX);
  state.nextAtMs = now.monotonicMs + retryMs(state.config);
}

/** After an attempt to give it back, or a question on the way to it. */
export function onReleasing(state: LeaseState, done: boolean, now: Moment, effects: LeaseEffect[]): void {
  state.releaseFailures += done ? 0 : 1;
  if (done || state.releaseFailures >= RELEASE_ATTEMPTS) {
    end(state);
    effects.push({ kind: 'released', clean: done });
    return;
  }
  // Whatever of ours stands there is what must be replaced.
  state.mustRead = true;
  state.nextAtMs = now.monotonicMs + retryMs(state.config);
}

export function onReleasingRow(
  state: LeaseState,
  row: Lease | undefined,
  now: Moment,
  effects: LeaseEffect[],
): void {
  const { mine } = state;
  state.mustRead = false;
  if (mine === undefined || row?.holder !== mine.row.holder || row.token !== mine.row.token) {
    end(state);
    effects.push({ kind: 'released', clean: false });
  } else if (row.released) {
    // Our own attempt, whose answer was lost.
    end(state);
    effects.push({ kind: 'released', clean: true });
  } else {
    state.mine = { row, sentAt: mine.sentAt };
    state.nextAtMs = now.monotonicMs;
  }
}

function sameWrite(a: Lease, b: Lease | undefined): boolean {
  return a.holder === b?.holder && a.token === b.token && a.version === b.version && !b.released;
}
