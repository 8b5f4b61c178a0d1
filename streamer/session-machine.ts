import {
  activeResetWindow,
  lastWeeklyLogin,
  type ResetWindow,
  type WeeklyLogin,
} from '../lib/domain/safety/reset-windows.ts';

/**
 * The supervisor of the one broker session, as a pure machine: it decides when to open and close the link, when to
 * ask the broker for its time, and what the session's state is. It does no I/O; the driver carries out the effects
 * and calls again at the deadline.
 *
 * The facts that it rests on (measured with @stoqey/ib 1.6): there is no keepalive, so a dead link is found only by
 * asking; a hung handshake waits for ever; 1100 keeps the socket; 1101 has forgotten every subscription; 1102 has kept
 * them; reconnecting at once inside `disconnected` leaves orphans, hence the smallest pause.
 */
export type SessionPhase =
  | 'idle'
  | 'connecting'
  | 'ready'
  | 'degraded'
  | 'lost'
  | 'competing'
  | 'waiting-for-login'
  | 'safe-mode';

export type OutageReason = 'disconnected' | 'connectivity-lost' | 'farm-down' | 'competing-session';

export interface SessionConfig {
  readonly handshakeTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Share of the delay that may be added or taken away, 0 to 1. */
  readonly jitter: number;
  readonly breakerFailures: number;
  readonly breakerRetryMs: number;
  /** A 1100 without 1101 or 1102 for longer than this is safe mode. */
  readonly connectivityTimeoutMs: number;
  /** While another session competes for the data, ask again this often. */
  readonly competingRetryMs: number;
  /** While the weekly login is missing, remind this often. */
  readonly loginReminderMs: number;
  readonly resetWindows: readonly ResetWindow[];
  readonly weeklyLogin: WeeklyLogin;
}

export interface SessionState {
  readonly config: SessionConfig;
  phase: SessionPhase;
  link: 'none' | 'opening' | 'up';
  stopped: boolean;
  everReady: boolean;
  lastReadyMs: number;
  failures: number;
  /** Failures before the session that is up: they count on when it does not last. */
  failuresBefore: number;
  /** When the broker last answered while the session was up. */
  lastAnswerMs: number;
  lastError: string;
  breakerOpen: boolean;
  /** Why safe mode is on; empty when it is off. */
  safeModeReason: string;
  retryAtMs: number;
  handshakeDeadlineMs: number;
  probeSentAtMs: number;
  nextProbeAtMs: number;
  /** Since when the broker has no connection to its servers (1100, 2110); 0 when it has. */
  serverLostSinceMs: number;
  serverLostCode: number;
  marketFarmsDown: Set<string>;
  historyFarmsDown: Set<string>;
  competingSinceMs: number;
  competingRetryAtMs: number;
  loginReminderAtMs: number;
}

export type SessionInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  /** nextValidId has come: commands may be sent. */
  | {
      readonly kind: 'ready';
      readonly serverVersion: number;
      readonly accounts: readonly string[];
    }
  | { readonly kind: 'disconnected'; readonly code: number | null; readonly message: string }
  /** A notice or an error from the gateway, whatever event carried it. */
  | { readonly kind: 'notice'; readonly code: number; readonly message: string }
  /** The answer to reqCurrentTime. */
  | { readonly kind: 'time' }
  /** The market clock wants to know: ask for the time now unless a question is already out. */
  | { readonly kind: 'ask-time' }
  /** Market data came while the session was called competing. */
  | { readonly kind: 'data' }
  | { readonly kind: 'tick' };

export type SessionEffect =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  | { readonly kind: 'ask-time' }
  /** Prints may be missing from now on. */
  | { readonly kind: 'coverage-lost'; readonly reason: OutageReason }
  /** Ask for every subscription again, with fresh request ids. */
  | { readonly kind: 'subscribe' }
  /** The subscriptions still stand and data flows again. */
  | { readonly kind: 'resume' }
  | { readonly kind: 'history'; readonly available: boolean }
  | {
      readonly kind: 'phase';
      readonly from: SessionPhase;
      readonly to: SessionPhase;
      readonly reason: string;
    }
  | { readonly kind: 'connected'; readonly serverVersion: number; readonly accounts: readonly string[] }
  | {
      readonly kind: 'disconnected';
      readonly reason: string;
      readonly code: number | null;
      readonly message: string;
    }
  | { readonly kind: 'breaker'; readonly failures: number; readonly lastError: string }
  | { readonly kind: 'safe-mode-entered'; readonly reason: string }
  | { readonly kind: 'safe-mode-left'; readonly reason: string }
  | { readonly kind: 'login-awaited'; readonly sinceMs: number; readonly failures: number };

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** Reconnecting sooner than this after a loss leaves sockets behind that nobody owns. */
const RECONNECT_PAUSE_MIN_MS = 250;
/** A session that ends sooner than this was a failed attempt too: else one that is cut off at once comes back at once. */
const STEADY_MS = 30_000;
/** IB Gateway restarts once a day, and on Sunday needs the login for it: up for this long after, it has had the login. */
const LOGIN_PROVEN_MS = 86_400_000;

export function createSession(config: SessionConfig): SessionState {
  return {
    config,
    phase: 'idle',
    link: 'none',
    stopped: true,
    everReady: false,
    lastReadyMs: 0,
    failures: 0,
    failuresBefore: 0,
    lastAnswerMs: 0,
    lastError: '',
    breakerOpen: false,
    safeModeReason: '',
    retryAtMs: Number.POSITIVE_INFINITY,
    handshakeDeadlineMs: Number.POSITIVE_INFINITY,
    probeSentAtMs: 0,
    nextProbeAtMs: Number.POSITIVE_INFINITY,
    serverLostSinceMs: 0,
    serverLostCode: 0,
    marketFarmsDown: new Set(),
    historyFarmsDown: new Set(),
    competingSinceMs: 0,
    competingRetryAtMs: Number.POSITIVE_INFINITY,
    loginReminderAtMs: Number.POSITIVE_INFINITY,
  };
}

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

/** Whether market data is flowing as far as the session knows. */
export function dataFlows(state: SessionState): boolean {
  return (
    state.link === 'up' &&
    state.serverLostSinceMs === 0 &&
    state.marketFarmsDown.size === 0 &&
    state.competingSinceMs === 0
  );
}

function open(state: SessionState, nowMs: number, effects: SessionEffect[]): void {
  state.link = 'opening';
  state.retryAtMs = Number.POSITIVE_INFINITY;
  state.handshakeDeadlineMs = nowMs + state.config.handshakeTimeoutMs;
  effects.push({ kind: 'open' });
}

function ready(
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

function ask(state: SessionState, nowMs: number, effects: SessionEffect[]): void {
  if (state.probeSentAtMs > 0) return;
  state.probeSentAtMs = nowMs;
  effects.push({ kind: 'ask-time' });
}

function lose(
  state: SessionState,
  code: number | null,
  message: string,
  nowMs: number,
  random: number,
  effects: SessionEffect[],
): void {
  const wasUp = state.link === 'up';
  if (wasUp && nowMs < state.lastReadyMs + STEADY_MS) state.failures = state.failuresBefore;
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
  if (!excused) state.failures += 1;
  if (state.failures >= state.config.breakerFailures && !state.breakerOpen) {
    state.breakerOpen = true;
    effects.push({ kind: 'breaker', failures: state.failures, lastError: message });
  }
  state.retryAtMs = nowMs + retryDelay(state, random);
  if (loginMissing(state, nowMs) && state.loginReminderAtMs === Number.POSITIVE_INFINITY) {
    state.loginReminderAtMs = nowMs;
  }
}

function forgetLink(state: SessionState): void {
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
  const doublings = Math.min(Math.max(state.failures - 1, 0), 30);
  const base = state.breakerOpen
    ? config.breakerRetryMs
    : Math.min(config.backoffMaxMs, config.backoffFirstMs * 2 ** doublings);
  const spread = 1 + config.jitter * (2 * random - 1);
  return Math.max(RECONNECT_PAUSE_MIN_MS, Math.round(base * spread));
}

function notice(
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
      state.marketFarmsDown.add(farmOf(message));
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
      state.historyFarmsDown.add(farmOf(message));
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

/** Works out the phase and safe mode after a step, and says so when they changed. */
function settle(state: SessionState, reason: string, nowMs: number, effects: SessionEffect[]): void {
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
function loginMissing(state: SessionState, nowMs: number): boolean {
  if (!state.everReady || state.link === 'up') return false;
  const loginMs = lastWeeklyLogin(state.config.weeklyLogin, nowMs);
  return loginMs > state.lastReadyMs && state.lastAnswerMs < loginMs + LOGIN_PROVEN_MS;
}

/**
 * The farm that a notice is about: after the last colon (`Market data farm connection is broken:usfarm.nj`), or, where
 * it is inactive, after a full stop (`... is inactive but should be available upon demand.usfarm.nj`).
 */
function farmOf(message: string): string {
  return (/(?:demand\.|:)([^:]*)$/.exec(message)?.[1] ?? message).trim();
}
