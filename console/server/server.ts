/** The console's HTTP server: the page's files, a stream of what changes, questions, actions. Loopback only. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import * as z from 'zod';
import type { Hello, Message, Reply } from '../wire/messages.ts';
import type { BrokerShown } from '../wire/shapes.ts';
import { actionSchema, answer, perform, questionSchema, workOf } from './actions.ts';
import { Bars } from './bars.ts';
import type { PageFile } from './bundle.ts';
import type { Answer, CommandRunner } from './commands.ts';
import { type Refusal, refusalOf, safeHeaders } from './guard.ts';
import { Hub } from './hub.ts';
import { Onces } from './once.ts';
import { topicOf } from './topics.ts';

const bodyMax = 16_384;
const topicsMax = 20;
const streamsMax = 20;
/** A page that does not take what it is told is let go: it comes back and is told the whole. */
const unsentMax = 64 * 1024 * 1024;

export interface ConsoleOptions {
  readonly port: number;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly run: CommandRunner;
  readonly broker: () => Promise<BrokerShown | null>;
  /** Changes whenever the book does: its audit chains. */
  readonly fingerprint: () => Promise<string>;
  readonly about: Omit<Hello, 't' | 'nowMs'>;
  readonly nowMs: () => number;
}

export interface ConsoleServer {
  /** With the token of this start behind the `#`, which a browser never sends on. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

/** @throws NodeJS.ErrnoException EADDRINUSE, EACCES */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const token = randomBytes(32).toString('base64url');
  const { run, broker, fingerprint, nowMs } = options;
  const bars = new Bars(run, nowMs);
  const hub = new Hub({ topicOf: (name) => topicOf(name, { run, bars, broker }), fingerprint, nowMs });
  const desk = new Desk(options, hub);
  let port = options.port;
  const server = createServer((request, response) => {
    void desk.serve(request, response, { port, token }).catch((error: unknown) => {
      // A mistake of ours: the page is told, and the console goes on.
      if (response.headersSent) response.destroy();
      else reply(response, 500, { ok: false, code: 'CONSOLE_FAULT', message: String(error) });
    });
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await Promise.race([
    once(server, 'listening'),
    once(server, 'error').then(([error]) => Promise.reject(error as Error)),
  ]);
  port = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}/#token=${token}`,
    port,
    token,
    close: () => closeAll(server, sockets, hub),
  };
}

async function closeAll(server: Server, sockets: ReadonlySet<Socket>, hub: Hub): Promise<void> {
  hub.close();
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}

class Desk {
  readonly #options: ConsoleOptions;
  readonly #hub: Hub;
  readonly #onces: Onces;
  readonly #underWay = new Set<string>();
  #streams = 0;

  constructor(options: ConsoleOptions, hub: Hub) {
    this.#options = options;
    this.#hub = hub;
    this.#onces = new Onces(options.nowMs);
  }

  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    rules: { readonly port: number; readonly token: string },
  ): Promise<void> {
    for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
    const { method = '', url = '/', headers } = request;
    const path = url.split('?')[0] ?? '/';
    const refusal = refusalOf({ method, path, headers }, rules);
    if (refusal !== undefined) return refuse(response, refusal);
    if (method === 'GET') return this.#file(path, request, response);
    const body = await readJson(request);
    if (body === undefined)
      return refuse(response, {
        status: 400,
        code: 'BODY_INVALID',
        message: 'That is no JSON of this page.',
      });
    switch (path) {
      case '/api/stream':
        return this.#stream(body, response);
      case '/api/once':
        return reply(response, 200, { ok: true, result: this.#onces.issue() });
      case '/api/ask':
        return this.#ask(body, response);
      case '/api/do':
        return this.#do(body, response);
      default:
        return refuse(response, { status: 404, code: 'PATH_UNKNOWN', message: `There is no ${path}.` });
    }
  }

  #file(path: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const found = this.#options.files.get(path);
    if (found === undefined) {
      refuse(response, { status: 404, code: 'PATH_UNKNOWN', message: `There is no ${path}.` });
      return;
    }
    const isGzip = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
    response.writeHead(200, {
      'content-type': found.type,
      vary: 'accept-encoding',
      ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(isGzip ? found.gzip : found.body);
  }

  #stream(body: unknown, response: ServerResponse): void {
    const asked = z.object({ topics: z.array(z.string().max(40)).max(topicsMax) }).safeParse(body);
    if (!asked.success) {
      refuse(response, { status: 400, code: 'BODY_INVALID', message: 'That is no list of topics.' });
      return;
    }
    if (this.#streams >= streamsMax) {
      refuse(response, {
        status: 409,
        code: 'STREAMS_TOO_MANY',
        message: 'Too many pages are open: close one.',
      });
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    const send = (message: Message) => {
      if (response.writableLength > unsentMax) response.destroy();
      else response.write(`data: ${JSON.stringify(message)}\n\n`);
    };
    this.#streams += 1;
    send({ t: 'hello', ...this.#options.about, nowMs: this.#options.nowMs() });
    const leave = this.#hub.follow({ topics: new Set(asked.data.topics), send });
    response.once('close', () => {
      this.#streams -= 1;
      leave();
    });
  }

  async #ask(body: unknown, response: ServerResponse): Promise<void> {
    const question = questionSchema.safeParse(body);
    if (!question.success)
      return refuse(response, {
        status: 400,
        code: 'BODY_INVALID',
        message: z.prettifyError(question.error),
      });
    reply(response, 200, replyOf(await answer(question.data, this.#options.run)));
  }

  async #do(body: unknown, response: ServerResponse): Promise<void> {
    const { once: number, ...rest } = body as { readonly once?: unknown };
    const action = actionSchema.safeParse(rest);
    if (!action.success)
      return refuse(response, { status: 400, code: 'BODY_INVALID', message: z.prettifyError(action.error) });
    if (!this.#onces.use(number))
      return refuse(response, {
        status: 409,
        code: 'REPLAYED',
        message: 'This was sent before, or its dialog is too old; nothing was done. Open it again.',
      });
    const work = workOf(action.data);
    if (this.#underWay.has(work))
      return refuse(response, {
        status: 409,
        code: 'UNDER_WAY',
        message: 'The same is being done just now; nothing more was done. Wait for its end.',
      });
    this.#underWay.add(work);
    try {
      reply(response, 200, replyOf(await perform(action.data, this.#options.run)));
    } finally {
      this.#underWay.delete(work);
      this.#hub.look(true);
    }
  }
}

function replyOf(answered: Answer): Reply {
  if (answered.ok) return { ok: true, result: answered.result };
  return { ok: false, code: answered.code, message: answered.message };
}

/** The body as JSON; undefined where it is none, or too long. */
async function readJson(request: IncomingMessage): Promise<object | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > bodyMax) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  reply(response, status, { ok: false, code, message });
}

function reply(response: ServerResponse, status: number, body: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
