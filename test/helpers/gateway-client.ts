/** Clients of the simulated gateway for tests: one with @stoqey/ib, one on the bare socket. */
import { connect, type Socket } from 'node:net';
import { type Contract, EventName, IBApi } from '@stoqey/ib';

interface Seen {
  readonly event: string;
  readonly args: unknown[];
}

/** Waits until `probe` gives something, looking whenever `wake` is called; says `what` when it never does. */
class Waiter {
  readonly #waiting = new Set<() => void>();

  wake(): void {
    for (const look of this.#waiting) look();
  }

  until<T>(what: string, probe: () => T | undefined | false, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited ${timeoutMs} ms for ${what}`));
      }, timeoutMs);
      const look = () => {
        const value = probe();
        if (value === undefined || value === false) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(value);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** An IBApi whose every event is kept in order. */
export class IbClient {
  readonly ib: IBApi;
  readonly seen: Seen[] = [];
  readonly #byEvent = new Map<string, unknown[][]>();
  readonly #rtVolumes = new Map<unknown, string[]>();
  readonly #waiter = new Waiter();

  constructor(port: number) {
    this.ib = new IBApi({ host: '127.0.0.1', port, clientId: 0, maxReqPerSec: 40 });
    // 'all' leaves out nothing but is not an error listener; without one an error event would throw.
    this.ib.on(EventName.error, () => undefined);
    this.ib.on(EventName.all, (event, args) => {
      this.#keep(String(event), args ?? []);
      this.#waiter.wake();
    });
  }

  /** Connects and waits for the next valid id. */
  async connect(clientId: number): Promise<this> {
    this.ib.connect(clientId);
    await this.next('nextValidId');
    return this;
  }

  /** Arguments of the events of a name, oldest first. */
  all(event: string): unknown[][] {
    return this.#byEvent.get(event) ?? [];
  }

  /** Codes of all errors and notices so far. */
  get codes(): number[] {
    return this.seen
      .filter(({ event }) => event === 'error' || event === 'info')
      .map(({ args }) => args[1] as number);
  }

  /** The first event of a name that fits, among those seen and to come. */
  next(
    event: string,
    fits: (args: unknown[]) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<unknown[]> {
    return this.#waiter.until(event, () => this.all(event).find(fits), timeoutMs);
  }

  /** The first error or notice of a code; its text, and the request it belongs to. */
  async code(code: number, times = 1): Promise<{ text: string; id: number }> {
    const [what, , id] = await this.#waiter.until(
      `${times} of code ${code}`,
      () =>
        this.seen
          .filter(({ event, args }) => (event === 'error' || event === 'info') && args[1] === code)
          .map(({ args }) => args)[times - 1],
      10_000,
    );
    return { text: what instanceof Error ? what.message : String(what), id: Number(id ?? -1) };
  }

  until<T>(what: string, probe: () => T | undefined | false, timeoutMs = 10_000): Promise<T> {
    return this.#waiter.until(what, probe, timeoutMs);
  }

  /** RTVolume texts of a ticker, oldest first. */
  rtVolumes(id: number): string[] {
    return this.#rtVolumes.get(id) ?? [];
  }

  #keep(event: string, args: unknown[]): void {
    this.seen.push({ event, args });
    push(this.#byEvent, event, args);
    if (event === 'tickString' && args[1] === 48) push(this.#rtVolumes, args[0], String(args[2]));
  }

  disconnect(): void {
    this.ib.removeAllListeners();
    this.ib.on(EventName.error, () => undefined);
    this.ib.disconnect();
  }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** A contract by its number alone, as a resubscribing client asks for it. */
export const byConId = (conId: number): Contract => ({ conId, exchange: 'SMART' });

/** A client that writes bytes and reads fields. */
export class RawClient {
  readonly socket: Socket;
  readonly frames: string[][] = [];
  closed = false;
  bytes = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #waiter = new Waiter();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#waiter.wake();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Opens, says hello with a range of versions, and starts the API. */
  static async start(port: number, versions: string, clientId: number): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.hello(versions);
    await client.frame((fields) => fields.length === 2);
    client.send(71, 2, clientId, '');
    await client.frame((fields) => fields[0] === '9');
    return client;
  }

  hello(versions: string): void {
    const head = Buffer.from('API\0\0\0\0\0', 'latin1');
    head.writeUInt32BE(versions.length, 4);
    this.socket.write(Buffer.concat([head, Buffer.from(versions)]));
  }

  send(...fields: (string | number)[]): void {
    const body = Buffer.from(`${fields.join('\0')}\0`);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    this.socket.write(Buffer.concat([head, body]));
  }

  frame(fits: (fields: string[]) => boolean, timeoutMs = 10_000): Promise<string[]> {
    return this.#waiter.until('a frame', () => this.frames.find(fits), timeoutMs);
  }

  /** Waits for the end of the connection. */
  async end(timeoutMs = 10_000): Promise<void> {
    await this.#waiter.until('the end of the connection', () => this.closed, timeoutMs);
  }

  #read(chunk: Buffer): void {
    this.bytes += chunk.length;
    let data = Buffer.concat([this.#rest, chunk]);
    while (data.length >= 4 && data.length >= 4 + data.readUInt32BE(0)) {
      const end = 4 + data.readUInt32BE(0);
      this.frames.push(data.toString('utf8', 4, end - 1).split('\0'));
      data = data.subarray(end);
    }
    this.#rest = data;
    this.#waiter.wake();
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
