/** The book's FIFO queue behind the publisher's port: one group for each account, so that its events keep their order. */
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  type EventPublisher,
  type OutgoingEvent,
  type PublishResult,
  publishBatchMax,
} from '../ports/event-publisher.ts';
import { publishPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** What the queue needs to know of an event: `Envelope` of lib/events is one. */
export interface BookEvent extends OutgoingEvent {
  readonly account: string;
}

export interface BookQueueOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/** SQS's limit for one message, and for the sum of a batch. Source: SendMessageBatch. */
const bytesMax = 256 * 1024;

/** A caller handed over more than ten events. */
export class BookBatchError extends Error {
  override readonly name = 'BookBatchError';
  readonly code = 'BOOK_BATCH_TOO_LONG';

  constructor(length: number) {
    super(
      `BOOK_BATCH_TOO_LONG: ${length} events in one call; SQS takes ${publishBatchMax}. Nothing was sent. ` +
        `This is a mistake in the calling code: hand over at most ${publishBatchMax}.`,
    );
  }
}

interface Sized {
  readonly index: number;
  readonly event: BookEvent;
  readonly body: string;
  readonly bytes: number;
}

export class BookQueue implements EventPublisher {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ client, queueUrl }: BookQueueOptions) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async publish(events: readonly BookEvent[]): Promise<readonly PublishResult[]> {
    if (events.length > publishBatchMax) throw new BookBatchError(events.length);
    const results: PublishResult[] = [];
    const sendable: Sized[] = [];
    for (const [index, event] of events.entries()) {
      const body = JSON.stringify(event);
      const bytes = Buffer.byteLength(body);
      if (bytes <= bytesMax) sendable.push({ index, event, body, bytes });
      else results[index] = tooLarge(event, bytes);
    }
    let failed = false;
    for (const group of groups(sendable)) {
      // What follows a failure waits for it: an account's events would else change their order.
      const sent: readonly PublishResult[] = failed ? group.map(() => notTried) : await this.#send(group);
      for (const [position, { index }] of group.entries()) results[index] = sent[position]!;
      failed ||= sent.some(({ ok }) => !ok);
    }
    return results;
  }

  async #send(group: readonly Sized[]): Promise<readonly PublishResult[]> {
    try {
      const answer = await this.#client.send(
        new SendMessageBatchCommand({
          QueueUrl: this.#queueUrl,
          Entries: group.map(({ index, event, body }) => ({
            Id: String(index),
            MessageBody: body,
            MessageGroupId: event.account,
            // The same event sent again within five minutes is dropped by the queue; later than that, by its reader.
            MessageDeduplicationId: event.id,
          })),
        }),
      );
      const taken = new Set(answer.Successful?.map(({ Id }) => Id));
      const refused = new Map(answer.Failed?.map((entry) => [entry.Id, entry]));
      return group.map(({ index }) => {
        if (taken.has(String(index))) return { ok: true };
        const entry = refused.get(String(index));
        return {
          ok: false,
          code: entry?.Code ?? 'NO_ANSWER',
          message: entry?.Message ?? 'SQS named this entry neither as taken nor as refused',
        };
      });
    } catch (error) {
      // Whether the request arrived is unknown. Events may come twice, so the book-keeper is idempotent.
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return group.map(() => ({ ok: false, code: name, message }));
    }
  }
}

export function createBookQueue(queueUrl: string): EventPublisher {
  // One batch at a time: a call that never comes back would keep every event from the book.
  const client = unlogged(new SQSClient({ requestHandler: publishPatience }));
  return new BookQueue({ client, queueUrl });
}

const notTried: PublishResult = {
  ok: false,
  code: 'NOT_TRIED',
  message: 'an event before it in the batch was refused',
};

function tooLarge(event: OutgoingEvent, bytes: number): PublishResult {
  return {
    ok: false,
    code: 'EntryTooLarge',
    message: `${event.id} (${event.type}) has ${bytes} bytes; SQS takes ${bytesMax}`,
  };
}

/** Consecutive messages whose sum fits into one request. */
function groups(messages: readonly Sized[]): Sized[][] {
  const all: Sized[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    if (bytes + message.bytes > bytesMax) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(message);
    bytes += message.bytes;
  }
  return all;
}
