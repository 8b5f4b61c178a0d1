import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';
import type { Streamer } from './streamer.ts';
import { StreamerError } from './streamer-error.ts';

/**
 * The streamer's own pages, on loopback: /livez (the process turns), /readyz (the session is up and every feed is
 * complete), /metrics (Prometheus) and /stats (everything, as JSON).
 */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveHealth(
  streamer: Streamer,
  metrics: Metrics,
  address: { readonly host: string; readonly port: number },
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(streamer, metrics, request, response).catch((error: unknown) => {
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
  streamer: Streamer,
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET') return send(response, 405, 'text/plain', 'Only GET is answered here.\n');
  switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
    case '/livez':
      return send(response, 200, 'text/plain', 'alive\n');
    case '/readyz': {
      const { session, marketData } = streamer.stats();
      const body = {
        ready: streamer.ready,
        session: session.phase,
        feeds: marketData.lines.map((line) => ({ symbol: line.symbol, feed: line.feed })),
      };
      return send(response, body.ready ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
    }
    case '/metrics':
      return send(response, 200, metrics.contentType, await metrics.text());
    case '/stats':
      return send(response, 200, 'application/json', `${JSON.stringify(streamer.stats())}\n`);
    default:
      return send(response, 404, 'text/plain', 'There are /livez, /readyz, /metrics and /stats.\n');
  }
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
