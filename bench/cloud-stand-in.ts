import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/**
 * As much of AWS as a streamer needs to be at its work: a lease that nobody else wants, a bus and a queue that take
 * everything at once, a queue of commands that stays empty. It keeps nothing: what is measured is the streamer.
 */
export interface CloudStandIn {
  /** What the deployed task would have in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Events that the bus has taken, by type. */
  readonly events: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** A poll that finds nothing is answered after this long; SQS waits up to 20 s. */
const EMPTY_POLL_MS = 5_000;

export async function startCloudStandIn(): Promise<CloudStandIn> {
  const events = new Map<string, number>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const [, operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
      answer(response, operation, body, events);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The stand-in of AWS has no port.');
  const endpoint = `http://127.0.0.1:${address.port}`;
  return {
    events,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-north-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      EVENT_BUS_NAME: 'bench',
      BOOK_QUEUE_URL: `${endpoint}/000000000000/bench-book.fifo`,
      COMMAND_QUEUE_URL: `${endpoint}/000000000000/bench-orders.fifo`,
      CONTROL_TABLE: 'bench-control',
      SNAPSHOT_BUCKET: 'bench-snapshots',
      BOOK_TABLE: 'bench-book',
      AUDIT_TABLE: 'bench-audit',
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answer(
  response: ServerResponse,
  operation: string,
  body: string,
  events: Map<string, number>,
): void {
  const json = (value: object): void => {
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify(value));
  };
  switch (operation) {
    case 'PutEvents': {
      const { Entries: entries } = JSON.parse(body) as {
        readonly Entries: readonly { DetailType: string }[];
      };
      for (const { DetailType: type } of entries) events.set(type, (events.get(type) ?? 0) + 1);
      json({ FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: 'taken' })) });
      return;
    }
    case 'SendMessageBatch': {
      const { Entries: entries } = JSON.parse(body) as {
        readonly Entries: readonly { readonly Id: string; readonly MessageBody: string }[];
      };
      json({
        Successful: entries.map(({ Id, MessageBody }) => ({
          Id,
          MessageId: Id,
          MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
        })),
        Failed: [],
      });
      return;
    }
    case 'ReceiveMessage':
      setTimeout(() => json({}), EMPTY_POLL_MS).unref();
      return;
    default: // every item of DynamoDB is free, every object of S3 is taken
      json({});
  }
}
