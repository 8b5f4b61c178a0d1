import { Socket } from 'node:net';
import type { IBApi } from '@stoqey/ib';
import { StreamerError } from './streamer-error.ts';

type Done = (error?: Error | null) => void;

/**
 * Fences the socket of an instance of @stoqey/ib that has begun to connect. `mayWrite` is asked where the stream hands
 * bytes to the operating system, so that neither what waits in the library's rate limiter nor what waits in the
 * stream's own buffer gets past it. Where it says no, nothing is written, the socket is destroyed and `refused` is told.
 *
 * @throws StreamerError when the socket is not where version 1.6 of the library has it
 */
export function guardSocket(api: IBApi, mayWrite: () => boolean, refused: () => void): void {
  const { controller } = api as unknown as { controller?: { socket?: { client?: unknown } } };
  const socket = controller?.socket?.client;
  if (!(socket instanceof Socket) || socket._writev === undefined || socket._writev === null) {
    api.removeAllListeners();
    api.disconnect();
    throw new StreamerError(
      'SOCKET_NOT_FENCED',
      'The socket of @stoqey/ib is not where it was in the version that is pinned, so writes to the gateway cannot be fenced by the lease. Nothing is sent. Install the version of package-lock.json (npm ci).',
    );
  }
  const refuse = (): void => {
    socket.destroy();
    refused();
  };
  const write = socket._write.bind(socket);
  const writeMany = socket._writev.bind(socket);
  socket._write = (chunk: unknown, encoding: BufferEncoding, done: Done) => {
    if (mayWrite()) write(chunk, encoding, done);
    else refuse();
  };
  socket._writev = (chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done) => {
    if (mayWrite()) writeMany(chunks, done);
    else refuse();
  };
}
