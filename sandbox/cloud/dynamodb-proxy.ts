import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { ServiceError } from './aws-errors.ts';

/** Headers that belong to one connection, and those that Node sets itself. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'host',
  'expect',
  'content-length',
]);

/** Hands requests to the DynamoDB engine over kept connections. This is the hot path. */
export class DynamoDbProxy {
  readonly #host: string;
  readonly #port: number;
  readonly #path: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(endpoint: string) {
    const url = new URL(endpoint);
    if (url.protocol !== 'http:')
      throw new TypeError(`the DynamoDB engine must be reached by http: ${endpoint}`);
    this.#host = url.hostname;
    this.#port = Number(url.port === '' ? 80 : url.port);
    this.#path = url.pathname;
  }

  /** Sends the request's body on and answers with what the engine answers; with `discard` the answer is dropped. */
  async forward(
    incoming: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    discard: boolean,
  ): Promise<void> {
    const answer = await this.#send(forwardedHeaders(incoming.headers, body.length), body);
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    if (discard) return;
    const content = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    const headers = { ...answer.headers, 'content-length': content.length };
    for (const name of ['connection', 'keep-alive', 'transfer-encoding'])
      Reflect.deleteProperty(headers, name);
    response.writeHead(answer.statusCode ?? 500, headers);
    response.end(content);
  }

  stop(): void {
    this.#agent.destroy();
  }

  async #send(headers: Record<string, string | string[]>, body: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: this.#host, port: this.#port, path: this.#path, method: 'POST', headers, agent: this.#agent },
        resolve,
      );
      outgoing.once('error', (error) => {
        reject(
          new ServiceError(
            'InternalServerError',
            `The DynamoDB engine does not answer: ${error.message}`,
            500,
          ),
        );
      });
      outgoing.end(body);
    });
  }
}

function forwardedHeaders(headers: IncomingHttpHeaders, length: number): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = { 'content-length': String(length) };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_FORWARDED.has(name)) forwarded[name] = value;
  }
  return forwarded;
}
