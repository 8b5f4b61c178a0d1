import type { GatewayLink } from './broker-link-types.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { GapDriver } from './gap-driver.ts';
import type { History } from './history.ts';
import type { MarketData } from './market-data.ts';
import type { SessionDriver } from './session-driver.ts';
import type { SessionEffect } from './session-machine.ts';
import type { StreamerOptions } from './streamer-options.ts';
import type { TrackerDriver } from './tracker-driver.ts';
import type { WakePlanner } from './wake-planner.ts';

/** The parts of the streamer that a session's effects reach. */
export interface SessionEffectParts {
  readonly systemMs: () => number;
  readonly session: SessionDriver;
  readonly link: GatewayLink;
  readonly marketData: MarketData;
  readonly history: History;
  readonly gaps: GapDriver;
  readonly orders: TrackerDriver;
  readonly recorder: EventRecorder;
  readonly wakes: WakePlanner;
}

/** Carries out what the session machine decides: on the link, on the data, and as events. */
export class SessionEffects {
  readonly #options: StreamerOptions;
  readonly #parts: SessionEffectParts;

  constructor(options: StreamerOptions, parts: SessionEffectParts) {
    this.#options = options;
    this.#parts = parts;
  }

  perform(effect: SessionEffect): void {
    const { link, marketData, history, gaps, orders, session, wakes } = this.#parts;
    switch (effect.kind) {
      case 'open':
        link.open();
        return;
      case 'close':
        link.close();
        history.forget();
        orders.disconnected();
        return;
      case 'ask-time':
        wakes.asked();
        link.requestTime();
        return;
      case 'coverage-lost':
        marketData.coverageLost(effect.reason, effect.reason === 'disconnected');
        return;
      case 'subscribe':
        marketData.subscribeAll();
        return;
      case 'resume':
        session.askTime();
        return;
      case 'history':
        gaps.feed({ kind: 'history', available: effect.available });
        return;
      default:
        this.#tell(effect);
    }
  }

  #tell(effect: TellingEffect): void {
    const { recorder, orders, systemMs } = this.#parts;
    const { config, streamer, logger } = this.#options;
    switch (effect.kind) {
      case 'phase':
        logger.info(`Session: ${effect.from} -> ${effect.to}`, { reason: effect.reason });
        recorder.emitNow('session.changed', { from: effect.from, to: effect.to, reason: effect.reason });
        return;
      case 'connected':
        recorder.emitNow('gateway.connected', {
          host: streamer.gateway.host,
          port: streamer.gateway.port,
          clientId: streamer.gateway.clientId,
          serverVersion: effect.serverVersion,
          accounts: [...effect.accounts],
        });
        orders.connected();
        return;
      case 'disconnected':
        logger.warn('The link to the gateway is lost', { code: effect.code, message: effect.message });
        recorder.emitNow('gateway.disconnected', {
          reason: effect.reason,
          code: effect.code,
          message: effect.message,
        });
        return;
      case 'breaker':
        logger.error('Circuit breaker: too many failed connections; trying on once a minute', effect);
        recorder.emitNow('circuit-breaker.triggered', {
          failures: effect.failures,
          lastError: effect.lastError,
          retryEveryMs: config.reconnect.breakerRetryMs,
        });
        return;
      case 'safe-mode-entered':
        logger.error('Safe mode entered', { reason: effect.reason });
        recorder.emitNow('safe-mode.entered', { reason: effect.reason });
        return;
      case 'safe-mode-left':
        logger.info('Safe mode left', { reason: effect.reason });
        recorder.emitNow('safe-mode.left', { reason: effect.reason });
        return;
      case 'login-awaited': {
        const waitingMs = systemMs() - effect.sinceMs;
        logger.error('IB Gateway waits for the weekly two-factor login', {
          since: new Date(effect.sinceMs).toISOString(),
          waitingMinutes: Math.round(waitingMs / 60_000),
        });
        recorder.emitNow('login.awaited', { sinceMs: effect.sinceMs, waitingMs });
        return;
      }
    }
  }
}

/** The effects that are news rather than deeds. */
type TellingEffect = Exclude<
  SessionEffect,
  { kind: 'open' | 'close' | 'ask-time' | 'coverage-lost' | 'subscribe' | 'resume' | 'history' }
>;
