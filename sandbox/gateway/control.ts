/** The control port: HTTP on the loopback, to look at a running gateway and to switch faults. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { BrokerRecord } from './broker/record.ts';
import { cannotListen, GatewayError } from './listener.ts';
import { faultTypes, ScriptError } from './script.ts';
import type { GatewayStatus } from './status.ts';
import { TradeError } from './trade.ts';

export interface ControlTarget {
  readonly status: () => GatewayStatus;
  /** Throws `ScriptError` when the input is no fault. */
  readonly fault: (input: unknown) => void;
  /** Throws `TradeError` when it cannot be done. */
  readonly trade: (input: unknown) => { permId: number };
  readonly broker: () => BrokerRecord;
}

const host = '127.0.0.1';
const bodyBytesMax = 65_536;

export async function startControl(
  port: number,
  target: ControlTarget,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    handle(request, response, target).catch((problem: unknown) => {
      reply(response, 500, { error: problem instanceof Error ? problem.message : String(problem) });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (problem: NodeJS.ErrnoException) => {
      reject(new GatewayError(cannotListen('Control port', host, port, problem), { cause: problem }));
    });
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  target: ControlTarget,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (request.method === 'GET' && path === '/status') return reply(response, 200, target.status());
  if (request.method === 'GET' && path === '/broker') return reply(response, 200, target.broker());
  if (request.method === 'POST' && (path === '/fault' || path === '/trade')) {
    const body = await readBody(request);
    if (body === undefined)
      return reply(response, 413, { error: `The body is larger than ${bodyBytesMax} bytes.` });
    try {
      if (path === '/trade') return reply(response, 200, target.trade(JSON.parse(body)));
      target.fault(JSON.parse(body));
    } catch (problem) {
      if (problem instanceof TradeError || (path === '/trade' && problem instanceof SyntaxError))
        return reply(response, 400, { error: problem.message });
      if (!(problem instanceof SyntaxError) && !(problem instanceof ScriptError)) throw problem;
      return reply(response, 400, { error: problem.message, allowed: faultTypes });
    }
    return reply(response, 200, { applied: true });
  }
  reply(response, 404, { error: 'There are GET /status, GET /broker, POST /fault and POST /trade.' });
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
