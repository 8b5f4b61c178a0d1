import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventDelivery } from './event-delivery.ts';
import type { LeaseStats } from './lease-keeper.ts';
import type { Metrics } from './metrics.ts';
import type { Streamer } from './streamer.ts';
import { StreamerError } from './streamer-error.ts';

/**
 * The streamer's own pages, on loopback: /livez (the process turns), /healthz (it holds the lease: the gateway may
 * start), /readyz (the session is up and every feed is complete), /metrics (Prometheus) and /stats (everything, as
 * JSON). They answer while it waits for the lease too; then /healthz, /readyz and /stats say so with 503.
 */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** What the pages are about. */
export interface HealthSource {
  /** Undefined while another one holds the lease. */
  streamer(): Pick<Streamer, 'ready' | 'stats'> | undefined;
  lease(): LeaseStats;
  /** What waits to be sent, which goes on without a lease. */
  readonly delivery: Pick<EventDelivery, 'stats'>;
}

export async function serveHealth(
  source: HealthSource,
  metrics: Metrics,
  address: { readonly host: string; readonly port: number },
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(source, metrics, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${String(error)}\n`);
    });
  });
  await listen(server, address);
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  source: HealthSource,
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET') return send(response, 405, 'text/plain', 'Only GET is answered here.\n');
  const streamer = source.streamer();
  switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
    case '/livez':
      return send(response, 200, 'text/plain', 'alive\n');
    case '/healthz': {
      const lease = source.lease();
      const healthy = streamer !== undefined && lease.held;
      return sendJson(response, healthy, { healthy, lease });
    }
    case '/readyz':
      return sendJson(response, streamer?.ready === true, readiness(streamer));
    case '/metrics':
      return send(response, 200, metrics.contentType, await metrics.text());
    case '/stats': {
      const lease = source.lease();
      if (streamer !== undefined) return sendJson(response, true, { ...streamer.stats(), lease });
      return sendJson(response, false, { waiting: true, lease, delivery: source.delivery.stats() });
    }
    default:
      return send(response, 404, 'text/plain', 'There are /livez, /healthz, /readyz, /metrics and /stats.\n');
  }
}

function readiness(streamer: ReturnType<HealthSource['streamer']>): object {
  if (streamer === undefined) return { ready: false, session: 'waiting-for-lease', feeds: [] };
  const { session, marketData } = streamer.stats();
  const feeds = marketData.lines.map((line) => ({ symbol: line.symbol, feed: line.feed }));
  return { ready: streamer.ready, session: session.phase, feeds };
}

function sendJson(response: ServerResponse, fine: boolean, body: object): void {
  send(response, fine ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StreamerError(
              'HEALTH_PORT_IN_USE',
              `Port ${address.port} on ${address.host}, for /livez and /metrics, is in use. Stop the process that holds it, or set streamers[].health.port to another one (0 takes any free port).`,
              { cause: error },
            )
          : error,
      );
    });
    server.listen(address.port, address.host, () => resolve());
  });
}
