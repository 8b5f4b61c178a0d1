import { activeResetWindow } from '../lib/domain/safety/reset-windows.ts';
import { loginMissing } from './session-phase.ts';
import type { SessionEffect, SessionState } from './session-types.ts';

/** Reconnecting sooner than this after a loss leaves sockets behind that nobody owns. */
const RECONNECT_PAUSE_MIN_MS = 250;
/** A session that ends sooner than this was a failed attempt too: else one that is cut off at once comes back at once. */
const STEADY_MS = 30_000;

/** The link's life: opened, ready, asked, lost, and how long until the next attempt. */
export function open(state: SessionState, nowMs: number, effects: SessionEffect[]): void {
  state.link = 'opening';
  state.retryAtMs = Number.POSITIVE_INFINITY;
  state.handshakeDeadlineMs = nowMs + state.config.handshakeTimeoutMs;
  effects.push({ kind: 'open' });
}

export function ready(
  state: SessionState,
  input: { readonly serverVersion: number; readonly accounts: readonly string[] },
  nowMs: number,
  effects: SessionEffect[],
): void {
  state.link = 'up';
  state.everReady = true;
  state.lastReadyMs = nowMs;
  state.failuresBefore = state.failures;
  state.failures = 0;
  state.excusedBefore = state.excused;
  state.excused = 0;
  state.lastError = '';
  state.breakerOpen = false;
  state.handshakeDeadlineMs = Number.POSITIVE_INFINITY;
  state.loginReminderAtMs = Number.POSITIVE_INFINITY;
  state.nextProbeAtMs = nowMs + state.config.probeIntervalMs;
  effects.push({ kind: 'connected', serverVersion: input.serverVersion, accounts: input.accounts });
  effects.push({ kind: 'history', available: state.historyFarmsDown.size === 0 });
  // The time first: which month is the front one, and whether the broker plays a tape, depends on it.
  ask(state, nowMs, effects);
  effects.push({ kind: 'subscribe' });
}

export function ask(state: SessionState, nowMs: number, effects: SessionEffect[]): void {
  if (state.probeSentAtMs > 0) return;
  state.probeSentAtMs = nowMs;
  effects.push({ kind: 'ask-time' });
}

export function lose(
  state: SessionState,
  code: number | null,
  message: string,
  nowMs: number,
  random: number,
  effects: SessionEffect[],
): void {
  const wasUp = state.link === 'up';
  if (wasUp && nowMs < state.lastReadyMs + STEADY_MS) {
    state.failures = state.failuresBefore;
    state.excused = state.excusedBefore;
  }
  effects.push({ kind: 'close' });
  if (wasUp) {
    effects.push({ kind: 'coverage-lost', reason: 'disconnected' });
    effects.push({ kind: 'history', available: false });
    effects.push({
      kind: 'disconnected',
      reason: code === null ? 'link lost' : `code ${code}`,
      code,
      message,
    });
  }
  forgetLink(state);
  state.lastError = message;
  // Announced maintenance and a missing weekly login are expected: neither is a fault of the link.
  const excused =
    activeResetWindow(state.config.resetWindows, nowMs) !== undefined || loginMissing(state, nowMs);
  if (excused) state.excused += 1;
  else {
    state.failures += 1;
    // From here on the pauses are those of a fault: an outage that outlasts its window is told no later than any other.
    state.excused = 0;
  }
  if (state.failures >= state.config.breakerFailures && !state.breakerOpen) {
    state.breakerOpen = true;
    effects.push({ kind: 'breaker', failures: state.failures, lastError: message });
  }
  state.retryAtMs = nowMs + retryDelay(state, random);
  if (loginMissing(state, nowMs) && state.loginReminderAtMs === Number.POSITIVE_INFINITY) {
    state.loginReminderAtMs = nowMs;
  }
}

export function forgetLink(state: SessionState): void {
  state.link = 'none';
  state.handshakeDeadlineMs = Number.POSITIVE_INFINITY;
  state.probeSentAtMs = 0;
  state.nextProbeAtMs = Number.POSITIVE_INFINITY;
  state.serverLostSinceMs = 0;
  state.serverLostCode = 0;
  state.marketFarmsDown.clear();
  state.historyFarmsDown.clear();
  state.competingSinceMs = 0;
  state.competingRetryAtMs = Number.POSITIVE_INFINITY;
}

function retryDelay(state: SessionState, random: number): number {
  const { config } = state;
  // What does not count is waited for just as patiently: a reset takes an hour, a login that nobody confirms all Sunday.
  const doublings = Math.min(Math.max((state.excused || state.failures) - 1, 0), 30);
  const base = state.breakerOpen
    ? config.breakerRetryMs
    : Math.min(config.backoffMaxMs, config.backoffFirstMs * 2 ** doublings);
  const spread = 1 + config.jitter * (2 * random - 1);
  return Math.max(RECONNECT_PAUSE_MIN_MS, Math.round(base * spread));
}
