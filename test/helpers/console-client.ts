/** Speaks with a console as a page does, or as somebody else would. */
import { request } from 'node:http';
import type { ConsoleServer } from '../../console/server/server.ts';
import type { Message, Reply } from '../../console/wire/messages.ts';
import { withChange } from '../../console/wire/rows.ts';

export interface Answered {
  readonly status: number;
  readonly body: Reply;
}

type Headers = Readonly<Record<string, string | undefined>>;

function headersOf({ port, token }: ConsoleServer, headers: Headers): Record<string, string> {
  const own = {
    host: `127.0.0.1:${port}`,
    origin: `http://127.0.0.1:${port}`,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    ...headers,
  };
  return Object.fromEntries(
    Object.entries(own).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** One request; headers that are undefined are left out. */
export function post(
  console: ConsoleServer,
  path: string,
  body: unknown,
  headers: Headers = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port: console.port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers: headersOf(console, headers),
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Reply }),
      );
    });
    asked.end(JSON.stringify(body));
  });
}

/** What the page knows after following topics: heads and rows, put together from what was told. */
export class Follower {
  readonly heads = new Map<string, unknown>();
  readonly rows = new Map<string, ReadonlyMap<string, unknown>>();
  readonly faults = new Map<string, string>();
  /** Messages of each kind, and topic where it has one. */
  readonly told: string[] = [];
  readonly #asked: ReturnType<typeof request>;

  constructor(console: ConsoleServer, topics: readonly string[]) {
    this.#asked = request({
      port: console.port,
      host: '127.0.0.1',
      path: '/api/stream',
      method: 'POST',
      headers: headersOf(console, {}),
    });
    this.#asked.on('error', () => undefined);
    this.#asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('error', () => undefined);
      response.on('data', (part: string) => {
        text += part;
        const whole = text.split('\n\n');
        text = whole.pop() ?? '';
        for (const each of whole) this.#take(JSON.parse(each.slice('data: '.length)) as Message);
      });
    });
    this.#asked.end(JSON.stringify({ topics }));
  }

  stop(): void {
    this.#asked.destroy();
  }

  #take(message: Message): void {
    this.told.push('topic' in message ? `${message.t} ${message.topic}` : message.t);
    if (message.t === 'fault') this.faults.set(message.topic, message.code);
    if (message.t !== 'whole' && message.t !== 'change') return;
    this.heads.set(message.topic, message.head);
    const before = this.rows.get(message.topic) ?? new Map<string, unknown>();
    const after = message.t === 'whole' ? new Map(message.rows ?? []) : withChange(before, message);
    this.rows.set(message.topic, after);
  }
}
