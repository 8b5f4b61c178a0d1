import { lastWeeklyLogin } from '../lib/domain/safety/reset-windows.ts';
import { ask, forgetLink, lose, open, ready } from './session-link.ts';
import { notice } from './session-notices.ts';
import { settle } from './session-phase.ts';
import type { SessionEffect, SessionInput, SessionState, SessionStep } from './session-types.ts';

/**
 * The supervisor of the one broker session, as a pure machine: it decides when to open and close the link, when to
 * ask the broker for its time, and what the session's state is. It does no I/O; the driver carries out the effects
 * and calls again at the deadline.
 *
 * The facts that it rests on (measured with @stoqey/ib 1.6): there is no keepalive, so a dead link is found only by
 * asking; a hung handshake waits for ever; 1100 keeps the socket; 1101 has forgotten every subscription; 1102 has kept
 * them; reconnecting at once inside `disconnected` leaves orphans, hence the smallest pause.
 */
export { dataFlows } from './session-phase.ts';
export type { SessionConfig, SessionEffect, SessionInput } from './session-types.ts';
export { createSession } from './session-types.ts';

/**
 * One step. `nowMs` is the system clock (Unix ms); `random` is a number in [0, 1) for the jitter, drawn by the driver
 * so that the machine stays exact under replay. The given state is consumed.
 */
export function step(state: SessionState, input: SessionInput, nowMs: number, random: number): SessionStep {
  const effects: SessionEffect[] = [];
  let reason: string = input.kind;
  switch (input.kind) {
    case 'start':
      if (state.stopped) {
        state.stopped = false;
        open(state, nowMs, effects);
      }
      break;
    case 'stop':
      state.stopped = true;
      if (state.link !== 'none') effects.push({ kind: 'close' });
      forgetLink(state);
      state.retryAtMs = Number.POSITIVE_INFINITY;
      break;
    case 'ready':
      if (state.link === 'opening') ready(state, input, nowMs, effects);
      break;
    case 'disconnected':
      if (state.link !== 'none' && !state.stopped) {
        reason = input.message;
        lose(state, input.code, input.message, nowMs, random, effects);
      }
      break;
    case 'notice':
      reason = `${input.code}: ${input.message}`;
      notice(state, input.code, input.message, nowMs, random, effects);
      break;
    case 'time':
      if (state.link !== 'up') break;
      state.probeSentAtMs = 0;
      state.nextProbeAtMs = nowMs + state.config.probeIntervalMs;
      state.lastAnswerMs = nowMs;
      break;
    case 'ask-time':
      if (state.link === 'up') ask(state, nowMs, effects);
      break;
    case 'data':
      if (state.competingSinceMs > 0) {
        reason = 'market data came back';
        state.competingSinceMs = 0;
        state.competingRetryAtMs = Number.POSITIVE_INFINITY;
        effects.push({ kind: 'resume' });
      }
      break;
    case 'tick':
      reason = tick(state, nowMs, random, effects);
      break;
  }
  settle(state, reason, nowMs, effects);
  return { state, effects };
}

/** System time (Unix ms) at which the machine wants its next `tick`; Infinity when it waits for nothing. */
export function deadline(state: SessionState): number {
  if (state.stopped) return Number.POSITIVE_INFINITY;
  const { config } = state;
  let next = Math.min(
    state.retryAtMs,
    state.handshakeDeadlineMs,
    state.competingRetryAtMs,
    state.loginReminderAtMs,
  );
  if (state.link === 'up') {
    next = Math.min(
      next,
      state.probeSentAtMs > 0 ? state.probeSentAtMs + config.probeTimeoutMs : state.nextProbeAtMs,
    );
    if (state.serverLostSinceMs > 0 && state.safeModeReason === '') {
      next = Math.min(next, state.serverLostSinceMs + config.connectivityTimeoutMs);
    }
  }
  return next;
}

function tick(state: SessionState, nowMs: number, random: number, effects: SessionEffect[]): string {
  const { config } = state;
  if (state.stopped) return 'tick';
  if (state.link === 'opening' && nowMs >= state.handshakeDeadlineMs) {
    const message = `no nextValidId within ${config.handshakeTimeoutMs} ms of connecting`;
    lose(state, null, message, nowMs, random, effects);
    return message;
  }
  if (
    state.link === 'up' &&
    state.probeSentAtMs > 0 &&
    nowMs >= state.probeSentAtMs + config.probeTimeoutMs
  ) {
    const message = `the broker did not answer reqCurrentTime within ${config.probeTimeoutMs} ms`;
    lose(state, null, message, nowMs, random, effects);
    return message;
  }
  if (state.link === 'up' && nowMs >= state.nextProbeAtMs) {
    state.nextProbeAtMs = nowMs + config.probeIntervalMs;
    ask(state, nowMs, effects);
  }
  if (state.link === 'up' && nowMs >= state.competingRetryAtMs) {
    state.competingRetryAtMs = nowMs + config.competingRetryMs;
    effects.push({ kind: 'subscribe' });
  }
  if (nowMs >= state.loginReminderAtMs) {
    state.loginReminderAtMs = nowMs + config.loginReminderMs;
    effects.push({
      kind: 'login-awaited',
      sinceMs: lastWeeklyLogin(config.weeklyLogin, nowMs),
      failures: state.failures,
    });
  }
  if (state.link === 'none' && nowMs >= state.retryAtMs) open(state, nowMs, effects);
  return 'tick';
}
