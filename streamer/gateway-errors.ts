import { kindOfStage, portsText } from '../lib/domain/safety/paper-or-live.ts';
import type { ListDesk } from './broker-lists.ts';
import type { GapDriver } from './gap-driver.ts';
import type { History } from './history.ts';
import type { LogGate } from './log-gate.ts';
import type { MarketData } from './market-data.ts';
import type { SessionDriver } from './session-driver.ts';
import { StreamerError } from './streamer-error.ts';
import type { StreamerOptions } from './streamer-options.ts';
import type { TrackerDriver } from './tracker-driver.ts';
import type { WakePlanner } from './wake-planner.ts';
import type { WhatIfDesk } from './what-if-desk.ts';

/**
 * Ids of our requests begin here. IB has one field for the ids of requests and of orders; those of orders grow by one
 * from 1, and never come so far.
 */
export const requestIdsFrom = 1_000_000_000;

/** Above an order's id; 0 where that lies among those of our requests: an error about our order would be lost there. */
export function idAfter(orderId: number): number {
  return orderId < requestIdsFrom - 1 ? orderId + 1 : 0;
}

/** Whom an error or a notice of the gateway can concern. */
export interface GatewayErrorParts {
  readonly session: SessionDriver;
  readonly marketData: MarketData;
  readonly history: History;
  readonly gaps: GapDriver;
  readonly orders: TrackerDriver;
  readonly lists: ListDesk;
  readonly wakes: WakePlanner;
  readonly whatIfs: WhatIfDesk;
  readonly gate: LogGate;
  readonly fatal: (error: StreamerError) => void;
}

/** Takes the gateway's notices and errors to whom they concern. */
export class GatewayErrors {
  readonly #options: StreamerOptions;
  readonly #parts: GatewayErrorParts;

  constructor(options: StreamerOptions, parts: GatewayErrorParts) {
    this.#options = options;
    this.#parts = parts;
  }

  onNotice(code: number, message: string): void {
    const { session, marketData, orders, lists, fatal } = this.#parts;
    const { streamer, logger, waitForGateway } = this.#options;
    if (code === 321 && /read-only/i.test(message)) {
      lists.onReadOnly();
      if (streamer.gateway.readOnlyApi) return;
      fatal(
        new StreamerError(
          'API_READ_ONLY',
          `The gateway's API is read-only (error 321: ${message}). Orders could not be sent or followed. In IB Gateway: Configure, Settings, API, Settings: clear "Read-Only API" (READ_ONLY_API=no for the container), or accept it with gateway.readOnlyApi: true.`,
        ),
      );
      return;
    }
    // What the very first attempt meets is a mistake in the configuration more often than an outage.
    if (code === 502 && !session.state.everReady && !waitForGateway) {
      const { host, port } = streamer.gateway;
      const { stage } = this.#options.config;
      fatal(
        new StreamerError(
          'GATEWAY_REFUSED',
          `The gateway at ${host}:${port} refuses the connection (${message}). Check that IB Gateway or TWS runs there, that its API is enabled (Configure, Settings, API), that the port is right (${portsText(kindOfStage(stage))}), and that ${host} is among its trusted addresses. \`npm run gateway\` starts a simulated one.`,
        ),
      );
      return;
    }
    logger.debug('Notice from the gateway', { code, message });
    // Ticks from before the notice must not be taken for data that came after it.
    marketData.buffer.drain();
    const wasLost = session.state.serverLostSinceMs > 0;
    session.feed({ kind: 'notice', code, message });
    lists.onServers(session.state.serverLostSinceMs === 0);
    // Also where the 1100 before it went to a link that was not up yet: this one had its lists from a gateway without servers.
    const isBack = code === 1101 || code === 1102;
    if (isBack || (wasLost && session.state.serverLostSinceMs === 0)) orders.restored();
  }

  /** An id below those of our requests is an order's, or that of a question about one. */
  onRequestError(id: number, code: number, message: string): void {
    if (id >= requestIdsFrom) {
      this.#onRequest(id, code, message);
      return;
    }
    if (this.#parts.whatIfs.onError(id, code, message)) return;
    const { gate } = this.#parts;
    const { clientId } = this.#options.streamer.gateway;
    gate.log('warn', `order ${code}`, 'Error about an order', { clientId, orderId: id, code, message });
    this.#parts.orders.fact({ kind: 'order-error', orderId: id, clientId, code, message });
  }

  #onRequest(reqId: number, code: number, message: string): void {
    const { session, marketData, history, gaps, lists, wakes, gate } = this.#parts;
    const outcome = history.onError(reqId, code, message);
    if (outcome) {
      gate.log('warn', `history ${code}`, 'History was refused', { code, message });
      gaps.feed(outcome);
    } else if (!lists.onRequestError(reqId) && !marketData.onRequestError(reqId, code, message)) {
      gate.log('warn', `request ${code}`, 'Error from the gateway', { reqId, code, message });
    }
    // A competing session is told on each line, but it concerns the whole session.
    if (code === 10197) {
      marketData.buffer.drain();
      session.feed({ kind: 'notice', code, message });
    }
    wakes.plan();
  }
}
