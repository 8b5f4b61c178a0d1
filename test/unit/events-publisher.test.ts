import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import {
  EventBridgeClient,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventBridgePublisher, PublishBatchError } from '../../lib/aws/event-publisher.ts';
import type { OutgoingEvent } from '../../lib/ports/event-publisher.ts';
import { readExample } from '../helpers/render-event-docs.ts';

/** An EventBridge on the wire: what each request held, and what it is answered. */
let requests: PutEventsRequestEntry[][];
let answer: (entry: PutEventsRequestEntry, index: number) => PutEventsResultEntry;
let status: number;
let server: Server;
let publisher: EventBridgePublisher;
let client: EventBridgeClient;

beforeEach(async () => {
  requests = [];
  answer = (_, index) => ({ EventId: `event-${index}` });
  status = 200;
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const { Entries } = JSON.parse(body) as { Entries: PutEventsRequestEntry[] };
      requests.push(Entries);
      const entries = Entries.map(answer);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(
        JSON.stringify(
          status === 200
            ? {
                FailedEntryCount: entries.filter((entry) => entry.ErrorCode !== undefined).length,
                Entries: entries,
              }
            : { __type: 'AccessDeniedException', message: 'not allowed' },
        ),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  client = new EventBridgeClient({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  publisher = new EventBridgePublisher({ client, eventBusName: 'evenkeel-test' });
});

afterEach(async () => {
  client.destroy();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

const event = (id: string, bytes = 0): OutgoingEvent & { data: string } => ({
  id,
  type: 'candle.completed',
  data: 'x'.repeat(bytes),
});
const kib = 1024;

describe('EventBridgePublisher', () => {
  it('sends source, detail type, bus and the whole envelope as detail', async () => {
    const envelope = readExample('candle.completed') as OutgoingEvent;
    expect(await publisher.publish([envelope])).toEqual([{ ok: true }]);
    expect(requests).toHaveLength(1);
    const [entry] = requests[0] ?? [];
    expect({ ...entry, Detail: JSON.parse(entry?.Detail ?? '') }).toEqual({
      Source: 'evenkeel.streamer',
      DetailType: 'candle.completed',
      EventBusName: 'evenkeel-test',
      Detail: envelope,
    });
  });

  it('gives partial failures back at their index', async () => {
    answer = (entry, index) =>
      index % 3 === 1
        ? { ErrorCode: 'ThrottlingException', ErrorMessage: `slow down ${entry.DetailType}` }
        : { EventId: 'sent' };
    const results = await publisher.publish(Array.from({ length: 10 }, (_, index) => event(`e${index}`)));
    const failed = { ok: false, code: 'ThrottlingException', message: 'slow down candle.completed' };
    expect(results).toEqual(
      Array.from({ length: 10 }, (_, index) => (index % 3 === 1 ? failed : { ok: true })),
    );
  });

  it('turns a refused request into a failure of each of its events', async () => {
    status = 400;
    const results = await publisher.publish([event('a'), event('b')]);
    const failed = { ok: false, code: 'AccessDeniedException', message: 'not allowed' };
    expect(results).toEqual([failed, failed]);
  });

  it('turns a bus that cannot be reached into a failure of each event', async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    const results = await publisher.publish([event('a'), event('b')]);
    expect(results).toMatchObject([{ ok: false }, { ok: false }]);
    // Started again so that afterEach has something to close.
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  it('does not send what is above 256 KB, and sends the rest', async () => {
    const results = await publisher.publish([event('a'), event('big', 256 * kib), event('c')]);
    expect(results).toMatchObject([{ ok: true }, { ok: false, code: 'EntryTooLarge' }, { ok: true }]);
    expect(requests.flat().map((entry) => (JSON.parse(entry.Detail ?? '') as OutgoingEvent).id)).toEqual([
      'a',
      'c',
    ]);
  });

  it('splits a batch whose sum is above 256 KB, and keeps the order and the index', async () => {
    answer = (entry) => {
      const { id } = JSON.parse(entry.Detail ?? '') as OutgoingEvent;
      return id === 'd' ? { ErrorCode: 'InternalFailure', ErrorMessage: id } : { EventId: id };
    };
    const sizes = [100, 100, 100, 10, 200];
    const results = await publisher.publish(
      sizes.map((size, index) => event('abcde'[index] ?? '', size * kib)),
    );
    expect(requests.map((entries) => entries.length)).toEqual([2, 2, 1]);
    const failed = { ok: false, code: 'InternalFailure', message: 'd' };
    expect(results).toEqual([{ ok: true }, { ok: true }, { ok: true }, failed, { ok: true }]);
  });

  it('counts bytes, not characters', async () => {
    const wide = { id: 'wide', type: 'candle.completed', data: 'é'.repeat(130 * kib) };
    expect(await publisher.publish([wide])).toMatchObject([{ ok: false, code: 'EntryTooLarge' }]);
    expect(requests).toEqual([]);
  });

  it('sends nothing for no events, and refuses more than ten', async () => {
    expect(await publisher.publish([])).toEqual([]);
    expect(requests).toEqual([]);
    await expect(publisher.publish(Array.from({ length: 11 }, () => event('x')))).rejects.toThrow(
      PublishBatchError,
    );
    expect(requests).toEqual([]);
  });
});
