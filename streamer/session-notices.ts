import { lose } from './session-link.ts';
import type { SessionEffect, SessionState } from './session-types.ts';

/** IB has some dozens; beyond them names are made up, and the session is degraded all the same. */
const farmsMax = 500;

/** What a notice or an error code of the gateway means for the session. Source: IB's list of message codes. */
export function notice(
  state: SessionState,
  code: number,
  message: string,
  nowMs: number,
  random: number,
  effects: SessionEffect[],
): void {
  switch (code) {
    case 1100:
    case 2110:
      if (state.link !== 'none' && state.serverLostSinceMs === 0) {
        state.serverLostSinceMs = nowMs;
        state.serverLostCode = code;
        if (state.link === 'up') effects.push({ kind: 'coverage-lost', reason: 'connectivity-lost' });
      }
      return;
    case 1101:
      restored(state, 'subscribe', effects);
      return;
    case 1102:
      restored(state, 'resume', effects);
      return;
    case 2103:
      if (state.link === 'none') return;
      if (state.link === 'up' && state.marketFarmsDown.size === 0)
        effects.push({ kind: 'coverage-lost', reason: 'farm-down' });
      remember(state.marketFarmsDown, message);
      return;
    case 2104:
    case 2108: {
      // 2119 (is connecting) is not yet a farm that is back; 2108 (inactive, available upon demand) is: asking wakes it.
      // A farm that comes back has been seen to keep subscriptions dead for hours: ask for all of them again.
      const wasDown = state.marketFarmsDown.delete(farmOf(message));
      if (wasDown && state.marketFarmsDown.size === 0 && state.link === 'up')
        effects.push({ kind: 'subscribe' });
      if (code === 2104 && state.serverLostSinceMs > 0 && state.serverLostCode === 2110)
        restored(state, 'subscribe', effects);
      return;
    }
    case 2105:
      if (state.link === 'none') return;
      if (state.link === 'up' && state.historyFarmsDown.size === 0)
        effects.push({ kind: 'history', available: false });
      remember(state.historyFarmsDown, message);
      return;
    case 2106:
    case 2107: {
      const wasDown = state.historyFarmsDown.delete(farmOf(message));
      if (wasDown && state.historyFarmsDown.size === 0 && state.link === 'up')
        effects.push({ kind: 'history', available: true });
      return;
    }
    case 10197:
      if (state.link === 'up' && state.competingSinceMs === 0) {
        state.competingSinceMs = nowMs;
        state.competingRetryAtMs = nowMs + state.config.competingRetryMs;
        effects.push({ kind: 'coverage-lost', reason: 'competing-session' });
      }
      return;
    case 326:
    case 502:
    case 506:
    case 1300:
      if (state.link !== 'none' && !state.stopped) lose(state, code, message, nowMs, random, effects);
      return;
    default:
  }
}

function restored(state: SessionState, how: 'subscribe' | 'resume', effects: SessionEffect[]): void {
  const wasLost = state.serverLostSinceMs > 0;
  state.serverLostSinceMs = 0;
  state.serverLostCode = 0;
  if (state.link !== 'up') return;
  // 1101 means the subscriptions are gone even if we never saw the 1100 before it.
  if (how === 'subscribe')
    effects.push({ kind: 'coverage-lost', reason: 'connectivity-lost' }, { kind: 'subscribe' });
  else if (wasLost) effects.push({ kind: 'resume' });
}

function remember(farms: Set<string>, message: string): void {
  if (farms.size < farmsMax) farms.add(farmOf(message));
}

/**
 * The farm that a notice is about: after the last colon (`Market data farm connection is broken:usfarm.nj`), or, where
 * it is inactive, after a full stop (`... is inactive but should be available upon demand.usfarm.nj`).
 */
function farmOf(message: string): string {
  return (/(?:demand\.|:)([^:]*)$/.exec(message)?.[1] ?? message).trim();
}
