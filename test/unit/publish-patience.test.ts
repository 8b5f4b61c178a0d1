/** A service that takes a request and never answers it: nobody who carries events out waits for it for ever. */
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createBookQueue } from '../../lib/aws/book-queue.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';

const sockets: Socket[] = [];
let server: Server;
let endpoint = '';

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

it.each([
  ['the queue of the book', () => createBookQueue(`${endpoint}/000000000000/book.fifo`)],
  ['the bus', () => createEventBridgePublisher('evenkeel')],
] as const)('%s is given up, and the events are tried again', async (_what, open) => {
  const publisher: EventPublisher = open();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const event = {
    id: 'main:1:1',
    type: 'order.placed',
    account: 'DU1',
    occurredAt: '2026-01-05T15:00:00.000Z',
  };
  let results: readonly { readonly ok: boolean }[] | undefined;
  void publisher.publish([event as never]).then((answer) => {
    results = answer;
  });
  // A minute of the services' silence; the SDK tries three times in it.
  for (let seconds = 0; results === undefined && seconds < 60; seconds += 1) {
    for (let turns = 0; turns < 20; turns += 1) await turn();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(results).toMatchObject([{ ok: false }]);
  expect(sockets.length).toBeGreaterThan(0);
});
