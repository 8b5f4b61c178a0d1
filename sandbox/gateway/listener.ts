/** The gateway's port: opened, closed and opened again by the restart fault. */
import { createServer, type Server, type Socket } from 'node:net';

/** The gateway cannot run: what happened and what to do. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code = 'GATEWAY_LISTEN';
}

/** Why a port could not be opened, and what to do. */
export function cannotListen(
  what: string,
  host: string,
  port: number,
  problem: NodeJS.ErrnoException,
): string {
  switch (problem.code) {
    case 'EADDRINUSE':
      return `${what} ${port} on ${host} is in use. Stop the program that holds it, or choose another port (0 takes a free one).`;
    case 'EACCES':
      return `${what} ${port} on ${host} needs more rights. Choose a port above 1023.`;
    default:
      return `${what} ${port} on ${host} cannot be opened (${problem.message}). Check the address.`;
  }
}

export class Listener {
  readonly host: string;
  readonly #onSocket: (socket: Socket) => void;
  #server: Server | undefined;
  #port = 0;
  #retired = false;

  constructor(host: string, onSocket: (socket: Socket) => void) {
    this.host = host;
    this.#onSocket = onSocket;
  }

  get port(): number {
    return this.#port;
  }

  /** Opens the port; 0 takes a free one. Throws `GatewayError`. */
  open(port: number): Promise<void> {
    const server = createServer((socket) => this.#onSocket(socket));
    return new Promise((resolve, reject) => {
      server.once('error', (problem: NodeJS.ErrnoException) => {
        reject(new GatewayError(cannotListen('Port', this.host, port, problem), { cause: problem }));
      });
      server.listen(port, this.host, () => {
        this.#server = server;
        this.#port = (server.address() as { port: number }).port;
        if (this.#retired) this.close();
        resolve();
      });
    });
  }

  /**
   * Refuses connections from now on. The port is free at once; the server's own callback is not waited for, because
   * it comes only when every half-open peer is gone too, which may be never.
   */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Closes for good, also when an `open` is on its way. */
  retire(): void {
    this.#retired = true;
    this.close();
  }
}
