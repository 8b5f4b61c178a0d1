/**
 * A gateway on the bare socket, with bytes of its own: nothing here comes from the streamer or from the simulated
 * gateway. It behaves until a test says otherwise, and then it does whatever the test wants.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { account, brokerSeconds, sample } from './hostile-samples.ts';

export type Fields = readonly (string | number)[];

/** A length, then fields that each end with NUL. */
export function frame(fields: Fields): Buffer {
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''));
  return Buffer.concat([lengthOf(body.length), body]);
}

export function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes);
  return length;
}

/** How one connection is treated. */
export interface Manners {
  /** In place of `193` and a time; nothing is said where it is null. */
  readonly greeting?: Fields | Buffer | null;
  readonly nextValidId?: string | number;
  readonly accounts?: string;
  /** Once the client has asked for the time the first time: the session is up. */
  readonly attack?: (visit: Visit) => void;
  /** Before anything of the handshake is answered. */
  readonly onHello?: (visit: Visit) => void;
  /** Rows of the list of positions. */
  readonly positions?: readonly Fields[];
  /** False: questions for the time are left unanswered. */
  readonly answersTime?: boolean;
}

/** One connection of a client. */
export class Visit {
  readonly socket: Socket;
  /** What the client has sent, without its hello. */
  readonly requests: string[][] = [];
  readonly #manners: Manners;
  #rest = Buffer.alloc(0);
  #greeted = false;
  #attacked = false;

  constructor(socket: Socket, manners: Manners) {
    this.socket = socket;
    this.#manners = manners;
    // The client may go away in the middle of anything.
    socket.on('error', () => undefined);
    socket.on('data', (data) => this.#take(data));
  }

  tell(...fields: Fields): void {
    this.bytes(frame(fields));
  }

  bytes(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Ids of the requests of a kind, by IB's number. */
  ids(kind: '1' | '9' | '7' | '20'): string[] {
    const at = kind === '20' ? 1 : 2;
    return this.requests.filter(([id]) => id === kind).map((fields) => fields[at]!);
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    if (!this.#greeted) {
      // "API", NUL, a length and the versions.
      if (this.#rest.length < 8 || this.#rest.length < 8 + this.#rest.readInt32BE(4)) return;
      this.#rest = this.#rest.subarray(8 + this.#rest.readInt32BE(4));
      this.#greeted = true;
      this.#manners.onHello?.(this);
      const { greeting = ['193', '20260106 10:00:00 EST'] } = this.#manners;
      if (Buffer.isBuffer(greeting)) this.bytes(greeting);
      else if (greeting !== null) this.tell(...greeting);
    }
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readInt32BE(0)) {
      const end = 4 + this.#rest.readInt32BE(0);
      const fields = this.#rest.toString('utf8', 4, end - 1).split('\0');
      this.#rest = this.#rest.subarray(end);
      this.requests.push(fields);
      this.#answer(fields);
    }
  }

  #answer([kind, second = '', third = '', fourth = '']: readonly string[]): void {
    const { nextValidId = 7, accounts = account, attack, answersTime = true } = this.#manners;
    switch (kind) {
      case '71':
        this.tell(15, 1, accounts);
        this.tell(9, 1, nextValidId);
        return;
      case '49':
        if (answersTime) this.tell(49, 1, brokerSeconds);
        if (this.#attacked) return;
        this.#attacked = true;
        attack?.(this);
        return;
      case '9':
        this.tell(...sample('contractDetails', third));
        this.tell(52, 1, third);
        return;
      case '1':
        this.tell(58, 1, third, 1);
        this.tell(...sample('tickReqParams', third));
        return;
      case '16':
        this.tell(53, 1);
        return;
      case '7':
        this.tell(55, 1, third);
        return;
      case '61':
        for (const row of this.#manners.positions ?? []) this.tell(...row);
        this.tell(62, 1);
        return;
      case '6':
        if (third === '1') this.tell(54, 1, fourth);
        return;
      case '99':
        this.tell(102);
        return;
      case '20':
        this.tell(17, second, '', '', 0);
        return;
      default:
    }
  }
}

export class HostileGateway {
  readonly port: number;
  readonly visits: Visit[] = [];
  /** For connections that come from now on. */
  manners: Manners = {};
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => void this.visits.push(new Visit(socket, this.manners)));
  }

  static async start(manners: Manners = {}, port = 0): Promise<HostileGateway> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const gateway = new HostileGateway(server);
    gateway.manners = manners;
    return gateway;
  }

  stop(): void {
    for (const { socket } of this.visits) socket.destroy();
    this.#server.close();
  }
}
