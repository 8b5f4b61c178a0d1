import { lastWeeklyLogin } from '../lib/domain/safety/reset-windows.ts';
import type { SessionEffect, SessionPhase, SessionState } from './session-types.ts';

/** IB Gateway restarts once a day, and on Sunday needs the login for it: up for this long after, it has had the login. */
const LOGIN_PROVEN_MS = 86_400_000;

/** Whether market data is flowing as far as the session knows. */
export function dataFlows(state: SessionState): boolean {
  return (
    state.link === 'up' &&
    state.serverLostSinceMs === 0 &&
    state.marketFarmsDown.size === 0 &&
    state.competingSinceMs === 0
  );
}

/** Works out the phase and safe mode after a step, and says so when they changed. */
export function settle(state: SessionState, reason: string, nowMs: number, effects: SessionEffect[]): void {
  const cause = state.breakerOpen
    ? `${state.failures} failed connections in a row; last: ${state.lastError}`
    : state.link === 'up' &&
        state.serverLostSinceMs > 0 &&
        nowMs >= state.serverLostSinceMs + state.config.connectivityTimeoutMs
      ? `no connection to the broker's servers for ${Math.round((nowMs - state.serverLostSinceMs) / 1000)} s`
      : '';
  if (cause !== '' && state.safeModeReason === '') {
    state.safeModeReason = cause;
    effects.push({ kind: 'safe-mode-entered', reason: cause });
  } else if (state.safeModeReason !== '' && (state.stopped || (cause === '' && dataFlows(state)))) {
    state.safeModeReason = '';
    effects.push({
      kind: 'safe-mode-left',
      reason: state.stopped ? 'stopped' : 'the session is ready again',
    });
  }
  const phase = phaseOf(state, nowMs);
  if (phase !== state.phase) {
    const from = state.phase;
    state.phase = phase;
    effects.push({ kind: 'phase', from, to: phase, reason });
  }
}

function phaseOf(state: SessionState, nowMs: number): SessionPhase {
  if (state.stopped) return 'idle';
  if (state.safeModeReason !== '') return 'safe-mode';
  if (state.link === 'up') {
    if (state.competingSinceMs > 0) return 'competing';
    return state.serverLostSinceMs > 0 || state.marketFarmsDown.size > 0 || state.historyFarmsDown.size > 0
      ? 'degraded'
      : 'ready';
  }
  if (loginMissing(state, nowMs)) return 'waiting-for-login';
  return state.link === 'opening' ? 'connecting' : 'lost';
}

/** True when the weekly token has died since the session was last ready: only a person can bring it back. */
export function loginMissing(state: SessionState, nowMs: number): boolean {
  if (!state.everReady || state.link === 'up') return false;
  const loginMs = lastWeeklyLogin(state.config.weeklyLogin, nowMs);
  return loginMs > state.lastReadyMs && state.lastAnswerMs < loginMs + LOGIN_PROVEN_MS;
}
