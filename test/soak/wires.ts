/** What is under way on this process's sockets: bytes to and from the gateway, and HTTP requests without their answer. */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { real } from './virtual-clock.ts';

/** Bytes of one connection, by the client's port. */
export interface WireCount {
  readonly port: number;
  readonly read: number;
  readonly written: number;
}

/** The sockets of one end of the gateway's port. */
export class Wires {
  readonly #sockets = new Map<number, Socket>();
  #connecting = 0;

  /** The end that connects, to whatever port `isGateway` knows. */
  watchClient(isGateway: (port: number) => boolean): void {
    subscribe('net.client.socket', (message) => {
      const { socket } = message as { socket: Socket };
      this.#connecting += 1;
      const settled = () => {
        this.#connecting -= 1;
        if (socket.remotePort === undefined || !isGateway(socket.remotePort)) return;
        if (socket.localPort !== undefined) this.#add(socket.localPort, socket);
      };
      let told = false;
      const once = () => {
        if (!told) settled();
        told = true;
      };
      socket.once('connect', once).once('error', once).once('close', once);
    });
  }

  /** The end that listens on `port()`. */
  watchServer(port: () => number): void {
    subscribe('net.server.socket', (message) => {
      const { socket } = message as { socket: Socket };
      if (socket.localPort === port() && socket.remotePort !== undefined)
        this.#add(socket.remotePort, socket);
    });
  }

  /** Connections that are still being made. */
  get connecting(): number {
    return this.#connecting;
  }

  counts(): WireCount[] {
    return [...this.#sockets]
      .filter(([, socket]) => !socket.destroyed && !socket.writableEnded)
      .map(([port, { bytesRead, bytesWritten }]) => ({ port, read: bytesRead, written: bytesWritten }));
  }

  #add(port: number, socket: Socket): void {
    this.#sockets.set(port, socket);
    socket.once('close', () => {
      if (this.#sockets.get(port) === socket) this.#sockets.delete(port);
    });
  }
}

/** Of the connections that both ends have, whether `reader` has read all that `writer` wrote. */
export function hasRead(reader: readonly WireCount[], writer: readonly WireCount[]): boolean {
  return reader.every(({ port, read }) => {
    const other = writer.find((each) => each.port === port);
    return other === undefined || read >= other.written;
  });
}

/** Requests by HTTP that are not answered yet. A long poll waits for simulated time, so nobody waits for it. */
export class Requests {
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  watch(isLongPoll: (request: ClientRequest) => boolean): void {
    const open = new WeakSet<ClientRequest>();
    const end = (request: ClientRequest) => {
      if (!open.delete(request)) return;
      this.#open -= 1;
      if (this.#open === 0) for (const wake of this.#waiting.splice(0)) wake();
    };
    subscribe('http.client.request.start', (message) => {
      const { request } = message as { request: ClientRequest };
      if (isLongPoll(request)) return;
      open.add(request);
      this.#open += 1;
      request.once('close', () => end(request));
    });
    subscribe('http.client.response.finish', (message) => {
      const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
      response.once('close', () => end(request));
    });
  }

  get open(): number {
    return this.#open;
  }

  /** Waits until all are answered and what follows from the answers has begun. */
  async settled(): Promise<void> {
    while (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      // The answer is parsed, and what waited for it asks its next question.
      await real.turn();
      await real.turn();
    }
  }
}
