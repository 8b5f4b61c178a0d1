/**
 * The cloud of the soak: takes events from EventBridge and SQS and counts every one, hands out commands, and takes
 * snapshots. Real requests of the real SDKs; what it does not know it refuses. Tables are not its own: the streamer talks
 * to a DynamoDB engine directly.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type SinkTarget = 'bus' | 'book';

export interface SinkOptions {
  /** Called for every event, in the order in which they arrive. */
  readonly take: (target: SinkTarget, event: unknown) => void;
}

interface Poll {
  readonly untilMs: number;
  readonly response: ServerResponse;
}

export class Sink {
  readonly #options: SinkOptions;
  readonly #server: Server;
  readonly #commands: string[] = [];
  readonly #polls: Poll[] = [];
  #nowMs = 0;
  /** Requests by their name. */
  readonly requests: Record<string, number> = {};
  readonly refused: string[] = [];
  /** Bytes of the snapshots that were stored. */
  objectBytes = 0;

  private constructor(options: SinkOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(options: SinkOptions): Promise<Sink> {
    const sink = new Sink(options);
    sink.#server.listen(0, '127.0.0.1');
    await once(sink.#server, 'listening');
    return sink;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get queued(): number {
    return this.#commands.length;
  }

  /** Puts a command on the streamer's queue. */
  send(command: object): void {
    this.#commands.push(JSON.stringify(command));
    this.#serve();
  }

  /** Simulated time has come to `nowMs`: long polls that have waited long enough are answered with nothing. */
  advance(nowMs: number): void {
    this.#nowMs = nowMs;
    while (this.#polls[0] !== undefined && this.#polls[0].untilMs <= nowMs) {
      sendJson(this.#polls.shift()!.response, {});
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const target = String(request.headers['x-amz-target'] ?? `S3.${request.method}`);
    this.requests[target] = (this.requests[target] ?? 0) + 1;
    switch (target) {
      case 'AWSEvents.PutEvents':
        return sendJson(response, this.#putEvents(JSON.parse(body.toString())));
      case 'AmazonSQS.SendMessageBatch':
        return sendJson(response, this.#sendBatch(JSON.parse(body.toString())));
      case 'AmazonSQS.ReceiveMessage':
        this.#receive(JSON.parse(body.toString()), response);
        return;
      case 'AmazonSQS.DeleteMessage':
      case 'AmazonSQS.ChangeMessageVisibility':
        return sendJson(response, {});
      case 'S3.PUT':
        this.objectBytes += body.length;
        response.writeHead(200, { ETag: `"${createHash('md5').update(body).digest('hex')}"` });
        response.end();
        return;
      default:
        this.refused.push(target);
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        response.end(JSON.stringify({ __type: 'UnknownOperationException', message: target }));
    }
  }

  #putEvents({ Entries }: { Entries: readonly { Detail: string }[] }) {
    for (const { Detail } of Entries) this.#options.take('bus', JSON.parse(Detail));
    return { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: randomUUID() })) };
  }

  #sendBatch({ Entries }: { Entries: readonly { Id: string; MessageBody: string }[] }) {
    for (const { MessageBody } of Entries) this.#options.take('book', JSON.parse(MessageBody));
    const Successful = Entries.map(({ Id, MessageBody }) => ({
      Id,
      MessageId: randomUUID(),
      // The SDK compares it with what it sent.
      MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
    }));
    return { Successful, Failed: [] };
  }

  #receive({ WaitTimeSeconds = 0 }: { WaitTimeSeconds?: number }, response: ServerResponse): void {
    const poll = { untilMs: this.#nowMs + WaitTimeSeconds * 1_000, response };
    this.#polls.push(poll);
    response.once('close', () => {
      const index = this.#polls.indexOf(poll);
      if (index >= 0) this.#polls.splice(index, 1);
    });
    this.#serve();
  }

  #serve(): void {
    while (this.#commands.length > 0 && this.#polls.length > 0) {
      const Body = this.#commands.shift()!;
      const MD5OfBody = createHash('md5').update(Body).digest('hex');
      const Messages = [{ Body, MD5OfBody, MessageId: randomUUID(), ReceiptHandle: randomUUID() }];
      sendJson(this.#polls.shift()!.response, { Messages });
    }
  }
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
}
