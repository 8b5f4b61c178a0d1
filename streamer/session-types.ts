import type { ResetWindow, WeeklyLogin } from '../lib/domain/safety/reset-windows.ts';

/** What the session machine knows, takes in, and asks for. All times are the system clock's, Unix ms. */
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
  /** Failures in a row that are expected and do not count: in a reset window, or while the weekly login is missing. */
  excused: number;
  /** Both before the session that is up: they count on when it does not last. */
  failuresBefore: number;
  excusedBefore: number;
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

export function createSession(config: SessionConfig): SessionState {
  return {
    config,
    phase: 'idle',
    link: 'none',
    stopped: true,
    everReady: false,
    lastReadyMs: 0,
    failures: 0,
    excused: 0,
    failuresBefore: 0,
    excusedBefore: 0,
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
